"""Killed, doubled, repeated: the run ends with the same bytes."""

import os
import signal
import subprocess
import sys
import time

import pytest
from checkouts import alive, children_of, wait_for

pytestmark = pytest.mark.timeout(3600)

PART = (
    "results/smoke/highres/tables/constants_measures.csv",
    "results/smoke/alignment/tables/sinkhorn_measures.csv",  # two trainings
    "results/smoke/elements/figures/families.png",
)
"""From raw data to numbers and figures, in a minute; the campaign in tests/chaos kills oftener."""


def test_a_second_run_stands_back_and_a_killed_run_recovers_with_the_same_bytes(fresh, finished):
    command = [sys.executable, "workflow/run.py", "--preset", "smoke", "reproduce", *PART]
    process = subprocess.Popen(
        command, cwd=fresh.folder, env=fresh.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(lambda: list(fresh.results.rglob("*.provenance.json")))

    second = fresh.make("reproduce")
    assert second.returncode == 75
    assert "Another run is active" in second.stderr
    bare = fresh.snakemake("all")
    assert bare.returncode != 0
    assert "Traceback" not in bare.stderr
    assert process.poll() is None, "the first run was disturbed"

    # A step is at work: kill Snakemake and its wrapper, and nothing else.
    wait_for(lambda: len(children_of(process.pid)) >= 2)
    snakemake, *steps = children_of(process.pid)
    os.kill(snakemake, signal.SIGKILL)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not any(alive(step) for step in steps), seconds=10)  # no orphan keeps writing
    assert any((fresh.folder / ".snakemake" / "locks").iterdir()), "nothing to recover from"

    recovered = fresh.make("reproduce", *PART)
    assert recovered.returncode == 0, recovered.stdout[-5000:] + recovered.stderr[-5000:]
    assert not list(fresh.results.rglob("*.partial*"))

    ours, theirs = fresh.bytes_of_results(), finished.bytes_of_results()
    assert all(path.removeprefix("results/smoke/") in ours for path in PART)
    assert ours.keys() <= theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_a_second_run_has_nothing_to_do_in_seconds(finished):
    begin = time.monotonic()
    result = finished.snakemake()
    seconds = time.monotonic() - begin
    assert result.returncode == 0
    assert "Nothing to be done" in result.stdout + result.stderr
    assert seconds < 30  # 8 on a quiet machine; a test on a busy one is no timing


def test_an_interrupt_ends_the_run_soon_and_leaves_no_job(fresh):
    """Ctrl-C on a terminal sends SIGINT to the whole process group."""
    # A test run that was itself started in the background ignores SIGINT, and its children would inherit that.
    heed = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL);"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    command = [sys.executable, "-c", heed, "workflow/run.py", "--preset", "smoke", "reproduce"]
    process = subprocess.Popen(
        command, cwd=fresh.folder, env=fresh.environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for(lambda: len(children_of(process.pid)) >= 2)
    below = children_of(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) != 0
    wait_for(lambda: not any(alive(pid) for pid in below), seconds=10)
    assert not (fresh.results / "claims.csv").exists()
