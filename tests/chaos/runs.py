"""Faults of whole runs: killed, doubled, without space, in read-only folders, with results and clocks that changed."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from checkouts import Checkout, alive, children_of, wait_for
from trials import FILES, Ending, Ground, refused

NO_SPACE = """
mount -t tmpfs -o size="$1" none results
"$2" workflow/run.py --preset smoke reproduce $3 >first.txt 2>&1
echo $? >status
find results -name '*.partial*' >halves
mount -o remount,size=500m results
"$2" workflow/run.py --preset smoke reproduce $3 >second.txt 2>&1 || exit 1
cp -a results kept && umount results && rmdir results && mv kept results
"""
READ_ONLY = """
mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 99
"$2" workflow/run.py --preset smoke reproduce $3
"""


def start(checkout: Checkout) -> subprocess.Popen[bytes]:
    command = [sys.executable, "workflow/run.py", "--preset", "smoke", "reproduce", *FILES]
    return subprocess.Popen(
        command, cwd=checkout.folder, env=checkout.environment, start_new_session=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def kill(rng: random.Random, ground: Ground) -> Ending:
    """The run is killed at a random instant: everything at once, or Snakemake and what called it alone."""
    instant = rng.uniform(0, ground.seconds)
    checkout = ground.fresh()
    process = start(checkout)
    deadline = time.monotonic() + instant
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    below = children_of(process.pid)
    everything = rng.random() < 0.5
    for pid in [process.pid] if everything else [*below[:1], process.pid]:
        with suppress(ProcessLookupError):  # it has ended
            (os.killpg if everything else os.kill)(pid, signal.SIGKILL)
    process.wait()
    wait_for(lambda: not any(alive(pid) for pid in below), seconds=10)  # no orphan keeps writing
    return ground.recovers(checkout)


def power(rng: random.Random, ground: Ground) -> Ending:
    """A result is cut short or filled with zeros, at its old time or another: it is named, and made again."""
    checkout = ground.copy()
    name = rng.choice(sorted(ground.content))
    file = checkout.results / name
    _damage(rng, file)
    bare = checkout.snakemake("-n", *FILES)
    assert bare.returncode, f"{name} was accepted"
    refused(bare.stdout + bare.stderr, f"results/smoke/{name}")
    return ground.recovers(checkout)


def record(rng: random.Random, ground: Ground) -> Ending:
    """The same of a record, a log or a timing: what it says of the results is made again, and they stay."""
    checkout = ground.copy()
    diaries = [*checkout.results.glob("logs/**/*.*"), *checkout.results.glob("benchmarks/**/*.*")]
    _damage(rng, rng.choice(sorted(diaries)))
    return ground.recovers(checkout)


def _damage(rng: random.Random, file: Path) -> None:
    content, state = file.read_bytes(), file.stat()
    length = rng.randrange(len(content))
    file.write_bytes(content[:length] + rng.choice([b"", bytes(len(content) - length)]))
    assert file.read_bytes() != content
    shift = rng.choice([0, -(10**17), 10**17])  # three years
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns + shift))


def disk(rng: random.Random, ground: Ground) -> Ending:
    """There is too little space for the results: a message, nothing half-made, and recovery once there is."""
    content = ground.content
    size = rng.randrange(8, sum(map(len, content.values())) // 1024)
    checkout = ground.fresh()
    (checkout.folder / "results").mkdir()
    run = _unshared(checkout, NO_SPACE, f"{size}k")
    first = (checkout.folder / "first.txt").read_text()
    assert run.returncode == 0, (checkout.folder / "second.txt").read_text()[-3000:]
    assert (checkout.folder / "status").read_text() != "0\n", f"{size} KiB were enough"
    assert not (checkout.folder / "halves").read_text()
    refused(first, "No space left on device")
    return ground.same(checkout)


def read_only(rng: random.Random, ground: Ground) -> Ending:
    """A folder is read-only: a message that names it, or the run does without."""
    name = rng.choice(["results", "data", ".cache", ".snakemake", "results/smoke/highres/tables", "."])
    checkout = ground.fresh()
    (checkout.folder / name).mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:  # whom permission bits do not bind
        run = _unshared(checkout, READ_ONLY, name)
        assert run.returncode != 99, run.stderr
    else:
        (checkout.folder / name).chmod(0o555)
        run = checkout.make("reproduce", *FILES)
        (checkout.folder / name).chmod(0o755)
    if run.returncode == 0:
        return ground.same(checkout)
    refused(run.stdout + run.stderr, checkout.folder.name if name == "." else Path(name).name)
    return ground.recovers(checkout)


def _unshared(checkout: Checkout, script: str, argument: str) -> subprocess.CompletedProcess[str]:
    """Run a script with mounts that only it sees."""
    return checkout.run("unshare", "--mount", "sh", "-c", script, "sh", argument, sys.executable, " ".join(FILES))


def clock(rng: random.Random, ground: Ground) -> Ending:
    """Times of files jump years ahead or back, and one result is lost."""
    checkout = ground.copy()
    for path in sorted(checkout.folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and rng.random() < 0.5:
            shifted = path.stat().st_mtime + rng.uniform(-1e8, 1e8)
            os.utime(path, (shifted, shifted))
    (checkout.results / rng.choice([name.removeprefix("results/smoke/") for name in FILES])).unlink()
    return ground.recovers(checkout)


def uptime(rng: random.Random, ground: Ground) -> Ending:
    """The monotonic clock stands elsewhere, in a time namespace."""
    checkout = ground.copy()
    (checkout.results / rng.choice([name.removeprefix("results/smoke/") for name in FILES])).unlink()
    offset = str(rng.randrange(10**8))
    command = [sys.executable, "workflow/run.py", "--preset", "smoke", "reproduce", *FILES]
    run = checkout.run("unshare", "--time", "--monotonic", offset, "--boottime", offset, "--fork", *command)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return ground.same(checkout)


def twice(rng: random.Random, ground: Ground) -> Ending:
    """A second run, by `make` or bare, stands back, and the first is not disturbed."""
    pause = rng.uniform(0.1, ground.seconds / 2)
    checkout = ground.fresh()
    first = start(checkout)
    wait_for(lambda: (checkout.folder / ".snakemake" / "run.lock").exists())
    time.sleep(pause)
    try:
        second = checkout.make("reproduce", *FILES) if rng.random() < 0.5 else checkout.snakemake(*FILES)
        running = first.poll() is None
    finally:
        status = first.wait()
    assert status == 0
    if running:
        assert second.returncode, "two runs at once"
        refused(second.stdout + second.stderr)
    return ground.same(checkout)
