from pathlib import Path

import pytest

from perspectives.workbench.errors import UserError
from perspectives.workbench.readme import between
from perspectives.workbench.steps.write_tables import write_tables
from perspectives.workbench.tables import read_rows


def test_only_what_lies_between_the_markers_changes() -> None:
    document = "a\n<!-- claims:start -->\nold\n<!-- claims:end -->\nb\n"
    assert between(document, "claims", "new\n") == "a\n<!-- claims:start -->\n\nnew\n\n<!-- claims:end -->\nb\n"


@pytest.mark.parametrize("document", ["", "<!-- claims:start -->", "<!-- claims:end --><!-- claims:start -->"])
def test_missing_or_crossed_markers_are_refused(document: str) -> None:
    with pytest.raises(UserError, match="claims:start"):
        between(document, "claims", "new")


def test_study_page_gets_its_own_claims_and_writing_twice_changes_nothing(planted: Path) -> None:
    markers = "<!-- claims:start -->\n<!-- claims:end -->\n<!-- findings:start -->\n<!-- findings:end -->\n"
    readme, study = planted / "README.md", planted / "highres.md"
    readme.write_text(markers)
    study.write_text(markers)
    results = planted / "results" / "default"
    tables = {"claims": results / "claims.csv", "findings": results / "findings.csv"}
    write_tables(**tables, documents=(readme, study))
    first = readme.read_bytes()
    write_tables(**tables, documents=(readme, study))
    assert readme.read_bytes() == first
    assert "| highres-01 | Along ODE (10)" in study.read_text()
    assert "planted-finding" in readme.read_text()
    assert "planted-finding" not in study.read_text()
    assert r"\|x\| \*y\* \_z\_" in readme.read_text()


def test_the_front_page_counts_verdicts_and_lists_what_is_open(planted: Path) -> None:
    page = planted / "README.md"
    page.write_text("<!-- verdicts:start -->\n<!-- verdicts:end -->\n<!-- open:start -->\n<!-- open:end -->\n")
    results = planted / "results" / "default"
    claims = results / "claims.csv"
    write_tables(claims=claims, findings=results / "findings.csv", documents=(page,))
    rows, text = read_rows(claims), page.read_text()
    ours = [row for row in rows if row["study"] == "highres"]
    assert f"| highres | {len(ours)} | {sum(row['verdict'] == 'reproduced' for row in ours)} |" in text
    listed = [row["claim"] for row in rows if f"| {row['claim']} |" in text]
    assert listed == [row["claim"] for row in rows if row["verdict"] in ("not reproduced", "inconclusive")]
    assert listed
