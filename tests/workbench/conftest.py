"""A small planted repository with the results of a run, of the real ledgers and invented numbers."""

import shutil
from pathlib import Path

import pytest
from planted_runs import plant


@pytest.fixture(scope="session")
def seedling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planted repository, made once; tests change copies of it."""
    root = tmp_path_factory.mktemp("planted") / "repository"
    plant(root)
    return root


@pytest.fixture
def planted(seedling: Path, tmp_path: Path) -> Path:
    """A planted repository; its results lie below results/default."""
    return shutil.copytree(seedling, tmp_path / "repository")
