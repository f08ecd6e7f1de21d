"""A campaign of faults: each ends in recovery or in a message, and nothing wrong is ever accepted.

`make chaos` runs all of it, `make test` a short one. Trials are seeded: what the campaign prints repeats all trials of
the fault of which one failed.
"""

import argparse
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import inputs
import runs
from tqdm import tqdm
from trials import Ending, Fault, Ground, needs_mounts

from perspectives.workbench import readme

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
HEADS = ("Fault", "Tried", "Recovered", "Refused with a message", "Wrongly accepted or unreadable", "Seconds", "Seed")

FAULTS = (
    Fault("config", "random configuration: read and resolved", 200, 2000, inputs.config),
    Fault("command", "the same, by the command that make calls", 3, 60, inputs.config_at_the_command),
    Fault("checkpoint", "hostile checkpoint of PyTorch", 50, 1000, inputs.checkpoint),
    Fault("arrays", "hostile or damaged file of arrays", 50, 500, inputs.arrays),
    Fault("mirror", "mirror with other bytes", 30, 500, inputs.mirror),
    Fault("server", "server that stalls, cuts short, lies or fails", 10, 200, inputs.server),
    Fault("archive", "archive tampered with", 20, 300, inputs.tampering),
    Fault("twice", "second run at once", 1, 4, runs.twice),
    Fault("power", "result cut short or zeroed", 1, 12, runs.power),
    Fault("record", "record, log or timing cut short or zeroed", 0, 6, runs.record),
    Fault("clock", "times of files years off", 1, 4, runs.clock),
    Fault("uptime", "monotonic clock elsewhere", 0, 1, runs.uptime, needs_mounts),
    Fault("disk", "disk full", 1, 6, runs.disk, needs_mounts),
    Fault("read-only", "folder read-only", 0, 6, runs.read_only),
    Fault("kill", "kill -9 at a random instant", 1, 50, runs.kill),
)


@dataclass(frozen=True)
class Tried:
    """What became of the trials of one fault."""

    fault: Fault
    endings: Counter[Ending]
    failures: list[str]
    seconds: float
    seed: int

    @property
    def row(self) -> tuple[str, ...]:
        counts = (len(self.failures) + self.endings.total(), *(self.endings[ending] for ending in Ending))
        prevented = self.fault.prevented()
        name = self.fault.what + (f": not tried, {prevented}" if prevented else "")
        return (name, *map(str, counts), str(len(self.failures)), f"{self.seconds:.0f}", str(self.seed))


def attempt(fault: Fault, count: int, seed: int, ground: Ground, deadline: float = float("inf")) -> Tried:
    """Return what became of `count` trials, or of as many as were begun before the deadline."""
    endings: Counter[Ending] = Counter()
    failures = []
    begin = time.monotonic()
    for number in tqdm(range(0 if fault.prevented() else count), fault.what, leave=False, disable=None):
        if time.monotonic() > deadline:
            break
        try:
            endings[fault.trial(random.Random(f"{seed}/{fault.name}/{number}"), ground)] += 1
        except Exception as error:  # whatever it is, it should not have been
            failures.append(f"{fault.name}, seed {seed}, trial {number}: {type(error).__name__}: {error}")
    return Tried(fault, endings, failures, time.monotonic() - begin, seed)


def main() -> int:
    """Run the campaign that the command line asks for, and write its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, help="how many; of all else as many in proportion")
    parser.add_argument("--minutes", type=float, default=90, help="no trial begins later")
    parser.add_argument("--only", choices=[fault.name for fault in FAULTS], help="this fault, and its row of the table")
    options = parser.parse_args()
    logging.disable()  # of sources that lie
    deadline = time.monotonic() + 60 * options.minutes
    share = 1 if options.kills is None else options.kills / FAULTS[-1].full
    done = []
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        ground = Ground(Path(folder))
        for fault in FAULTS:
            if options.only in (None, fault.name):
                done.append(attempt(fault, max(1, round(share * fault.full)), options.seed, ground, deadline))
                print(*done[-1].row, *done[-1].failures, sep=" | ", flush=True)
    write(done)
    failures = [failure for tried in done for failure in tried.failures]
    names = sorted({tried.fault.name for tried in done if tried.failures})
    for name in names:
        print(f"Repeat: make chaos ONLY={name} SEED={options.seed}", file=sys.stderr)
    return bool(failures)


def write(done: Sequence[Tried], page: Path = PAGE) -> None:
    """Write what was tried between the table's markers into the page; rows of other faults stay."""
    text = page.read_text()
    kept = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in text.splitlines() if line[:1] == "|"]
    new = {tried.fault: tried.row for tried in done}
    old = {fault: row for fault in FAULTS for row in kept if row[0].startswith(fault.what)}
    rows = [(old | new)[fault] for fault in FAULTS if fault in old | new]
    page.write_text(readme.between(text, "chaos", readme.table(HEADS, rows)))


if __name__ == "__main__":
    sys.exit(main())
