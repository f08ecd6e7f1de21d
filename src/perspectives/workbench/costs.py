"""What each job cost and when it ran, read from Snakemake's benchmarks and the runner's provenance records."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Wall time in seconds and peak resident memory in MiB; no memory when the job ended before it was sampled."""

    job: str
    seconds: float
    mebibytes: float | None


def costs(benchmarks: Path) -> list[Cost]:
    """Return the cost of every job with a benchmark below the folder, the longest first; repeats are averaged."""
    found = []
    for path in sorted(benchmarks.rglob("*.tsv")):
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        if not rows:
            continue
        memory = [value for row in rows if (value := _float(row["max_rss"])) is not None]
        found.append(
            Cost(
                job=path.relative_to(benchmarks).with_suffix("").as_posix(),
                seconds=sum(float(row["s"]) for row in rows) / len(rows),
                mebibytes=max(memory, default=None),
            )
        )
    return sorted(found, key=lambda cost: (-cost.seconds, cost.job))


def provenance(logs: Path) -> list[dict[str, Any]]:
    """Return the provenance records below the folder, in the order in which the jobs started."""
    records = [json.loads(path.read_text()) for path in sorted(logs.rglob("*.provenance.json"))]
    return sorted(records, key=lambda record: (record["started"], record["step"]))


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # Snakemake writes - or NA for what it did not see
        return None
