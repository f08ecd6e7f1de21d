"""The checkout itself: locks without hosts, style, types, and nothing that should not be committed."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
BIN = Path(sys.executable).parent


def run(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_names_no_host_and_hashes_everything(lock):
    text = lock.read_text()
    assert not re.findall(r"https?://|index-url|find-links| @ |file:", text)
    pinned = re.findall(r"^[A-Za-z0-9].*==", text, re.MULTILINE)
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    assert pinned
    assert all("--hash=sha256:" in entry for entry in entries if "==" in entry)


def versions(lock):
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock.read_text(), re.MULTILINE))


def test_locks_agree_version_by_version():
    cpu, cuda, slurm, test = (
        versions(ROOT / "requirements" / f"{name}.txt") for name in ("cpu", "cuda", "slurm", "test")
    )
    for other in (cuda, slurm, test):
        assert cpu.items() <= other.items()
    assert slurm.items() <= test.items()


def test_cuda_lock_holds_the_cuda_plugin_of_the_same_jax():
    cuda = versions(ROOT / "requirements" / "cuda.txt")
    assert cuda["jax-cuda12-plugin"] == cuda["jax"] == cuda["jaxlib"]


def test_what_is_installed_is_what_is_locked():
    """A test run on other versions says nothing about the lock."""
    from importlib.metadata import version

    locked = versions(ROOT / "requirements" / "cpu.txt")
    for name in ("jax", "equinox", "diffrax", "optax", "snakemake", "pydantic", "rocrate"):
        assert version(name) == locked[name], name


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["ruff", "check", "."], id="ruff check"),
        pytest.param(["ruff", "format", "--check", "."], id="ruff format"),
        pytest.param(["basedpyright"], id="types"),
        pytest.param(["snakefmt", "--check", "Snakefile", "workflow"], id="snakefmt"),
    ],
)
def test_style(command):
    result = run(BIN / command[0], *command[1:])
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]


def test_snakemake_lint_finds_nothing_but_the_missing_conda_environments():
    """There is one locked environment for all rules, so the linter's only complaint may be that rules name none."""
    result = run(sys.executable, "-m", "snakemake", "--lint", "--config", "preset=smoke")
    advice = re.findall(r"^\s+\* (.*?)[:.]", result.stdout + result.stderr, re.MULTILINE)
    assert set(advice) <= {"Specify a conda environment or container for each rule"}, result.stdout + result.stderr


@pytest.mark.skipif(not shutil.which("git") or not (ROOT / ".git").exists(), reason="not a git checkout")
def test_no_data_or_large_file_is_committed():
    files = [ROOT / name for name in run("git", "ls-files", "-z").stdout.split("\0") if name]
    large = [f"{file} {file.stat().st_size}" for file in files if file.is_file() and file.stat().st_size > 1_000_000]
    assert not large
    assert not [file for file in files if file.is_relative_to(ROOT / "data")]


def test_citation_and_package_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {project['version']}" in citation
    assert f"license: {project['license']}" in citation


def test_every_make_target_is_phony_or_a_file_and_has_a_line_of_help():
    text = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z]+):(.*)$", text, re.MULTILINE)
    phony = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)[0].split()
    assert {name for name, _ in targets} == set(phony)
    assert all("## " in rest for _, rest in targets)
