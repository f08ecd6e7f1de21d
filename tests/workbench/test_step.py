"""The runner is tested as it is used: as a command, on real steps."""

import inspect
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from perspectives.alignment.settings import PosteriorSettings
from perspectives.elements.settings import ChainSettings
from perspectives.workbench import step
from perspectives.workbench.errors import UserError


def run(*arguments, **kwargs):
    command = [sys.executable, "-m", "perspectives", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **kwargs)


def test_every_step_is_a_typed_keyword_only_function_of_its_modules_name():
    for study, names in step.steps().items():
        for name in names:
            function = step.load(study, name)
            assert function.__doc__, f"{study} {name}"
            for parameter in inspect.signature(function).parameters.values():
                assert parameter.kind == parameter.KEYWORD_ONLY, f"{study} {name}: {parameter}"
                assert parameter.annotation is not parameter.empty, f"{study} {name}: {parameter}"


def test_bare_command_lists_the_steps():
    result = run("--help")
    assert result.returncode == 0
    assert "judge" in result.stdout


def test_help_of_a_step_shows_its_options_and_the_shared_ones():
    result = run("suite", "judge", "--help")
    assert result.returncode == 0
    assert "--measures" in result.stdout
    assert "--threads" in result.stdout


def test_a_study_without_step_lists_its_own_steps():
    result = run("elements", "--help")
    assert result.returncode == 0
    assert "measure_chains" in result.stdout
    assert "judge" not in result.stdout


def test_an_unknown_study_without_step_lists_all(capsys):
    assert step.main(["elemens", "--help"]) == 1
    assert "judge" in capsys.readouterr().out


def test_a_section_that_is_left_out_has_its_defaults():
    def measure(*, settings: ChainSettings, seed: int) -> None:
        """Measure."""

    def parsed(*tokens):
        return step._parse("elements", "measure", measure, ["--seed", "1", *tokens])["settings"]

    assert parsed() == parsed("--settings", "{}") == ChainSettings()
    assert parsed("--settings.length", "4") == ChainSettings(length=4)


def test_a_section_with_a_field_to_be_given_must_be_given(capsys):
    def train(*, settings: PosteriorSettings) -> None:
        """Train."""

    with pytest.raises(SystemExit):
        step._parse("alignment", "train", train, [])
    assert "--settings.augmentation" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        pytest.param("--seed 1 --settings.lenght 4", "did you mean 'length'.*: length, states", id="misspelt setting"),
        pytest.param("--seeed=1", "did you mean '--seed'.*--settings.length", id="misspelt option"),
        pytest.param("--seed 1 --thread 2", "did you mean '--threads'", id="misspelt shared option"),
        pytest.param("--seed -1", "--seed is -1", id="negative seed"),
    ],
)
def test_a_wrong_option_is_answered_with_the_allowed(tokens, words):
    def measure(*, settings: ChainSettings, seed: int) -> None:
        """Measure."""

    with pytest.raises(UserError, match=words):
        step._parse("elements", "measure", measure, tokens.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["suite", "jugde"], ["jugde", "judge"], id="unknown step"),
        pytest.param(["suite", "judge", "--preset"], ["--preset"], id="missing value"),
        pytest.param(["workbench", "uphold_laws", "--laws", "no.csv", "--upheld", "x"], ["no.csv"], id="missing input"),
        pytest.param(["suite", "judge", "--presett=a"], ["did you mean '--preset'"], id="misspelt option"),
    ],
)
def test_a_mistake_gets_one_message_and_no_traceback(arguments, words, tmp_path):
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr + result.stdout


def test_an_output_that_is_an_input_by_another_name_is_refused_and_kept(tmp_path):
    (tmp_path / "laws.csv").write_text("law,holds\n")
    result = run("workbench", "uphold_laws", "--laws", "laws.csv", "--upheld", str(tmp_path / "laws.csv"), cwd=tmp_path)
    assert result.returncode != 0
    assert "is the input laws.csv too" in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "laws.csv").read_text() == "law,holds\n"


@pytest.mark.parametrize("log", [[], ["--log", "l.log"]], ids=["no log", "log"])
def test_a_table_that_lacks_a_column_gets_one_line_that_names_both(log, tmp_path):
    (tmp_path / "wrong.csv").write_text("x,y\n1,2\n")
    figure = ["--png", "a.png", "--pdf", "a.pdf", "--csv", "a.csv"]
    result = run("elements", "plot_conjugates", "--curves", "wrong.csv", *figure, *log, cwd=tmp_path)
    assert result.returncode == 1
    *_, message = result.stderr.splitlines()
    assert "'panel'" in message
    assert "wrong.csv" in message
    assert "Traceback" not in result.stderr
    assert not log or "Traceback" in (tmp_path / "l.log").read_text()


@pytest.mark.parametrize(
    ("fail", "missing"),
    [
        pytest.param(lambda table: table["z"], True, id="key"),
        pytest.param(lambda table: table[["x", "z"]], True, id="keys"),
        pytest.param(lambda table: table.groupby("z"), True, id="group"),
        pytest.param(lambda table: table.query("z > 0"), True, id="query"),
        pytest.param(lambda table: {"x": table}["z"], False, id="key of a dictionary"),
        pytest.param(lambda table: table.to_cvs(), False, id="method"),
    ],
)
def test_a_missing_column_is_told_from_a_bug(fail, missing):
    with pytest.raises((KeyError, NameError, AttributeError)) as caught:
        fail(pd.DataFrame({"x": [1.0]}))
    assert step._is_missing_column(caught.value) is missing


def test_a_job_leaves_output_log_and_provenance_and_nothing_else(tmp_path):
    arguments = ["--settings", '{"b":1,"a":2}', "--file", "out/s.json", "--log", "l/s.log"]
    result = run("workbench", "save_settings", *arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert json.loads((tmp_path / "out/s.json").read_text()) == {"a": 2, "b": 1}
    provenance = json.loads((tmp_path / "l/s.provenance.json").read_text())
    assert provenance["step"] == "workbench.save_settings"
    assert provenance["ended"] >= provenance["started"]
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["s.json", "s.log", "s.provenance.json"]


def test_a_failed_job_leaves_no_output_and_its_traceback_in_the_log(tmp_path):
    result = run("workbench", "save_settings", "--settings", "{", "--file", "s.json", "--log", "s.log", cwd=tmp_path)
    assert result.returncode == 1
    assert "s.log" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in (tmp_path / "s.log").read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["s.log"]


def test_outputs_appear_all_or_none(tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("before")
    with pytest.raises(RuntimeError, match="b.csv"), step.whole_or_nothing([first, second]) as beside:
        beside[first].write_text("half")
    assert first.read_text() == "before"
    with step.whole_or_nothing([first, second]) as beside:
        assert all(path.suffix == ".csv" for path in beside.values())
        for path in beside.values():
            path.write_text("whole")
        assert first.read_text() == "before"
    assert first.read_text() == second.read_text() == "whole"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "b.csv"]


def test_what_a_killed_process_left_beside_an_output_goes(tmp_path):
    (tmp_path / ".a.partial-1.csv").write_text("half")
    (tmp_path / ".b.partial-1.csv").write_text("of another job")
    with step.whole_or_nothing([tmp_path / "a.csv"]) as beside:
        beside[tmp_path / "a.csv"].write_text("whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".b.partial-1.csv", "a.csv"]


def test_a_full_disk_is_a_clear_message_and_leaves_nothing(tmp_path):
    """/dev/full answers every write with 'no space left', as a full disk does."""
    (tmp_path / "log").mkdir()
    code = (
        "import os, sys; from perspectives.workbench import step\n"
        "step.os.getpid = lambda: 0\n"
        "os.symlink('/dev/full', '.s.partial-0.json')\n"
        "sys.exit(step.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "workbench", "save_settings", "--settings", "{}", "--file", "s.json"]
    result = subprocess.run([*command, "--log", "log/s.log"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "No space left on device" in result.stderr
    assert "s.json: No space" in result.stderr
    assert "partial" not in result.stderr
    assert "Traceback" not in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["log"]


def test_a_full_disk_is_named_where_a_library_stumbles_over_it_again(tmp_path):
    """As Matplotlib does, which flushes its compressed stream again when it closes a file that it could not write."""
    code = (
        "import functools, sys, zlib\n"
        "from perspectives.workbench import step; from perspectives.workbench.steps import save_settings as module\n"
        "def write(**options):\n"
        "    stream = zlib.compressobj()\n"
        "    try: open('/dev/full', 'wb', buffering=0).write(stream.flush())\n"
        "    finally: stream.flush()\n"
        "module.save_settings = functools.wraps(module.save_settings)(write)\n"
        "sys.exit(step.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "workbench", "save_settings", "--settings", "{}", "--file", "s.json"]
    result = subprocess.run([*command, "--log", "s.log"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert "s.json: No space left on device." in result.stderr
    assert "Traceback" not in result.stderr + (tmp_path / "s.log").read_text()


@pytest.mark.parametrize("runner", ["kernel", "polling"])
def test_a_step_ends_when_its_parent_is_killed(runner, tmp_path):
    platform = "" if runner == "kernel" else "sys.platform = 'other'; "
    child = (
        f"import sys; {platform}from perspectives.workbench.parent import end_with_parent; end_with_parent()\n"
        "import time; print('ready', flush=True); time.sleep(60)"
    )
    parent = (
        f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "print(p.pid, flush=True); p.wait()"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    first, second = process.stdout.readline().split(), process.stdout.readline().split()
    (pid,) = (int(words[0]) for words in (first, second) if words != ["ready"])
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    for _ in range(100):
        if not _alive(pid):
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    raise AssertionError("the step outlived its parent")


def _alive(pid):
    """Say whether `pid` runs; a zombie that nobody reaps does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_import_that_the_digest_does_not_see_fails_the_job(monkeypatch):
    monkeypatch.setitem(sys.modules, "perspectives.hidden", sys)
    with pytest.raises(RuntimeError, match="perspectives.hidden"):
        step._audit("perspectives.suite.steps.judge")


def test_loading_an_unknown_step_lists_the_known():
    with pytest.raises(UserError, match="judge"):
        step.load("suite", "nothing")


@pytest.mark.parametrize(("name", "words"), [("folder", "it is a folder"), ("n" * 254, "File name too long")])
def test_an_output_that_cannot_be_made_is_found_before_the_step_runs(name, words, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises((UserError, OSError), match=words), step.whole_or_nothing([tmp_path / name]):
        pytest.fail("the step ran")
