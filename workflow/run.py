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
from collections import Counter
from pathlib import Path

from perspectives.suite.settings import read_config, resolve
from perspectives.workbench.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
LOCK = Path(".snakemake", "run.lock")
BUSY = 75  # EX_TEMPFAIL of sysexits.h


def main() -> int:
    """Parse the command line, take the lock, do what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("task", choices=["reproduce", "report", "archive", "unlock"])
    parser.add_argument("--preset", help="overrides config.yaml")
    parser.add_argument("--gpu", action="store_true", help="use profiles/gpu")
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

    def snakemake(*arguments: str) -> int:
        command = [sys.executable, "-m", "snakemake", *arguments]
        if options.gpu:
            command += ["--workflow-profile", "gpu"]
        if options.preset:
            command += ["--config", f"preset={options.preset}"]
        # Snakemake inherits the lock, so that it stays taken should this process be killed alone.
        environment = {**os.environ, "PERSPECTIVES_LOCK_HELD": "1"}
        with subprocess.Popen(command, pass_fds=[lock.fileno()], env=environment) as process:
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
    results = ROOT / "results" / preset
    report = results / "report.html"
    status = snakemake("all")
    if not status and outdated(report, results):
        status = snakemake("--report", str(report), "--quiet", "rules", "progress")
    if options.task == "archive":
        # The report is no output of a rule, and an edit of the sources is no input of this one: pack anew each time.
        status = status or snakemake("archive", "--forcerun", "archive")
        packed = results / "archive" / f"perspectives-{results.name}.tar.gz"
        return status or subprocess.run(["sh", "workflow/verify.sh", str(packed)]).returncode
    if not status:
        show(results, report)
    return status


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
    sys.exit(main())
