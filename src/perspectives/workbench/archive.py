"""The archive: all a reviewer needs in one deterministic tar, with a manifest of digests and a crate's metadata."""

import gzip
import hashlib
import io
import re
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from perspectives.workbench import crate
from perspectives.workbench.errors import UserError

MANIFEST = "MANIFEST.sha256"
VERIFIER = "verify.sh"
_MADE_HERE = (crate.METADATA, MANIFEST, VERIFIER)
_SOURCE_FOLDERS = (".ci", ".github", "benchmarks", "docs", "profiles", "requirements", "src", "tests", "workflow")
# The shell that verifies reads names line by line; these need no quoting and no escape in a manifest.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._+=@,~/-]+")
_NO_SOURCE = ("__pycache__", ".egg-info", ".pytest_cache", ".ruff_cache", ".partial")

Members = dict[str, Path]
"""Files by the name they get in the archive."""


def source_files(root: Path) -> Members:
    """Return the files that git tracks, or outside a checkout those of the folders known to hold source."""
    tracked = _tracked(root)
    if tracked is None:
        tops = [path for path in root.iterdir() if path.is_file() and path.name not in _MADE_HERE]
        below = [path for name in _SOURCE_FOLDERS for path in (root / name).rglob("*") if path.is_file()]
        tracked = [path.relative_to(root).as_posix() for path in (*tops, *below)]
    names = [name for name in tracked if not any(part in name for part in _NO_SOURCE)]
    return {name: root / name for name in names if (root / name).exists()}


def result_files(root: Path, results: Path) -> Members:
    """Return all files below `results` but earlier archives, what this job itself writes, and unfinished outputs."""
    own = {"logs/workbench/archive.log", "logs/workbench/archive.provenance.json", "benchmarks/workbench/archive.tsv"}
    found = {}
    for path in results.rglob("*"):
        name = path.relative_to(results).as_posix()
        if path.is_file() and not name.startswith("archive/") and name not in own and ".partial" not in name:
            found[path.relative_to(root).as_posix()] = path
    return found


def run_of(provenance: Sequence[Mapping[str, Any]], preset: str) -> crate.Run:
    """Return the run that the records tell of, without earlier packings of it.

    **Raises**: UserError when there are none.
    """
    provenance = [record for record in provenance if record["step"] != "workbench.archive"]
    if not provenance:
        raise UserError(f"no provenance records below results/{preset}/logs; run the workflow at this preset first.")
    commits = {
        f"{record['commit'] or 'no git checkout'}{' with uncommitted changes' if record['dirty'] else ''}"
        for record in provenance
    }
    return crate.Run(
        preset=preset,
        started=min(record["started"] for record in provenance),
        ended=max(record["ended"] for record in provenance),
        commit=", ".join(sorted(commits)),
        snakemake=provenance[-1]["packages"]["snakemake"],
    )


def write_archive(path: Path, members: Members, run: crate.Run, *, verifier: Path, settings: str, data: str) -> str:
    """Write `members`, the crate's metadata, the manifest and the verifier as a tar; return the manifest's digest.

    Names are sorted, owners zero and every time is that of the run's end: equal files and records give equal bytes.
    **Raises**: UserError for a symbolic link or a name that needs quoting.
    """
    for name, file in members.items():
        if file.is_symlink() or not _PLAIN_NAME.fullmatch(name):
            raise UserError(
                f"{name}: not archived, because it is a symbolic link or its name needs quoting in a shell."
            )
    missing = [name for name in (settings, data, crate.WORKFLOW) if name not in members]
    if missing:
        raise UserError(f"the archive lacks {', '.join(missing)}.")
    members = members | {VERIFIER: verifier}
    contents = {name: _content(file) for name, file in members.items()}
    digests = {name: content.sha256 for name, content in contents.items()}
    text = crate.metadata(contents, run, settings=settings, data=data).encode()
    digests[crate.METADATA] = hashlib.sha256(text).hexdigest()
    manifest = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()
    made = {crate.METADATA: text, MANIFEST: manifest}

    top = f"perspectives-{run.preset}"
    time = int(datetime.fromisoformat(run.ended).timestamp())
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for name in sorted([*members, *made]):
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.mtime = time
            if name in made:
                entry.mode, entry.size = 0o644, len(made[name])
                tar.addfile(entry, io.BytesIO(made[name]))
                continue
            entry.mode = 0o755 if members[name].stat().st_mode & 0o100 else 0o644
            entry.size = contents[name].size
            with members[name].open("rb") as file:
                tar.addfile(entry, file)
    return hashlib.sha256(manifest).hexdigest()


def _content(path: Path) -> crate.Content:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return crate.Content(size=file.tell(), sha256=digest)


def _tracked(root: Path) -> list[str] | None:
    """Return what git tracks at `root`; None when `root` is not the top of a checkout, or there is no git."""
    if not (root / ".git").exists():
        return None
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return [name for name in listed.stdout.split("\0") if name] if listed.returncode == 0 else None
