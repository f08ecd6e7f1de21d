"""What a whole run leaves behind."""

import csv
import json
import math
import re

import pytest

from perspectives.suite.ledgers import LEDGERS
from perspectives.workbench.claims import CLAIM_COLUMNS, Verdict

pytestmark = pytest.mark.timeout(1800)


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_claim_has_a_verdict_and_every_measured_number_is_finite(finished):
    table = rows(finished.results / "claims.csv")
    assert list(table[0]) == CLAIM_COLUMNS
    assert [row["claim"] for row in table] == [claim.id for ledger in LEDGERS for claim in ledger.claims]
    for row in table:
        assert row["verdict"] in set(Verdict)
        if row["verdict"] != Verdict.NOT_TESTABLE:
            assert math.isfinite(float(row["measured"])), row["claim"]


def test_every_law_holds(finished):
    assert all(row["holds"] == "True" for row in rows(finished.results / "laws.csv"))


def test_every_figure_ships_as_png_and_pdf_with_its_numbers(finished):
    for ledger in LEDGERS:
        folder = finished.results / ledger.study / "figures"
        drawn = {path.stem for path in folder.glob("*.png")}
        # The published bands need a file from the authors' repository, which this preset does not ask for.
        assert drawn == {figure.id for figure in ledger.figures} - {"fig2_bands"}
        for name in drawn:
            stem = folder / name
            assert stem.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
            assert stem.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
            assert len(rows(stem.with_suffix(".csv"))) > 1


def test_every_job_leaves_log_benchmark_and_provenance(finished):
    def jobs(folder, ending):
        paths = (finished.results / folder).rglob(f"*{ending}")
        return {str(path.relative_to(finished.results / folder)).removesuffix(ending) for path in paths}

    logs, benchmarks, records = jobs("logs", ".log"), jobs("benchmarks", ".tsv"), jobs("logs", ".provenance.json")
    # The report is no job: Snakemake itself writes it.
    assert logs == benchmarks == records - {"workbench/report"}
    assert "workbench/report" in records
    assert len(logs) > 20


def test_long_work_says_in_the_log_how_far_it_is(finished):
    log = (finished.results / "logs" / "highres" / "train_classifier_sgd.log").read_text()
    assert re.search(r"\d+ of \d+ done, .*loss .*s left", log)


def test_no_result_names_this_machine(finished):
    """Results are compared and published; where they were made is in the provenance records."""
    for path in finished.results.rglob("*"):
        if path.suffix in (".csv", ".json", ".rst") and "logs" not in path.parts:
            assert str(finished.folder) not in path.read_text(), path


def test_resolved_settings_are_saved(finished):
    settings = json.loads((finished.results / "settings.json").read_text())
    assert settings["preset"] == "smoke"
    assert settings["highres"]["race"]["seeds"] == 4
