"""The ledger: claims, laws and findings as data, and the judge that turns measures into verdicts.

A *claim* is what a published work says; when it fails, the run goes on and the table says so. A *law* is an exact
identity that our code must satisfy; when it fails, the run fails. A *finding* is a number worth knowing with nothing to
pass: an ablation, or a place where paper and code disagree.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from perspectives.workbench.measures import Measure

PRESETS = ("smoke", "default", "extended", "paper")

CLAIM_COLUMNS = [
    "study", "claim", "source", "statement", "quantity", "measured", "ci_low", "ci_high",
    "criterion", "published", "published_kind", "verdict", "seeds", "preset",
]  # fmt: skip
LAW_COLUMNS = ["study", "law", "source", "statement", "quantity", "measured", "criterion", "holds", "preset"]
FINDING_COLUMNS = [
    "study", "finding", "source", "statement", "quantity", "measured", "ci_low", "ci_high", "seeds", "preset",
]  # fmt: skip


class Verdict(StrEnum):
    """What the measured number says about a claim."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTABLE = "not testable at this preset"


class Known(StrEnum):
    """How a published value is known. A recalled number is never promoted to a published one."""

    STATED = "stated"
    DIGITISED = "digitised"
    RECALLED = "recalled, unverified"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """The closed interval that the measured quantity must lie in, and why its ends are where they are."""

    low: float = -math.inf
    high: float = math.inf
    reason: str

    def __str__(self) -> str:
        """Return the criterion as the claims table shows it."""
        if math.isinf(self.low):
            bound = f"at most {self.high:g}"
        elif math.isinf(self.high):
            bound = f"at least {self.low:g}"
        else:
            bound = f"between {self.low:g} and {self.high:g}"
        return f"{bound}: {self.reason}"

    def holds(self, value: float) -> bool:
        """Say whether `value` is allowed; a number that is not finite never is."""
        return math.isfinite(value) and self.low <= value <= self.high


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One published statement and how it is decided, written before the run.

    `quantity` is `<measures table>:<row>`; `published` is the value in print, `known` says how we know it; `presets`
    are those whose sizes can decide the claim.
    """

    id: str
    statement: str
    source: str
    quantity: str
    criterion: Criterion
    published: str = ""
    known: Known = Known.NONE
    presets: tuple[str, ...] = PRESETS


@dataclass(frozen=True, kw_only=True)
class Law:
    """An exact identity that the code must satisfy at every preset."""

    id: str
    statement: str
    source: str
    quantity: str
    criterion: Criterion


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A measured number that explains a discrepancy; nothing passes or fails by it."""

    id: str
    statement: str
    source: str
    quantity: str


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure and the claims it shows; one that shows none says in `illustrative` why it is there."""

    id: str
    title: str
    claims: tuple[str, ...] = ()
    illustrative: str = ""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """All that one study writes down before it runs."""

    study: str
    claims: tuple[Claim, ...] = ()
    laws: tuple[Law, ...] = ()
    findings: tuple[Finding, ...] = ()
    figures: tuple[Figure, ...] = ()

    def __post_init__(self) -> None:
        """Refuse two entries of one name, and a figure that shows no claim, or one that is not written down."""
        names = [entry.id for entry in (*self.claims, *self.laws, *self.findings, *self.figures)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{self.study}: written down twice: {', '.join(twice)}")
        known = {claim.id for claim in self.claims}
        for figure in self.figures:
            if not figure.claims and not figure.illustrative:
                raise ValueError(f"{self.study}: figure {figure.id} shows no claim and is not declared illustrative")
            unknown = [name for name in figure.claims if name not in known]
            if unknown:
                raise ValueError(f"{self.study}: figure {figure.id} shows unknown claims: {', '.join(unknown)}")


def judge(claim: Claim, measure: Measure | None, preset: str) -> Verdict:
    """Return the verdict on `claim`.

    With an interval: reproduced when all of it is allowed, not reproduced when none of it is, else inconclusive.
    Without one: by the number itself. A number that is not finite is never allowed: not reproduced.

    **Raises**: KeyError when a preset that may decide the claim did not measure its quantity.
    """
    if preset not in claim.presets:
        return Verdict.NOT_TESTABLE
    if measure is None:
        raise KeyError(f"claim {claim.id}: preset '{preset}' should decide it, yet {claim.quantity} was not measured")
    low, high = measure.ci_low, measure.ci_high
    if not math.isfinite(measure.value):
        return Verdict.NOT_REPRODUCED
    if low is None or high is None:
        return Verdict.REPRODUCED if claim.criterion.holds(measure.value) else Verdict.NOT_REPRODUCED
    if claim.criterion.holds(low) and claim.criterion.holds(high):
        return Verdict.REPRODUCED
    if high < claim.criterion.low or low > claim.criterion.high:
        return Verdict.NOT_REPRODUCED
    return Verdict.INCONCLUSIVE


def claims_table(ledgers: Iterable[Ledger], measures: Mapping[str, Measure], preset: str) -> pd.DataFrame:
    """Return one row a claim; `measures` is keyed `<study>/<table>:<quantity>`."""
    rows = []
    for ledger in ledgers:
        for claim in ledger.claims:
            # What a preset that may not decide the claim measured, on stand-in data say, is no answer to it.
            found = measures.get(f"{ledger.study}/{claim.quantity}") if preset in claim.presets else None
            rows.append(
                [
                    ledger.study, claim.id, claim.source, claim.statement, claim.quantity, *_numbers(found),
                    str(claim.criterion), claim.published, claim.known.value, judge(claim, found, preset).value,
                    found.seeds if found else 0, preset,
                ]
            )  # fmt: skip
    return pd.DataFrame(rows, columns=CLAIM_COLUMNS)


def laws_table(ledgers: Iterable[Ledger], measures: Mapping[str, Measure], preset: str) -> pd.DataFrame:
    """Return one row a law. **Raises**: KeyError when a law was not measured."""
    rows = []
    for ledger in ledgers:
        for law in ledger.laws:
            found = measures.get(f"{ledger.study}/{law.quantity}")
            if found is None:
                raise KeyError(f"law {law.id}: {law.quantity} was not measured")
            rows.append(
                [
                    ledger.study, law.id, law.source, law.statement, law.quantity, found.value,
                    str(law.criterion), law.criterion.holds(found.value), preset,
                ]
            )  # fmt: skip
    return pd.DataFrame(rows, columns=LAW_COLUMNS)


def findings_table(ledgers: Iterable[Ledger], measures: Mapping[str, Measure], preset: str) -> pd.DataFrame:
    """Return one row a finding that this preset measured."""
    rows = []
    for ledger in ledgers:
        for finding in ledger.findings:
            found = measures.get(f"{ledger.study}/{finding.quantity}")
            if found is not None:
                rows.append(
                    [
                        ledger.study, finding.id, finding.source, finding.statement, finding.quantity,
                        *_numbers(found), found.seeds, preset,
                    ]
                )  # fmt: skip
    return pd.DataFrame(rows, columns=FINDING_COLUMNS)


def _numbers(measure: Measure | None) -> tuple[float | None, float | None, float | None]:
    return (measure.value, measure.ci_low, measure.ci_high) if measure else (None, None, None)
