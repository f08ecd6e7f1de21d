"""Tables of claims and findings inside hand-written Markdown, between two markers that a person put there."""

from collections.abc import Sequence

from perspectives.workbench import wording
from perspectives.workbench.claims import Verdict
from perspectives.workbench.errors import UserError
from perspectives.workbench.tables import Row


def verdicts_table(claims: Sequence[Row]) -> str:
    """Return the number of claims by study and verdict as a Markdown table."""
    rows = []
    for study, ours in wording.by_study(claims).items():
        counts = wording.counts(ours)
        rows.append((study, str(len(ours)), *(str(counts[verdict]) for verdict in Verdict)))
    return table(("Study", "Claims", *(f"{wording.MARKS[verdict]} {verdict}" for verdict in Verdict)), rows)


def open_claims_table(claims: Sequence[Row]) -> str:
    """Return the claims that were tested and not reproduced, or not decided, as a Markdown table."""
    return claims_table([row for row in claims if row["verdict"] in (Verdict.NOT_REPRODUCED, Verdict.INCONCLUSIVE)])


def claims_table(claims: Sequence[Row]) -> str:
    """Return the claims as a Markdown table, paper beside ours."""
    return table(
        ("Claim", "Statement", "Source", "Measured", "Criterion", "Published", "Verdict"),
        [
            (
                row["claim"], row["statement"], row["source"], wording.measured(row), wording.bound(row),
                wording.published(row), f"{wording.MARKS[Verdict(row['verdict'])]} {row['verdict']}",
            )
            for row in claims
        ],
    )  # fmt: skip


def findings_table(findings: Sequence[Row]) -> str:
    """Return the findings as a Markdown table."""
    return table(
        ("Finding", "Statement", "Source", "Measured"),
        [(row["finding"], row["statement"], row["source"], wording.measured(row)) for row in findings],
    )


def between(document: str, name: str, text: str) -> str:
    """Return `document` with `text` between its markers `<!-- name:start -->` and `<!-- name:end -->`.

    **Raises**: UserError when the markers are not there once each, in this order.
    """
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    if document.count(start) != 1 or document.count(end) != 1 or document.index(start) > document.index(end):
        raise UserError(f"the document needs the lines '{start}' and '{end}', once each and in this order.")
    head, _, rest = document.partition(start)
    return f"{head}{start}\n\n{text}\n{end}{rest.partition(end)[2]}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table that shows each cell as it stands."""
    lines = [heads, ["---"] * len(heads), *([plain(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plain(text: str) -> str:
    """Return Markdown that shows `text` as it stands inside a table."""
    for sign in "\\|*_<>[]`":
        text = text.replace(sign, f"\\{sign}")
    return text
