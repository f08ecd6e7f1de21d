"""Runs the workflow as `make` does: one run at a time, recovering by itself from a run that was killed.

Snakemake's own lock outlives a killed run and has to be taken off by hand. This lock is the kernel's: it ends with the
process that holds it, so a lock that can be taken proves that Snakemake's is stale.
"""

import argparse
import csv
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from perspectives.suite.settings import read_config, resolve
from perspectives.workbench.digests import Corrupted
from perspectives.workbench.errors import UserError
from perspectives.workbench.provenance import record
from perspectives.workbench.results import damaged
from perspectives.workbench.step import record_beside, whole_or_nothing

ROOT = Path(__file__).resolve().parents[1]
LOCK = Path(".snakemake", "run.lock")
BUSY = 75  # EX_TEMPFAIL of sysexits.h


def main() -> int:
    """Parse the command line, take the lock, do what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("task", choices=["reproduce", "report", "archive", "unlock"])
    parser.add_argument("files", nargs="*", help="what to make; left out: everything and the report")
    parser.add_argument("--preset", help="overrides config.yaml")
    parser.add_argument("--profile", help="a folder of profiles/ in place of profiles/default")
    options = parser.parse_args()
    os.chdir(ROOT)

    try:
        config = read_config(Path("config.yaml")) | ({"preset": options.preset} if options.preset else {})
        preset = resolve(config, Path("workflow", "presets")).preset
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    LOCK.parent.mkdir(exist_ok=True)
    lock = LOCK.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Another run is active in this folder; it was left alone. Try again when it has ended.", file=sys.stderr)
        return BUSY

    # For `snakemake`'s rules: the lock is held, and what is wrong with earlier results is seen to here.
    environment = {**os.environ, "PERSPECTIVES_LOCK_HELD": "1"}

    def command(*arguments: str) -> list[str]:
        profile = ["--workflow-profile", options.profile] if options.profile else []
        config = ["--config", f"preset={options.preset}"] if options.preset else []
        return [sys.executable, "-m", "snakemake", *arguments, *profile, *config]

    def snakemake(*arguments: str) -> int:
        # Snakemake inherits the lock, so that it stays taken should this process be killed alone.
        with subprocess.Popen(command(*arguments), pass_fds=[lock.fileno()], env=environment) as process:
            # Ctrl-C reaches Snakemake too and ends its jobs: wait for that. Set earlier, it would inherit being deaf.
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            status = process.wait()
            signal.signal(signal.SIGINT, before)
        return status

    status = 0
    if any(Path(".snakemake", "locks").glob("*.lock")):
        status = snakemake("--unlock", "--quiet", "all")
    if status or options.task == "unlock":
        return status
    results = Path("results", preset)
    settle(results, Path("data"), Path("workflow"))
    wrong = damaged(results)
    again = []
    if wrong:
        listed = subprocess.run(command("--summary", "all"), env=environment, stdout=subprocess.PIPE, text=True)
        if listed.returncode:
            return listed.returncode
        again = made_again(wrong, listed.stdout.splitlines())
    wanted = [*(options.files or ["all"]), *again, *(["--forcerun", *again] if again else [])]
    if options.files:
        return snakemake(*wanted)
    report, told = results / "report.html", results / "logs" / "workbench" / "report.provenance.json"
    status = snakemake(*wanted)
    if not status and (not told.exists() or outdated(report, results)):
        told.unlink(missing_ok=True)  # a report that was not finished has none
        started = datetime.now(UTC)
        status = snakemake("--report", str(report), "--quiet", "rules", "progress")
        if not status:
            with whole_or_nothing([told]) as beside:
                record(beside[told], step="report", arguments={}, outputs=[report], started=started, threads=1)
    if options.task == "archive":
        # The report is no output of a rule, and an edit of the sources is no input of this one: pack anew each time.
        status = status or snakemake("archive", "--forcerun", "archive")
        packed = results / "archive" / f"perspectives-{results.name}.tar.gz"
        return status or subprocess.run(["sh", "workflow/verify.sh", str(packed)]).returncode
    if not status:
        show(ROOT / results, ROOT / report)
    return status


def settle(*folders: Path) -> None:
    """Date files of the future, from before the clock was set back, as of now: Snakemake would refuse to read them."""
    now = time.time()
    for path in (path for folder in folders for path in folder.rglob("*")):
        with suppress(OSError):  # not ours, or gone; what cannot be dated is Snakemake's to name
            if path.is_file() and path.stat().st_mtime > now:
                os.utime(path)


def made_again(wrong: dict[Path, list[Corrupted]], summary: list[str]) -> list[str]:
    """Say what is wrong, by the job's record, and return all files of these jobs, for Snakemake to make again.

    `summary` is Snakemake's own, which says where the job of each file logs. What no rule makes is removed: the report,
    and what an earlier release left.
    """
    made: dict[Path, list[str]] = {}
    for row in csv.DictReader(summary, delimiter="\t"):
        made.setdefault(record_beside(Path(row["log-file(s)"])), []).append(row["output_file"])
    again = []
    for job, found in wrong.items():
        for bad in found:
            print(f"{bad}; it is made again.", file=sys.stderr)
        if job in made:
            again += made[job]
        else:
            for path in (job, *(bad.path for bad in found)):
                path.unlink(missing_ok=True)
    return again


def outdated(report: Path, results: Path) -> bool:
    """Say whether the report is absent or older than a result; two reports of one run differ in their bytes."""
    if not report.exists():
        return True
    made = report.stat().st_mtime
    pages = [
        *results.glob("*.csv"),
        *results.glob("*.html"),
        *results.glob("*/captions/*"),
        *results.glob("*/figures/*"),
    ]
    return any(page.stat().st_mtime > made for page in pages if page != report)


def show(results: Path, report: Path) -> None:
    """Print the verdicts' counts, what did not reproduce, and where to look."""
    with (results / "claims.csv").open(newline="") as file:
        claims = list(csv.DictReader(file))
    print(f"\n{len(claims)} claims:")
    for verdict, count in Counter(row["verdict"] for row in claims).most_common():
        print(f"  {count:3d} {verdict}")
    for row in claims:
        if row["verdict"] in ("not reproduced", "inconclusive"):
            print(f"  {row['claim']} {row['verdict']}: {row['statement']}")
    print(f"\nReport:  {report}\nClaims:  {results / 'claims.csv'}\nFigures: {results}/*/figures")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:  # a full disk, a read-only folder
        sys.exit(f"{error.filename}: {error.strerror}.")
