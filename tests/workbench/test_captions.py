import subprocess
import sys
from pathlib import Path

import pytest

from perspectives.suite.ledgers import LEDGERS
from perspectives.workbench.captions import caption, plain, to_html
from perspectives.workbench.errors import UserError

ROW = {
    "study": "s", "claim": "s-01", "source": "Theorem 1", "statement": "|x0 - x*|^2 is at most f_k {{ jinja }} <b>",
    "quantity": "t:q", "measured": "0.123456", "ci_low": "0.1", "ci_high": "0.2", "criterion": "at most 1: a bound",
    "published": "2", "published_kind": "stated", "verdict": "reproduced", "seeds": "20", "preset": "default",
}  # fmt: skip
HOSTILE = [
    "|x0 - x*|^2",
    "a_b_ `c` *d* **e**",
    "{{ x }} {% y %} {# z #}",
    "- not a list",
    "5. nor this",
    ".. nor::",
    ":r:`t`",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_text_survives_jinja_and_rst_unchanged(text: str) -> None:
    from html import unescape

    from jinja2 import Environment

    rendered = Environment(trim_blocks=True, lstrip_blocks=True).from_string(plain(text)).render()
    assert unescape(to_html(rendered)).strip() == f"<p>{text}</p>"


def test_caption_holds_prose_verdict_and_numbers() -> None:
    html = to_html(caption("Seen *here*.\n", [ROW], title="A title", shows=["s-01"], illustrative=""))
    assert "<strong>A title.</strong> Seen <em>here</em>." in html
    assert "<strong>s-01: reproduced</strong>" in html
    assert "|x0 - x*|^2 is at most f_k {{ jinja }} &lt;b&gt;" in html
    assert "Measured 0.123 [0.1, 0.2]; criterion at most 1; published 2 (stated)." in html


def test_illustrative_figure_says_so() -> None:
    assert "no claim is decided here" in caption("Prose.", [], title="T", shows=[], illustrative="shows the data")


@pytest.mark.parametrize(
    "prose", ["broken *emphasis", "Prose.\n\n- item\nragged", "{{ config }}", "Prose.\n\n.. raw:: html\n\n   <b>"]
)
def test_unclean_prose_is_refused(prose: str) -> None:
    with pytest.raises(UserError):
        caption(prose, [], title="T", shows=[], illustrative="")


def test_claim_missing_from_the_table_is_refused() -> None:
    with pytest.raises(UserError, match="s-02"):
        caption("Prose.", [ROW], title="T", shows=["s-02"], illustrative="")


@pytest.mark.parametrize("ledger", LEDGERS, ids=lambda ledger: ledger.study)
def test_every_figure_belongs_to_a_claim_or_is_declared_illustrative(ledger) -> None:
    known = {claim.id for claim in ledger.claims}
    assert ledger.figures
    for figure in ledger.figures:
        assert figure.claims or figure.illustrative
        assert set(figure.claims) <= known


@pytest.mark.parametrize("ledger", LEDGERS, ids=lambda ledger: ledger.study)
def test_every_claim_is_seen_in_a_figure(ledger) -> None:
    shown = {claim for figure in ledger.figures for claim in figure.claims}
    assert shown == {claim.id for claim in ledger.claims}


def test_captions_on_disk_belong_to_figures_and_are_clean_rst() -> None:
    folder = Path(__file__).parents[2] / "workflow" / "captions"
    known = {figure.id for ledger in LEDGERS for figure in ledger.figures}
    for path in folder.glob("*.rst"):
        assert path.stem in known
        assert path.read_text().strip(), f"{path.name} says nothing"
        caption(path.read_text(), [], title="T", shows=[], illustrative="none")


def test_one_job_writes_all_captions_whole(planted: Path) -> None:
    results = planted / "results" / "default"
    captions = sorted((results / "highres" / "captions").glob("*.rst"))
    before = [path.read_bytes() for path in captions]
    for path in captions:
        path.unlink()
    command = [
        sys.executable, "-m", "perspectives", "suite", "caption", "--claims", results / "claims.csv",
        "--prose", *(planted / "workflow" / "captions" / path.name for path in captions), "--texts", *captions,
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    assert sorted((results / "highres" / "captions").iterdir()) == captions
    assert [path.read_bytes() for path in captions] == before
