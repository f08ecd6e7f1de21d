"""Real runs of the real graph, on copies of this checkout."""

from collections.abc import Callable

import pytest
from checkouts import Checkout, copy_to


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Checkout:
    """A checkout in which the smoke preset has run from raw data to report. Tests leave it as they found it."""
    checkout = copy_to(tmp_path_factory.mktemp("finished") / "suite")
    result = checkout.make("reproduce")
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-8000:]
    return checkout


@pytest.fixture(scope="session")
def another(tmp_path_factory) -> Callable[[], Checkout]:
    """A function that makes a checkout in which nothing has run."""
    return lambda: copy_to(tmp_path_factory.mktemp("another") / "suite")


@pytest.fixture
def fresh(tmp_path) -> Checkout:
    """A checkout in which nothing has run."""
    return copy_to(tmp_path / "suite")
