"""Reading one file's content out of what a source serves: decompressed, or out of an archive, never all of it."""

import gzip
import lzma
import shutil
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

SUFFIXES = ("", ".gz", ".xz")
"""How a file may be stored where its content is wanted: plain, gzip, xz."""

Stream = Any  # IO[bytes] in all but name: tarfile's members lack attributes that runtime type checks look for

_TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.xz")


class Unreadable(Exception):
    """What was served is not the archive or compressed file that it should be."""


@contextmanager
def opened(file: Path, member: str | None = None) -> Iterator[IO[bytes]]:
    """Yield the content of `file`, or of its one `member`, as a stream; .gz and .xz are decompressed.

    An archive's kind is told by its name: .whl and .zip, .deb, .tar with or without compression.
    **Raises**: Unreadable when the bytes do not decode, also while the stream is being read, or lack the member.
    """
    try:
        with _raw(file, member) as raw, _decompressed(raw, member or file.name) as stream:
            yield stream
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise Unreadable(f"it does not decode ({error})") from None


@contextmanager
def _raw(file: Path, member: str | None) -> Iterator[Stream]:
    if member is None:
        with file.open("rb") as stream:
            yield stream
    elif file.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(file) as archive:
            if member not in archive.namelist():
                raise Unreadable(f"the archive has no member {member}")
            with archive.open(member) as stream:
                yield stream
    elif file.suffix == ".deb":
        if shutil.which("dpkg-deb") is None:
            raise Unreadable("dpkg-deb, which unpacks it, is not on this machine")
        command = ["dpkg-deb", "--fsys-tarfile", str(file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            with process.stdout, _tar_member(process.stdout, f".{member}") as stream:
                yield stream
    elif file.name.endswith(_TAR_SUFFIXES):
        with file.open("rb") as archive, _tar_member(archive, member) as stream:
            yield stream
    else:
        raise Unreadable(f"a member is asked for, but {file.name} is not a known kind of archive")


@contextmanager
def _tar_member(archive: Stream, member: str) -> Iterator[Stream]:
    # "r|*" reads forward only: nothing after the member is unpacked, and no name of the archive ever becomes a path.
    with tarfile.open(fileobj=archive, mode="r|*") as tar:
        for info in tar:
            if info.name == member and info.isreg():
                stream = tar.extractfile(info)
                assert stream is not None
                with stream:
                    yield stream
                return
    raise Unreadable(f"the archive has no file {member}")


@contextmanager
def _decompressed(raw: Stream, name: str) -> Iterator[Stream]:
    if name.endswith(".gz"):
        with gzip.GzipFile(fileobj=raw) as stream:
            yield stream
    elif name.endswith(".xz"):
        with lzma.LZMAFile(raw) as stream:
            yield stream
    else:
        yield raw
