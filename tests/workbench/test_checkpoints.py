import re

import pytest

from perspectives.workbench import closure
from perspectives.workbench.checkpoints import checkpoint_name

MODULE = "perspectives.workbench.arrays"


@pytest.fixture
def files(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).write_text(name)
    return [tmp_path / "x", tmp_path / "y"]


def test_same_training_same_name_wherever_its_files_lie(files, tmp_path):
    name = checkpoint_name(MODULE, "{}", 0, 1, files=files, device="cpu")
    assert re.fullmatch("[0-9a-f]{16}", name), "a folder's name on any system"
    moved = [file.rename(tmp_path / f"moved {file.name}") for file in files]
    assert checkpoint_name(MODULE, "{}", 0, 1, files=moved, device="cpu") == name


def test_whatever_decides_the_bytes_decides_the_name(files, monkeypatch):
    names = [
        checkpoint_name(MODULE, "{}", 0, 1, files=files, device="cpu"),
        checkpoint_name(MODULE, '{"batch":1}', 0, 1, files=files, device="cpu"),
        checkpoint_name(MODULE, "{}", 1, 0, files=files, device="cpu"),
        checkpoint_name(MODULE, "{}", 0, 1, files=files, device="gpu"),
        checkpoint_name(MODULE, "{}", 0, 1, files=files[:1], device="cpu"),
        checkpoint_name("perspectives.workbench.measures", "{}", 0, 1, files=files, device="cpu"),
    ]
    files[0].write_text("other data")
    names.append(checkpoint_name(MODULE, "{}", 0, 1, files=files, device="cpu"))
    monkeypatch.setattr(closure, "digest", lambda module: "other code")
    names.append(checkpoint_name(MODULE, "{}", 0, 1, files=files, device="cpu"))
    assert len(set(names)) == len(names)
