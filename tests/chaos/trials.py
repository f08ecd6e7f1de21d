"""What a trial of the campaign starts from, how it ends, and how that is judged."""

import os
import random
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from checkouts import Checkout, copy_to
from planted_runs import pack, plant

CONFIG = "preset: smoke\nhighres: {deep: {epochs: 30}}  # enough for checkpoints\n"
FILES = (
    "results/smoke/highres/tables/constants_measures.csv",  # from data that are fetched
    "results/smoke/highres/tables/lyapunov_measures.csv",
    "results/smoke/highres/runs/classifier_sgd.npz",  # a training
    "results/smoke/elements/figures/families.png",
)
"""A part of the graph that takes half a minute on two cores."""


class Ending(StrEnum):
    """How a fault that was borne ended."""

    RECOVERED = "recovered"
    REFUSED = "refused"


class Ground:
    """A folder to play in, and what trials start from: made once, never changed."""

    def __init__(self, folder: Path):
        self.folder = folder

    @cached_property
    def finished(self) -> Checkout:
        """A checkout in which the files were made without a fault."""
        checkout = _checkout(self.folder / "finished")
        run = checkout.make("reproduce", *FILES)
        assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
        return checkout

    @cached_property
    def content(self) -> dict[str, bytes]:
        """What the files of the finished checkout hold."""
        return self.finished.bytes_of_results()

    @cached_property
    def seconds(self) -> float:
        """How long the finished run took, from its first record to its last."""
        times = [path.stat().st_mtime for path in self.finished.folder.rglob("*") if ".snakemake" in path.parts]
        return max(times) - min(times)

    @cached_property
    def packed(self) -> Path:
        """The archive of an invented run."""
        repository = self.folder / "packed"
        plant(repository)
        here = Path.cwd()
        os.chdir(repository)
        try:
            return repository / pack(repository)
        finally:
            os.chdir(here)

    def place(self) -> Path:
        """Return the folder of the trial, empty."""
        place = self.folder / "trial"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        return place

    def fresh(self) -> Checkout:
        """Return a checkout in which nothing has run."""
        return _checkout(self.place() / "suite")

    def copy(self) -> Checkout:
        """Return a copy of the finished checkout."""
        finished = self.finished.folder
        return Checkout(shutil.copytree(finished, self.place() / "suite", symlinks=True))

    def recovers(self, checkout: Checkout) -> Ending:
        """Run the same command again: it ends with the bytes of a run without a fault."""
        run = checkout.make("reproduce", *FILES)
        assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
        return self.same(checkout)

    def same(self, checkout: Checkout) -> Ending:
        """Compare with a run without a fault."""
        found = checkout.bytes_of_results()
        differing = sorted(name for name in found.keys() | self.content if found.get(name) != self.content.get(name))
        assert not differing, f"these results differ: {differing}"
        halves = [str(path) for name in ("results", "data") for path in (checkout.folder / name).rglob("*.partial*")]
        assert not halves, f"half-made files were left: {halves}"
        return Ending.RECOVERED


def _checkout(folder: Path) -> Checkout:
    checkout = copy_to(folder)
    (folder / "config.yaml").write_text(CONFIG)
    return checkout


@dataclass(frozen=True)
class Fault:
    """A fault, how many of it a short and a full campaign try, and one trial of it.

    `prevented` says why it cannot be tried on this machine, or nothing.
    """

    name: str
    what: str
    short: int
    full: int
    trial: Callable[[random.Random, Ground], Ending]
    prevented: Callable[[], str] = lambda: ""


def refused(text: str, *words: str) -> Ending:
    """Judge a message: it says what is wrong in lines that a person can read."""
    assert "Traceback (most recent call last)" not in text, f"a traceback:\n{text[-6000:]}"
    for word in words:
        assert word in text, f"the message lacks {word!r}:\n{text[-3000:]}"
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines, "refused without a word"
    longest = max(lines, key=len)
    assert len(longest) <= 2000, f"a line of {len(longest)} letters: {longest[:200]}"
    return Ending.REFUSED


def needs_mounts() -> str:
    """Say why no file system can be mounted here, or nothing."""
    if sys.platform != "linux" or not shutil.which("unshare"):
        return "needs Linux and unshare"
    return "" if os.geteuid() == 0 else "needs root to mount a file system"
