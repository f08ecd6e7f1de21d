import textwrap

import pytest

from perspectives.workbench import closure as subject


@pytest.fixture
def package(tmp_path):
    """A package with a step, what it needs, and what it does not."""

    def write(**files):
        for name, text in files.items():
            path = tmp_path / "perspectives" / f"{name.replace('__', '/').replace('INIT', '__init__')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            for folder in (path.parent, *path.parent.parents):
                if folder == tmp_path:
                    break
                (folder / "__init__.py").touch()
            path.write_text(textwrap.dedent(text))
        for cached in (subject._tree, subject._imports, subject._meaning):
            cached.cache_clear()
        return tmp_path

    write(
        x__steps__go="from perspectives.x import maths\ndef go(*, a: Input, b: int = 1): ...\n",
        x__maths="import perspectives.low.deep\ndef f():\n    from ..low import lazy\n    return 1\n",
        x__settings="A = 1\n",
        x__other="B = 1\n",
        low__deep="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from perspectives.x import other\n",
        low__lazy="C = 1\n",
    )
    yield write
    for cached in (subject._tree, subject._imports, subject._meaning):
        cached.cache_clear()


STEP = "perspectives.x.steps.go"
REWORDED = """
'''New words.'''
import perspectives.low.deep  # why


def f():
    '''Say.'''
    from ..low import lazy
    return 1
"""


def test_closure_counts_parents_and_lazy_imports_but_not_what_only_the_type_checker_reads(package):
    assert subject.closure(STEP, package()) == {
        "perspectives", "perspectives.x", "perspectives.x.steps", STEP, "perspectives.x.maths",
        "perspectives.low", "perspectives.low.deep", "perspectives.low.lazy",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "changes"),
    [
        pytest.param({"x__maths": REWORDED}, False, id="comment, docstring, layout"),
        pytest.param({"x__other": "B = 2\n"}, False, id="unrelated module"),
        pytest.param({"low__lazy": "C = 2\n"}, True, id="code in a dependency"),
        pytest.param({"low__INIT": "D = 2\n"}, True, id="code in a parent package"),
        pytest.param({"x__maths": "import perspectives.x.other\ndef f():\n    return 1\n"}, True, id="a new import"),
    ],
)  # fmt: skip
def test_digest_changes_with_meaning_alone(package, edit, changes):
    before = subject.digest(STEP, package())
    after = subject.digest(STEP, package(**edit))
    assert (before != after) == changes
    assert after.startswith(f"source:{STEP}:")


def test_settings_are_followed_but_not_digested(package):
    package(x__maths="from perspectives.x.settings import A\n")
    before = subject.digest(STEP, package())
    assert "perspectives.x.settings" in subject.closure(STEP, package())
    assert subject.digest(STEP, package(x__settings="A = 2\n")) == before


def test_parameters_are_read_without_importing(package):
    assert subject.parameters(STEP, package()) == {"a": ("Input", True), "b": ("int", False)}
    with pytest.raises(LookupError, match="no function 'go'"):
        subject.parameters(STEP, package(x__steps__go="def went(): ...\n"))


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(ModuleNotFoundError, match="perspectives.nowhere"):
        subject.closure("perspectives.nowhere")
