"""Downloads over HTTP that resume, outlast stalls and end after a bounded number of attempts.

pooch, the usual library for this, does not fit: it pins a file's digest as transferred, not that of its content, and
begins again from nothing when a transfer breaks; so this uses `requests`, on which pooch stands.
"""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3.exceptions

from perspectives.numerics.progress import Progress, silent


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to bear a bad connection.

    A transfer that brings nothing for `stall_seconds` is broken off; one that broke is resumed until `attempts` are
    used up, the first time after `pause_seconds` and then after twice as long each time.
    """

    stall_seconds: float = 30.0
    attempts: int = 5
    pause_seconds: float = 1.0


PATIENCE = Patience()

_CHUNK_BYTES = 1 << 16
# Answers that may differ on the next try: request timeout, too many requests, and the server's own troubles.
_PASSING = {408, 429, 500, 502, 503, 504}


class Unavailable(Exception):
    """A source did not give the file; the message says why."""


class _BrokenOff(Exception):
    """A transfer ended early and may be resumed."""


def download(url: str, file: Path, *, patience: Patience = PATIENCE, progress: Progress = silent) -> bool:
    """Write what `url` serves to `file`, as served, and return whether all of it came by this one transfer.

    What has come stays in `<file>.part` when this fails, and is resumed by the next call: by an HTTP range when the
    server knows ranges, from the start when it does not. `progress` counts transferred bytes.
    **Raises**: Unavailable when there is nothing to be had, or when the attempts are used up.
    """
    part = file.with_name(file.name + ".part")
    resumed = False
    reason = ""
    for attempt in range(patience.attempts):
        if attempt:
            time.sleep(patience.pause_seconds * 2 ** (attempt - 1))
        try:
            resumed = _transfer(url, part, patience.stall_seconds, progress)
        except _BrokenOff as error:
            reason = str(error)
        else:
            os.replace(part, file)
            return not resumed
    raise Unavailable(f"{reason}; gave up after {patience.attempts} attempts, {_kept(part)}")


def _transfer(url: str, part: Path, stall_seconds: float, progress: Progress) -> bool:
    """Bring `part` to its end and return whether it had a beginning that was kept."""
    have = part.stat().st_size if part.exists() else 0
    # Identity: a server must not compress on the way, or the offsets of a range would count other bytes.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=stall_seconds) as response:
            if have and response.status_code == 416 and response.headers.get("Content-Range") == f"bytes */{have}":
                return True  # all of it had come before the last call was killed
            total = _accept(response, have, part)
            kept = response.status_code == 206
            done = have if kept else 0
            response.raw.enforce_content_length = False  # an answer cut short is told from its size, below
            with part.open("ab" if kept else "wb") as out:
                while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
                    out.write(chunk)
                    done += len(chunk)
                    progress(done, max(total or 0, done))
    except requests.ConnectTimeout:
        raise Unavailable(f"no connection within {stall_seconds:g} s") from None
    except (requests.Timeout, urllib3.exceptions.ReadTimeoutError):
        raise _BrokenOff(f"stalled: nothing came for {stall_seconds:g} s") from None
    except requests.ConnectionError as error:
        cause = error.args[0] if error.args else error
        if isinstance(cause, urllib3.exceptions.MaxRetryError):  # never connected: unknown host, refused, bad proxy
            raise Unavailable(f"no connection: {cause.reason}") from None
        raise _BrokenOff(f"the connection broke: {cause}") from None
    except requests.RequestException as error:
        raise Unavailable(str(error)) from None
    except urllib3.exceptions.HTTPError as error:
        raise _BrokenOff(f"the connection broke: {error}") from None
    if total is not None and done != total:
        raise _BrokenOff(f"the connection closed after {done} of {total} bytes")
    return kept


def _accept(response: requests.Response, have: int, part: Path) -> int | None:
    """Return the size of the whole file, if the server says it; drop `part` when the answer does not continue it."""
    code = response.status_code
    if code == 200:
        length = response.headers.get("Content-Length", "")
        return int(length) if length.isdigit() else None
    if code == 206:
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if span and int(span[1]) == have:
            return None if span[2] == "*" else int(span[2])
    if code in (206, 416):  # what is kept is longer than the file is now, or the server miscounts
        part.unlink(missing_ok=True)
        raise _BrokenOff(f"the server cannot resume at byte {have}")
    answer = f"the server answered {code} {response.reason}"
    if code in _PASSING:
        raise _BrokenOff(answer)
    raise Unavailable(answer)


def _kept(part: Path) -> str:
    return f"{part.stat().st_size} bytes are kept in {part} to resume from" if part.exists() else "nothing is kept"


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Let one process at a time work on `file`: jobs that want members of one archive share one download."""
    lock = file.with_name(file.name + ".lock")
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        fcntl.flock(handle, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), lock.stat()):
                break
        os.close(handle)  # who held it before has removed it: take the new one
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(handle)
