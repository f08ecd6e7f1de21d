"""Bring the tables inside README.md and docs/ up to date with a run."""

from pathlib import Path

from perspectives.workbench import readme, wording
from perspectives.workbench.step import Input


def write_tables(
    *,
    claims: Input = Path("results/default/claims.csv"),
    findings: Input = Path("results/default/findings.csv"),
    documents: tuple[Input, ...] = (),
) -> None:
    """Write claims and findings between the markers of each document, in place; of one study in docs/STUDY.md.

    Without `documents`: README.md and all pages of docs/. A document without markers is left as it is.
    """
    tables = [
        ("claims", wording.read_rows(claims), readme.claims_table),
        ("findings", wording.read_rows(findings), readme.findings_table),
    ]
    studies = {row["study"] for row in tables[0][1]}
    for document in documents or [Path("README.md"), *sorted(Path("docs").glob("*.md"))]:
        text = before = document.read_text()
        for name, rows, table in tables:
            if document.stem in studies:
                rows = [row for row in rows if row["study"] == document.stem]
            if f"<!-- {name}:" in text:
                text = readme.between(text, name, table(rows))
        if text != before:
            document.write_text(text)
