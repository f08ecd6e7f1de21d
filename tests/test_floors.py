"""Imports go down only: workflow, steps, maths, shared. docs/architecture.md draws the floors."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "perspectives"
SHARED = {"numerics", "workbench"}
STUDIES = {folder.name for folder in PACKAGE.iterdir() if (folder / "steps").is_dir()} - SHARED - {"suite"}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(file):
    """Yield the line and module of each import of ours."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno} imports relatively; name the module in full"
            yield node.lineno, node.module or ""


def allowed(file, room):
    """Say whether the file may import from the folder `room` of the package."""
    parts = file.relative_to(PACKAGE).parts
    here, is_step = parts[0], "steps" in parts
    if len(parts) == 1:  # __main__
        return room == "workbench"
    if here == "numerics":
        return room == "numerics"
    if here == "workbench":
        return room in {"workbench", "numerics"}
    if here == "suite":
        return True
    declares = parts[-1] in {"settings.py", "claims.py"}  # data for the workbench, no maths
    return room in {here, "numerics"} or (room == "workbench" and (is_step or declares))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_go_down(file):
    broken = [
        f"{file}:{line} imports {name}"
        for line, name in imports(file)
        if name.split(".")[0] == "perspectives" and len(name.split(".")) > 1 and not allowed(file, name.split(".")[1])
    ]
    assert not broken, "\n".join(broken)


def test_there_are_studies_to_check():
    assert "highres" in STUDIES


@pytest.mark.parametrize("file", [f for f in FILES if f.name == "__init__.py"], ids=lambda f: str(f.parent.name))
def test_packages_reexport_nothing(file):
    """Importing a.b.c runs a/__init__ and a/b/__init__: a face that imports would tie every step to everything."""
    assert not list(imports(file))


@pytest.mark.parametrize("study", sorted(STUDIES))
def test_settings_hold_no_logic(study):
    """Settings are left out of the staleness digest, so nothing may be computed there."""
    tree = ast.parse((PACKAGE / study / "settings.py").read_text())
    functions = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and not node.decorator_list]
    assert not functions


def test_no_room_for_leftovers():
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}
    assert not [file for file in FILES if file.stem in vague]


def test_one_training_loop():
    """Only `numerics.training` applies an optimiser's update to a model in a loop over batches."""
    callers = [
        file.relative_to(PACKAGE).as_posix()
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "apply_updates"
    ]
    assert set(callers) <= {"numerics/training.py"}
