"""Bring the tables inside README.md and docs/ up to date with a run."""

from pathlib import Path

from perspectives.workbench import readme
from perspectives.workbench.step import Input
from perspectives.workbench.tables import read_rows


def write_tables(
    *,
    claims: Input = Path("results/default/claims.csv"),
    findings: Input = Path("results/default/findings.csv"),
    documents: tuple[Input, ...] = (),
) -> None:
    """Write what a document has markers for between them, in place: verdicts, open claims, claims, findings.

    In docs/STUDY.md it is that study's alone.

    Without `documents`: README.md and all pages of docs/. A document without markers is left as it is.
    """
    judged = read_rows(claims)
    tables = [
        ("verdicts", judged, readme.verdicts_table),
        ("open", judged, readme.open_claims_table),
        ("claims", judged, readme.claims_table),
        ("findings", read_rows(findings), readme.findings_table),
    ]
    studies = {row["study"] for row in judged}
    for document in documents or [Path("README.md"), *sorted(Path("docs").glob("*.md"))]:
        text = before = document.read_text()
        for name, rows, table in tables:
            if document.stem in studies:
                rows = [row for row in rows if row["study"] == document.stem]
            if f"<!-- {name}:" in text:
                text = readme.between(text, name, table(rows))
        if text != before:
            document.write_text(text)
