"""Copies of this checkout, and what their processes do."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = (
    "Snakefile",
    "config.yaml",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "workflow",
    "profiles",
    "requirements",
    "src",
)


@dataclass(frozen=True)
class Checkout:
    """A copy of the sources in a folder of its own, and the means to run it."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results" / "smoke"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}

    def command(self, *arguments: str, preset: str = "smoke") -> list[str]:
        return [sys.executable, "-m", "snakemake", *arguments, "--config", f"preset={preset}"]

    def snakemake(self, *arguments: str, preset: str = "smoke") -> subprocess.CompletedProcess[str]:
        return self.run(*self.command(*arguments, preset=preset))

    def make(self, task: str, *files: str) -> subprocess.CompletedProcess[str]:
        """Run what `make TASK PRESET=smoke` runs, or only what makes `files`."""
        return self.run(sys.executable, "workflow/run.py", "--preset", "smoke", task, *files)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=1800, check=False
        )

    def stale(self) -> set[str]:
        """Return the names of the rules that Snakemake would run now."""
        result = self.snakemake("-n")
        assert result.returncode == 0, result.stdout + result.stderr
        if "Nothing to be done" in result.stdout + result.stderr:
            return set()
        lines = (result.stdout + result.stderr).splitlines()
        table = lines[next(i for i, line in enumerate(lines) if line.startswith("job ")) + 2 :]
        names = [
            line.split()[0] for line in table[: next(i for i, line in enumerate(table) if line.startswith("total"))]
        ]
        return set(names) - {"all"}

    def bytes_of_results(self) -> dict[str, bytes]:
        """Return every table, figure and array of the run; logs, timings and pages that quote them are left out."""
        kept = (".csv", ".png", ".pdf", ".npz", ".rst")
        return {
            str(path.relative_to(self.results)): path.read_bytes()
            for path in sorted(self.results.rglob("*"))
            if path.suffix in kept or path.name == "settings.json"
        }


def copy_to(folder: Path) -> Checkout:
    """Copy the sources to `folder`; compiled code is shared, so that a second run compiles nothing anew."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, folder / part)
    cache = ROOT / ".cache" / "jax"
    cache.mkdir(parents=True, exist_ok=True)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "jax").symlink_to(cache)
    return Checkout(folder)


def wait_for(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def children_of(pid):
    """Return the processes below `pid`, deepest last."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    return [int(child) for child in found] + [below for child in found for below in children_of(int(child))]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
