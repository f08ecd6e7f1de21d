"""Noticing results that are not what their jobs wrote: cut short by a power cut, edited, or gone bad on the disk."""

import json
from itertools import chain
from pathlib import Path

from perspectives.workbench.digests import CACHE, Corrupted, corrupted
from perspectives.workbench.provenance import Written


def damaged(results: Path, cache: Path = CACHE) -> dict[Path, list[Corrupted]]:
    """Return what is wrong below `results` by its job's provenance record: files that differ, or the record itself.

    Absent files are none of its business: the workflow makes them. Nor are files outside of `results`, which other
    presets share, and archives, which verify.sh checks.
    """
    found, jobs = {}, {}
    for record in sorted((results / "logs").rglob("*.provenance.json")):
        try:
            # A record of an earlier release tells of no outputs.
            jobs[record] = [Written(**output) for output in json.loads(record.read_bytes()).get("outputs", [])]
        except (ValueError, TypeError, AttributeError):
            found[record] = [Corrupted(path=record, expected="a provenance record", got="something else")]
    ours = [output for output in chain.from_iterable(jobs.values()) if Path(output.path).is_relative_to(results)]
    checked = [output for output in ours if not Path(output.path).is_relative_to(results / "archive")]
    wrong = {bad.path: bad for bad in corrupted(checked, Path(), cache)}
    for record, outputs in jobs.items():
        if bad := [wrong[path] for output in outputs if (path := Path(output.path)) in wrong]:
            found[record] = bad
    return found
