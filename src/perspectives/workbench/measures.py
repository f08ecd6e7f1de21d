"""Measured quantities: what evaluation steps write and the judge reads.

A measures table has one row a quantity: `quantity, value, ci_low, ci_high, seeds`. The interval is empty for a
deterministic number. A claim names a row as `<table>:<quantity>`, where the table is the file's stem.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number with its 95 % confidence interval (None when it is deterministic) and the seeds behind it."""

    quantity: str
    value: float
    ci_low: float | None = None
    ci_high: float | None = None
    seeds: int = 1


COLUMNS = [field.name for field in fields(Measure)]


def write_measures(path: Path, measures: Iterable[Measure]) -> None:
    """Write `measures` as CSV. **Raises**: ValueError when a quantity appears twice."""
    rows = [astuple(measure) for measure in measures]
    names = [row[0] for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"measured twice: {', '.join(twice)}")
    pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False)


def read_measures(path: Path) -> dict[str, Measure]:
    """Return the measures of one table by quantity."""
    table = pd.read_csv(path)
    return {
        str(row.quantity): Measure(
            quantity=str(row.quantity),
            value=float(row.value),
            ci_low=None if pd.isna(row.ci_low) else float(row.ci_low),
            ci_high=None if pd.isna(row.ci_high) else float(row.ci_high),
            seeds=int(row.seeds),
        )
        for row in table.itertuples()
    }
