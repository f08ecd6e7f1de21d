import re
from html import unescape
from pathlib import Path

import pytest

from perspectives.suite.ledgers import LEDGERS
from perspectives.workbench.errors import UserError
from perspectives.workbench.steps.summarise import summarise
from perspectives.workbench.summary import paired, runs

TEMPLATE = Path(__file__).parents[2] / "workflow" / "report" / "summary.html.j2"
PROBE = """<script>
addEventListener("load", () => {
  const images = [...document.images].map(image => image.naturalWidth);
  const names = performance.getEntriesByType("resource").map(entry => entry.name);
  const fetched = names.filter(name => !name.startsWith("data:"));
  document.documentElement.dataset.probe = JSON.stringify({images, fetched});
});
</script></body>"""


@pytest.fixture
def page(planted: Path) -> Path:
    results = planted / "results" / "default"
    summarise(
        claims=results / "claims.csv",
        laws=results / "laws.csv",
        findings=results / "findings.csv",
        resolved=results / "settings.json",
        template=TEMPLATE,
        preset="default",
        figures=tuple(sorted(results.glob("*/figures/*.png"))),
        captions=tuple(sorted(results.glob("*/captions/*.rst"))),
        benchmarks=results / "benchmarks",
        logs=results / "logs",
        page=results / "summary.html",
    )
    return results / "summary.html"


def test_every_claim_law_finding_and_job_is_on_the_page(page: Path) -> None:
    text = unescape(page.read_text())
    for ledger in LEDGERS:
        for entry in (*ledger.claims, *ledger.laws):
            assert entry.id in text
            assert entry.statement in text
        for figure in ledger.figures:
            assert f'id="{ledger.study}/{figure.id}"' in text
            assert figure.title in text
    for needle in ("highres/race", "not sampled", "Not reproduced:", "0123456789abcdef", '"seeds": 20', "181.5"):
        assert needle in text


def test_text_of_the_tables_cannot_become_markup(page: Path) -> None:
    text = page.read_text()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; |x| *y* _z_ {{ jinja }}" in text


def test_page_names_no_resource_outside_itself(page: Path) -> None:
    loaded = re.findall(r"""(?:src|href|action|data|poster)\s*=\s*["']([^"']*)""", page.read_text())
    assert loaded
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in loaded)
    assert not re.search(r"url\(|@import|https?:", page.read_text())
    assert "default-src 'none'" in page.read_text()


def test_page_opens_from_a_file_complete_and_without_a_request(page: Path, tmp_path: Path, dom) -> None:
    # The page itself allows no script; the probe needs a copy that does.
    copy = tmp_path / "probed.html"
    text = page.read_text().replace("default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'")
    copy.write_text(text.replace("</body>", PROBE))
    document = dom(copy)
    found = re.search(r'data-probe="([^"]*)"', document)
    assert found is not None
    figures = [figure for ledger in LEDGERS for figure in ledger.figures]
    widths = sorted([680] * (len(figures) - 1) + [1400])
    assert unescape(found[1]) == f'{{"images":{str(_in_order(widths, document)).replace(" ", "")},"fetched":[]}}'
    assert document.count('<tr id="') == sum(len(ledger.claims) for ledger in LEDGERS)


def _in_order(widths: list[int], document: str) -> list[int]:
    stated = [int(width) for width in re.findall(r'<img src="[^"]*" width="(\d+)"', document)]
    assert sorted(stated) == widths
    return stated


def test_figure_without_caption_is_named(planted: Path) -> None:
    results = planted / "results" / "default" / "highres"
    with pytest.raises(UserError, match="highres/lyapunov"):
        paired([results / "figures" / "lyapunov.png"], [])


def test_run_without_records_says_nothing() -> None:
    assert runs([]) == {}
