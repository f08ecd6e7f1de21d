import os
from datetime import UTC, datetime

import pytest

from perspectives.workbench.provenance import record
from perspectives.workbench.results import damaged
from perspectives.workbench.step import record_beside, whole_or_nothing

CURVE, ARCHIVE = "results/smoke/study/runs/curve.csv", "results/smoke/archive/smoke.tar.gz"


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A job that has run, and what its files held."""
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "results" / "smoke" / "logs" / "study" / "run.log"
    outputs = [tmp_path / name for name in (CURVE, "data/set/file.csv", ARCHIVE)]
    with whole_or_nothing(outputs) as beside:
        for path in beside.values():
            path.write_text("x,y\n0,1\n")
    log.parent.mkdir(parents=True)
    record(
        record_beside(log), step="study.run", arguments={}, started=datetime.now(UTC), threads=1,
        outputs=[path.relative_to(tmp_path) for path in outputs],
    )  # fmt: skip
    return tmp_path


def wrong(job):
    results = (job / "results" / "smoke").relative_to(job)
    return [str(bad) for found in damaged(results).values() for bad in found]


def test_what_a_job_wrote_is_whole(job):
    assert wrong(job) == []


@pytest.mark.parametrize("change", [lambda content: content[:3], lambda content: bytes(len(content))], ids=["cut", "0"])
def test_a_changed_result_is_named_though_its_time_is_the_old_one(job, change):
    file = job / CURVE
    state = file.stat()
    file.write_bytes(change(file.read_bytes()))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    [found] = wrong(job)
    assert found.startswith(f"{CURVE}: expected ")


def test_an_absent_result_is_the_workflows_to_make(job):
    (job / CURVE).unlink()
    assert wrong(job) == []


def test_files_that_other_presets_share_and_archives_are_left_to_their_own_checks(job):
    for name in ("data/set/file.csv", ARCHIVE):
        (job / name).write_text("another")
    assert wrong(job) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"outputs": [{"path": "x"}]}', '{"outputs": 3}', "\0" * 50])
def test_a_record_that_is_none_is_named(job, text):
    [told] = job.rglob("*.provenance.json")
    told.write_text(text)
    [found] = wrong(job)
    assert "expected a provenance record" in found


def test_records_of_an_earlier_release_tell_of_no_files(job):
    [told] = job.rglob("*.provenance.json")
    told.write_text('{"step": "study.run"}')
    assert wrong(job) == []
