"""Getting a data file from wherever it can be had: a mirror, the package installed here, the web, a package client.

Sources are tried in order until the content has the manifest's digest. Nothing but a file of that digest ever stands at
the destination. What comes over the network is kept in a cache folder while it is incomplete, to resume from, and when
it is an archive that holds other files too.
"""

import errno
import hashlib
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from perspectives.numerics.progress import Progress, silent
from perspectives.workbench.archives import SUFFIXES, Unreadable, opened
from perspectives.workbench.downloads import PATIENCE, Patience, Unavailable, alone, download
from perspectives.workbench.errors import UserError
from perspectives.workbench.manifest import DataFile, DebianSource, PackageSource, Source, UrlSource, WheelSource

CACHE = Path(".cache/downloads")
"""Where incomplete downloads and archives wait; may be deleted at any time when nothing runs."""

_CHUNK_BYTES = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT}
_LOG = logging.getLogger(__name__)


class _WrongContent(Unavailable):
    """A source gave a file, but not the one that the manifest means."""


def fetch(
    entry: DataFile,
    destination: Path,
    *,
    mirror: Path | None = None,
    offline: bool = False,
    cache: Path = CACHE,
    patience: Patience = PATIENCE,
    progress: Progress = silent,
) -> None:
    """Write the content of `entry` to `destination`, whole and of the right digest, or leave `destination` as it was.

    `progress` counts bytes: transferred ones while downloading, then those of the content. With `offline`, only the
    mirror, installed packages and archives in the cache are looked at, and no socket is opened.
    **Raises**: UserError naming every source and what was wrong with it, or a full disk.
    """
    reasons = []
    means = _Means(offline=offline, cache=cache, patience=patience, progress=progress)
    for label, bring in _attempts(entry, mirror, means):
        try:
            bring(entry, destination)
        except Unavailable as error:
            _LOG.log(logging.WARNING if isinstance(error, _WrongContent) else logging.INFO, "%s: %s", label, error)
            reasons.append(f"  {label}: {error}")
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise UserError(
                f"The disk is full: no space left for {entry.path} ({entry.bytes:,} bytes), writing below "
                f"{destination.parent} or {cache}. Nothing incomplete was left among the data; free some space and "
                "run again."
            ) from None
        else:
            _LOG.info("%s: from %s", entry.path, label)
            return
    lines = [f"Cannot get {entry.path} ({entry.bytes:,} bytes, sha256 {entry.sha256}):", *reasons]
    raise UserError("\n".join([*lines, _remedy([entry], mirror)]))


def missing_offline(
    entries: Iterable[DataFile], data: Path, *, mirror: Path | None = None, cache: Path = CACHE
) -> list[DataFile]:
    """Return the entries that are neither below `data` nor to be had without a network, by existence alone."""
    return [entry for entry in entries if not (data / entry.path).exists() and not _stands_ready(entry, mirror, cache)]


def explain_missing(entries: list[DataFile], mirror: Path | None = None) -> str:
    """Return the message for files that cannot be had offline: which they are and where to put them."""
    files = [f"  {entry.path} ({entry.bytes:,} bytes, sha256 {entry.sha256})" for entry in entries]
    head = "Offline, and these data files are neither here nor in a mirror:"
    return "\n".join([head, *files, _remedy(entries, mirror), "Or set `data: offline: false` to download them."])


def _remedy(entries: list[DataFile], mirror: Path | None) -> str:
    names = " ".join(entry.path for entry in entries)
    if mirror is not None:
        return f"Put into the mirror {mirror}, plain or with .gz or .xz appended: {names}"
    return (
        f"Put into a folder, plain or with .gz or .xz appended: {names}; and name that folder with `data: mirror:` in "
        "config.yaml or in the environment variable PERSPECTIVES_MIRROR."
    )


@dataclass(frozen=True, kw_only=True)
class _Means:
    """What a fetch may use, and whom it tells."""

    offline: bool
    cache: Path
    patience: Patience
    progress: Progress


def _attempts(
    entry: DataFile, mirror: Path | None, means: _Means
) -> Iterator[tuple[str, Callable[[DataFile, Path], None]]]:
    """Yield each source's name and the function that brings an entry to a destination."""
    if mirror is not None:
        yield (
            f"mirror {mirror}",
            lambda entry, to: _copy(entry, _mirrored(entry, mirror), None, to, means.progress),
        )
    for source in entry.sources:
        yield str(source), partial(_bring, source, means)


def _mirrored(entry: DataFile, mirror: Path) -> Path:
    """Return the mirror's file for `entry`. **Raises**: Unavailable when there is none."""
    if not mirror.is_dir():
        raise Unavailable("there is no such folder")
    for suffix in SUFFIXES:
        file = mirror / f"{entry.path}{suffix}"
        if file.is_file():
            if not os.access(file, os.R_OK):
                raise Unavailable(f"{file} may not be read")
            return file
    raise Unavailable(f"no file {entry.path}, plain, .gz or .xz")


def _installed(source: Source) -> Path | None:
    """Return where this machine already has the file of `source`, or None."""
    file = None
    if isinstance(source, PackageSource):
        spec = importlib.util.find_spec(source.package)  # does not run the package, as importlib.resources would
        folders = spec.submodule_search_locations if spec else None
        file = Path(folders[0], source.member) if folders else None
    elif isinstance(source, DebianSource):
        file = Path(source.member)
    return file if file is not None and file.is_file() else None


def _stands_ready(entry: DataFile, mirror: Path | None, cache: Path) -> bool:
    if mirror is not None:
        try:
            _mirrored(entry, mirror)
        except Unavailable:
            pass
        else:
            return True
    return any(
        _installed(source) is not None or (not isinstance(source, PackageSource) and _cached(source, cache).is_file())
        for source in entry.sources
    )


def _cached(source: UrlSource | WheelSource | DebianSource, cache: Path) -> Path:
    """Return where in the cache the file stands that `source` serves; its suffix tells what it is."""
    match source:
        case UrlSource():
            served = urlsplit(source.url).path.rsplit("/", 1)[-1]
            return cache / f"{hashlib.sha256(source.url.encode()).hexdigest()[:12]}-{served}"
        case WheelSource():
            return cache / f"{source.requirement}.whl"
        case DebianSource():
            return cache / f"{source.package}.deb"


def _bring(source: Source, means: _Means, entry: DataFile, destination: Path) -> None:
    here = _installed(source)
    if here is not None:
        return _copy(entry, here, None, destination, means.progress)
    if isinstance(source, PackageSource):
        raise Unavailable("that package or its file is not installed")
    served = _cached(source, means.cache)
    if means.offline and not served.is_file():
        raise Unavailable("not tried: offline")
    means.cache.mkdir(parents=True, exist_ok=True)
    with alone(served):
        for last in (False, True):
            fresh = not served.is_file() and _obtain(source, served, means)
            try:
                _copy(entry, served, source.member, destination, means.progress)
                break
            except _WrongContent:
                # Bytes from an earlier call may be those of another version: get all of it anew, once.
                served.unlink()
                if fresh or last or means.offline:
                    raise
        if isinstance(source, UrlSource) and source.member is None:
            served.unlink()


def _obtain(source: UrlSource | WheelSource | DebianSource, served: Path, means: _Means) -> bool:
    """Write what `source` serves to `served`; return whether none of it is left from an earlier call."""
    if means.offline:  # another process took the file away since we looked
        raise Unavailable("not tried: offline")
    match source:
        case UrlSource():
            return download(source.url, served, patience=means.patience, progress=means.progress)
        case WheelSource():
            options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--no-input", "--quiet"]
            _run([sys.executable, "-m", "pip", "download", *options, "--dest", ".", source.requirement], served)
        case DebianSource():
            for tool in ("apt-get", "dpkg-deb"):
                if shutil.which(tool) is None:
                    raise Unavailable(f"{tool} is not on this machine, and the package is not installed")
            _run(["apt-get", "download", "--quiet", source.package], served)
    return True


def _run(command: list[str], served: Path) -> None:
    """Run a package client that writes one file into the working folder; keep that file as `served`."""
    with tempfile.TemporaryDirectory(dir=served.parent) as folder:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"LC_ALL": "C"},
        )
        files = list(Path(folder).glob(f"*{served.suffix}"))
        if done.returncode or len(files) != 1:
            said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            tool = command[2] if command[1] == "-m" else command[0]
            raise Unavailable(f"{tool} download failed: {said[-1] if said else f'status {done.returncode}'}")
        os.replace(files[0], served)


def _copy(entry: DataFile, file: Path, member: str | None, destination: Path, progress: Progress) -> None:
    """Write the content of `file` to `destination` if it is that of `entry`.

    **Raises**: _WrongContent when it is not.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    beside = destination.with_name(f".{destination.name}.partial")
    digest = hashlib.sha256()
    done = 0
    try:
        with opened(file, member) as stream, beside.open("wb") as out:
            while chunk := stream.read(_CHUNK_BYTES):
                done += len(chunk)
                if done > entry.bytes:
                    raise _WrongContent(f"wrong content in {file}: expected {entry.bytes} bytes, got more")
                digest.update(chunk)
                out.write(chunk)
                progress(done, entry.bytes)
        if digest.hexdigest() != entry.sha256:
            got = f"{digest.hexdigest()} ({done} of {entry.bytes} bytes)"
            raise _WrongContent(f"wrong content in {file}: expected sha256 {entry.sha256}, got {got}")
        os.replace(beside, destination)
    except Unreadable as error:
        raise _WrongContent(f"wrong content in {file}: {error}, expected sha256 {entry.sha256}") from None
    finally:
        beside.unlink(missing_ok=True)
