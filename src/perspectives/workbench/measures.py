"""Measured quantities: what evaluation steps write and the judge reads.

A measures table has one row a quantity: `quantity, value, ci_low, ci_high, seeds`. The interval is empty for a
deterministic number. A claim names a row as `<table>:<quantity>`, where the table is the file's stem.
"""

import math
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import pandas as pd

from perspectives.workbench.tables import read_rows


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
    """Write `measures` as CSV.

    An interval that could not be computed, NaN, is written as unbounded: as an empty cell it would say that the number
    is deterministic. **Raises**: ValueError when a quantity appears twice.
    """
    rows = [astuple(_bounded(measure)) for measure in measures]
    names = [row[0] for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"measured twice: {', '.join(twice)}")
    pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False)


def _bounded(measure: Measure) -> Measure:
    low, high = measure.ci_low, measure.ci_high
    if low is not None and high is not None and (math.isnan(low) or math.isnan(high)):
        return replace(measure, ci_low=-math.inf, ci_high=math.inf)
    return measure


def read_measures(path: Path) -> dict[str, Measure]:
    """Return the measures of one table by quantity."""
    rows = read_rows(path)
    return {
        row["quantity"]: Measure(
            quantity=row["quantity"],
            value=float(row["value"]) if row["value"] else math.nan,
            ci_low=float(row["ci_low"]) if row["ci_low"] else None,
            ci_high=float(row["ci_high"]) if row["ci_high"] else None,
            seeds=int(row["seeds"]),
        )
        for row in rows
    }
