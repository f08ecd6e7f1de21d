"""The landing page and the generated captions, in a report that Snakemake itself makes."""

import json
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from perspectives.suite.ledgers import LEDGERS
from perspectives.workbench.overview import overview
from perspectives.workbench.steps.overview import overview as write_overview

SNAKEFILE = """
report: os.path.abspath("results/default/overview.rst")

rule figure:
    input: "results/default/overview.rst", "results/default/summary.html"
    output:
        report("out.png", caption=os.path.abspath("results/default/highres/captions/constants.rst"), category="highres")
    shell: "cp results/default/highres/figures/constants.png {output}"

rule summary:
    output: report("results/default/summary.html", category="Summary")
    shell: "echo '<p>planted</p>' > {output}"
"""
ROW = {
    "study": "s", "claim": "s-01", "source": "Theorem_", "statement": "|x0 - x*|^2 {{ jinja }} <b> `q` a_",
    "measured": "", "ci_low": "", "ci_high": "", "criterion": "at most 1: a bound", "published": "",
    "published_kind": "none", "verdict": "not testable at this preset", "seeds": "0", "preset": "smoke",
    "quantity": "t:q",
}  # fmt: skip


@pytest.fixture(scope="module")
def made(seedling: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on the planted results."""
    root = shutil.copytree(seedling, tmp_path_factory.mktemp("report") / "repository")
    results = root / "results" / "default"
    write_overview(
        claims=results / "claims.csv", laws=results / "laws.csv", preset="default", page=results / "overview.rst"
    )
    (root / "Snakefile").write_text(SNAKEFILE)
    for arguments in (["--cores", "1", "--quiet", "all"], ["--report", "report.html"]):
        subprocess.run(
            [sys.executable, "-m", "snakemake", *arguments], cwd=root, check=True, capture_output=True, timeout=120
        )
    return root / "report.html"


def test_report_opens_on_every_claim_with_its_verdict(made: Path, dom) -> None:
    document = unescape(dom(made))
    assert 'class="prose' in document
    page = document[document.index('class="prose') :]
    for ledger in LEDGERS:
        for claim in ledger.claims:
            assert claim.id in page
            assert claim.statement in page
    assert re.search(r'<span class="bad">[^<]*not reproduced</span>', page)


def test_report_shows_the_generated_caption_and_asks_no_host(made: Path) -> None:
    text = made.read_text()
    assert not re.search(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)=["']?https?:""", text)
    [results] = re.findall(r'<script id="results">\s*var results = (.*);\s*</script>', text)
    caption = unescape(json.loads(results)["out.png"]["caption"])
    assert "highres-06:" in caption
    assert "min over i < k of |grad f(x_i)|^2 is at most 12 |x0 - x*|^2 / (k^3 s^2)." in caption


def test_hostile_row_stays_text() -> None:
    from docutils.core import publish_string
    from jinja2 import Environment

    text = overview([ROW], [], preset="smoke", link="summary.html") + "\n\n.. _summary.html: javascript:show()\n"
    rendered = Environment().from_string(text).render()
    html = publish_string(rendered, writer="html", settings_overrides={"halt_level": 2}).decode()
    assert "|x0 - x*|^2 {{ jinja }} &lt;b&gt; `q` a_ <em>Theorem_</em>" in html
    assert "not measured" in html
