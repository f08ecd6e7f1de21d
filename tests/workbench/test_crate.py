"""The crate against rocrate-validator's profile, offline.

The validator fetches RO-Crate's JSON-LD context, which it does not ship. Offline it would skip 40 of 57 checks and pass
a broken crate, so its cache is given a context with just our terms, and every test asserts that nothing was skipped.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from requests.structures import CaseInsensitiveDict
from requests_cache import CachedSession
from requests_cache.models.request import CachedRequest
from requests_cache.models.response import CachedResponse

from perspectives.workbench.crate import Content, Run, metadata

CONTEXT = Path(__file__).with_name("crate_context.json")
URL = "https://w3id.org/ro/crate/1.1/context"
RUN = Run(
    preset="default",
    started="2026-11-22T10:00:00+00:00",
    ended="2026-11-22T10:05:00+00:00",
    commit="abc",
    snakemake="9.27.1",
)
NAMES = ("Snakefile", "workflow/data.yaml", "results/default/settings.json", "results/default/claims.csv")


def text() -> str:
    files = {name: Content(size=2, sha256="0" * 64) for name in NAMES}
    return metadata(files, RUN, settings=NAMES[2], data=NAMES[1])


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cache") / "http"
    request = CachedRequest(method="GET", url=URL)
    response = CachedResponse(
        status_code=200,
        url=URL,
        headers=CaseInsensitiveDict({"Content-Type": "application/ld+json"}),
        request=request,
    )
    response._content = CONTEXT.read_bytes()
    with CachedSession(str(path), backend="sqlite", expire_after=-1) as session:
        session.cache.save_response(response)
    return path


def validate(folder: Path, document: dict, cache: Path) -> dict:
    """Return the validator's report on the crate that `document` describes."""
    for name in NAMES:
        (folder / "crate" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "crate" / name).write_text("x\n")
    (folder / "crate" / "ro-crate-metadata.json").write_text(json.dumps(document))
    command = [
        str(Path(sys.executable).with_name("rocrate-validator")), "-y", "validate", "--offline", "--cache-path",
        str(cache), "--no-paging", "-p", "workflow-run-crate", "-l", "required", "-f", "json", "-o",
        str(folder / "report.json"), str(folder / "crate"),
    ]  # fmt: skip
    subprocess.run(command, capture_output=True, timeout=120)
    return json.loads((folder / "report.json").read_text())


def test_crate_passes_every_required_check_of_workflow_run_crate(cache: Path, tmp_path: Path) -> None:
    report = validate(tmp_path, json.loads(text()), cache)
    assert report["passed"], report["issues"]
    assert report["statistics"]["total_skipped_checks"] == 0
    assert report["statistics"]["total_passed_checks"] == report["statistics"]["total_checks"] >= 57


def test_crate_without_instrument_fails_with_nothing_skipped(cache: Path, tmp_path: Path) -> None:
    document = json.loads(text())
    [run] = [entity for entity in document["@graph"] if entity["@id"] == "#run"]
    del run["instrument"]
    report = validate(tmp_path, document, cache)
    assert not report["passed"]
    assert report["statistics"]["total_skipped_checks"] == 0
    assert any("instrument" in issue["message"] for issue in report["issues"])


def test_crate_that_lists_a_missing_file_fails(cache: Path, tmp_path: Path) -> None:
    changed = text().replace("results/default/claims.csv", "results/default/gone.csv")
    report = validate(tmp_path, json.loads(changed), cache)
    assert not report["passed"]
    assert any("gone.csv" in str(issue) for issue in report["issues"])


def test_run_links_snakefile_settings_data_and_results() -> None:
    entities = {entity["@id"]: entity for entity in json.loads(text())["@graph"]}
    run = entities["#run"]
    assert run["@type"] == "CreateAction"
    assert run["instrument"] == {"@id": "Snakefile"}
    assert run["object"] == [{"@id": "results/default/settings.json"}, {"@id": "workflow/data.yaml"}]
    assert run["result"] == [{"@id": "results/default/claims.csv"}]
    assert (run["startTime"], run["endTime"]) == (RUN.started, RUN.ended)
    assert entities["./"]["datePublished"] == RUN.ended
    assert {part["@id"] for part in entities["./"]["hasPart"]} == set(NAMES)


def test_crate_is_a_function_of_files_and_run() -> None:
    assert text() == text()
