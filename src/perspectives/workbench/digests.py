"""Noticing data files and results that went bad after they were made, fast enough to look at every start of a run.

A file is hashed once; its digest is remembered with what the file system says of it (size, times, inode) and trusted
while that stays the same.
"""

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from perspectives.workbench.manifest import DataFile
from perspectives.workbench.provenance import Written

CACHE = Path(".cache/digests.json")

# Two writes within one tick of the file system's clock look alike, so a file this young is not remembered yet.
_SETTLED_NS = 2_000_000_000


@dataclass(frozen=True, kw_only=True)
class Corrupted:
    """A present file that is not what it should be."""

    path: Path
    expected: str
    got: str

    def __str__(self) -> str:
        """Return what a person needs to know."""
        return f"{self.path}: expected {self.expected}, got {self.got}"


def corrupted(entries: Iterable[DataFile | Written], folder: Path, cache: Path = CACHE) -> list[Corrupted]:
    """Return the files of `entries` that are present below `folder` with a wrong size or digest.

    Absent files are none of its business: the workflow makes them. `cache` holds the remembered digests; one that
    cannot be read or written costs only time.
    """
    known = _remembered(cache)
    fresh = dict(known)
    found = []
    for entry in entries:
        path = folder / entry.path
        try:
            state = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        if not stat.S_ISREG(state.st_mode):
            found.append(Corrupted(path=path, expected="a regular file", got="something else"))
        elif state.st_size != entry.bytes:
            found.append(Corrupted(path=path, expected=f"{entry.bytes} bytes", got=f"{state.st_size} bytes"))
        else:
            got = _digest(path, state, fresh)
            if got != entry.sha256:
                found.append(Corrupted(path=path, expected=f"sha256 {entry.sha256}", got=got))
    if fresh != known:
        _remember(cache, fresh)
    return found


def _digest(path: Path, state: os.stat_result, known: dict[str, list]) -> str:
    """Return the file's digest, from `known` when the file is as it was, and put it there when it may be trusted."""
    key = str(path.resolve())
    mark = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
    remembered = known.get(key)
    if remembered and remembered[:-1] == mark:
        return str(remembered[-1])
    known.pop(key, None)
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return f"a file that cannot be read ({error.strerror})"
    if time.time_ns() - max(state.st_mtime_ns, state.st_ctime_ns) > _SETTLED_NS:
        known[key] = [*mark, digest]
    return digest


def _remembered(cache: Path) -> dict[str, list]:
    try:
        known = json.loads(cache.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {key: value for key, value in known.items() if isinstance(value, list)}


def _remember(cache: Path, known: dict[str, list]) -> None:
    beside = cache.with_name(f".{cache.name}.partial-{os.getpid()}")
    with suppress(OSError):
        try:
            cache.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(known, indent=0, sort_keys=True))
            os.replace(beside, cache)
        finally:
            beside.unlink(missing_ok=True)
