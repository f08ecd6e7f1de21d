"""After a finished run, `snakemake -n` names exactly the stale steps."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(1800)

JUDGED = {"judge", "uphold_laws", "caption", "overview", "summarise"}
"""What follows from any change of a measure."""


@contextlib.contextmanager
def edited(path: Path, old: str, new: str):
    """Replace `old` in the file by `new`; put the file back afterwards, its time too."""
    text, stat = path.read_text(), path.stat()
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new, 1))
    try:
        yield
    finally:
        path.write_text(text)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def package(checkout, name):
    return checkout.folder / "src" / "perspectives" / name


def test_nothing_is_stale_after_a_finished_run(finished):
    result = finished.snakemake("-n")
    assert "Nothing to be done" in result.stdout + result.stderr


def test_a_comment_makes_nothing_stale(finished):
    path = package(finished, "highres/discretisation.py")
    with edited(path, "\nimport", "\n# A remark.\nimport"):
        assert finished.stale() == set()


def test_a_touch_makes_nothing_stale(finished):
    for path in (finished.results / "highres" / "runs").iterdir():
        path.touch()
    assert finished.stale() == set()


def test_an_edit_in_a_module_that_no_step_imports_makes_nothing_stale(finished):
    path = package(finished, "highres/unrelated.py")
    path.write_text("X = 1\n")
    try:
        assert finished.stale() == set()
    finally:
        path.unlink()


def test_an_edit_in_evaluation_makes_evaluation_and_its_dependants_stale(finished):
    path = package(finished, "highres/steps/evaluate_lyapunov.py")
    with edited(path, "\nimport", "\nX = 1\nimport"):
        assert finished.stale() == {"evaluate_lyapunov", "plot_lyapunov"} | JUDGED


def test_an_edit_in_shared_maths_makes_all_stale_that_import_it(finished):
    path = package(finished, "highres/lyapunov.py")
    with edited(path, "\nimport", "\nX = 1\nimport"):
        stale = finished.stale()
    assert {"evaluate_lyapunov", "plot_lyapunov"} <= stale
    assert not {"run_race", "train_classifier", "fetch"} & stale


def test_a_change_of_what_is_evaluated_trains_and_aligns_no_posterior_again(finished):
    path = package(finished, "alignment/marginal.py")
    with edited(path, "\nimport", "\nX = 1\nimport"):
        stale = finished.stale()
    assert {"evaluate_pair", "evaluate_members", "evaluate_plane", "evaluate_barriers", "plot_paths"} <= stale
    assert not {"train_posterior", "align_pair", "infer_symmetries", "align_many"} & stale


def test_an_edit_in_the_runner_makes_every_step_stale_but_the_data(finished):
    path = package(finished, "workbench/step.py")
    with edited(path, "\nimport", "\nX = 1\nimport"):
        stale = finished.stale()
    assert {"solve_flows", "run_race", "train_classifier", "plot_bounds", "judge"} <= stale
    assert "fetch" not in stale


def test_a_changed_setting_makes_stale_what_depends_on_it(finished):
    result = finished.run(*finished.command("-n"), "highres={flow: {points: 401}}")
    text = result.stdout + result.stderr
    assert result.returncode == 0, text
    for rule in ("solve_flows", "evaluate_lyapunov", "plot_lyapunov", "judge", "save_settings"):
        assert f"\n{rule} " in text, rule
    for rule in ("run_race", "train_classifier", "run_nag"):
        assert f"\n{rule} " not in text, rule


def test_the_locked_environment_makes_stale_only_when_asked(finished):
    lock = finished.folder / "requirements" / "cpu.txt"
    with edited(lock, "\n", "\n# another lock\n"):
        assert finished.stale() == set()
        result = finished.run(*finished.command("-n"), "stale_on_environment=true")
    assert "\nsolve_flows " in result.stdout + result.stderr


def test_an_edit_while_the_job_runs_is_stale_the_next_time(finished):
    """The job is held until the edit is made: what it read is the old code, and Snakemake records the old digest."""
    target = "results/smoke/highres/tables/bounds_measures.csv"
    path = package(finished, "highres/bounds.py")
    before = (finished.folder / target).read_bytes()
    (finished.folder / target).unlink()
    # `snakemake --cores all` starts the step; its log appears when the step has begun.
    log = finished.results / "logs" / "highres" / "evaluate_bounds.log"
    log.unlink()
    process = subprocess.Popen(
        finished.command("--nolock", target), cwd=finished.folder, env=finished.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while not log.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert log.exists()
        with edited(path, "\nimport", "\nX = 1\nimport"):
            assert process.wait(timeout=120) == 0
            assert "evaluate_bounds" in finished.stale()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
    assert (finished.folder / target).read_bytes() == before
    assert finished.make("reproduce").returncode == 0
