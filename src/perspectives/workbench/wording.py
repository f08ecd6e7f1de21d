"""Rows of the claims, laws and findings tables as words: what every page that shows them says alike."""

import math
from collections.abc import Iterable, Sequence

from perspectives.workbench.claims import Verdict
from perspectives.workbench.tables import Row

MARKS = {Verdict.REPRODUCED: "✓", Verdict.NOT_REPRODUCED: "✗", Verdict.INCONCLUSIVE: "?", Verdict.NOT_TESTABLE: "–"}
"""A sign beside the verdict's words, for readers who do not see its colour."""


def number(text: str) -> str:
    """Return a number of a table to three significant digits; nothing for an empty cell."""
    if not text:
        return ""
    value = float(text)
    if math.isfinite(value) and value == int(value) and abs(value) < 1e5:
        return str(int(value))
    return f"{value:.3g}"


def interval(row: Row) -> str:
    """Return the 95 % interval as `[low, high]`, or nothing for a deterministic number."""
    return f"[{number(row['ci_low'])}, {number(row['ci_high'])}]" if row["ci_low"] and row["ci_high"] else ""


def measured(row: Row) -> str:
    """Return the measured number with its interval; `not measured`, or `not finite` where it was and is no number."""
    if row["measured"]:
        return f"{number(row['measured'])} {interval(row)}".strip()
    return "not finite" if row.get("verdict") == Verdict.NOT_REPRODUCED else "not measured"


def bound(row: Row) -> str:
    """Return the criterion without its reason."""
    return row["criterion"].partition(": ")[0]


def reason(row: Row) -> str:
    """Return why the criterion's ends are where they are."""
    return row["criterion"].partition(": ")[2]


def published(row: Row) -> str:
    """Return the published value and how it is known, or nothing when none is."""
    return f"{row['published']} ({row['published_kind']})" if row["published"] else ""


def counts(claims: Iterable[Row]) -> dict[Verdict, int]:
    """Return how many claims got each verdict, in the order of `Verdict`."""
    verdicts = [Verdict(row["verdict"]) for row in claims]
    return {verdict: verdicts.count(verdict) for verdict in Verdict}


def by_study(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows of each study, studies and rows in the table's order."""
    studies = list(dict.fromkeys(row["study"] for row in rows))
    return {study: [row for row in rows if row["study"] == study] for study in studies}


def laws_sentence(laws: Sequence[Row]) -> str:
    """Return how many of the laws hold, and the names of those that do not."""
    broken = [row["law"] for row in laws if row["holds"] != "True"]
    said = f"{len(laws) - len(broken)} of {len(laws)} laws hold"
    return f"{said}; broken: {', '.join(broken)}" if broken else said
