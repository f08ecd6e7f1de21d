"""What a reader and a reviewer get from a real run: the report in a browser, the archive that checks out."""

import csv
import re
import subprocess
import tarfile
from html import unescape

import pytest

from perspectives.suite.ledgers import LEDGERS

pytestmark = pytest.mark.timeout(1800)


def verdicts(finished):
    with (finished.results / "claims.csv").open(newline="") as file:
        return {row["claim"]: row["verdict"] for row in csv.DictReader(file)}


def test_the_report_opens_on_the_claims_table_without_a_network(finished, dom):
    document = unescape(dom(finished.results / "report.html"))
    page = document[document.index('class="prose') :]
    for claim, verdict in verdicts(finished).items():
        assert claim in page
        assert verdict in page
    assert not re.findall(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)=["']https?:""", document)


def test_the_report_carries_every_figure_with_its_caption(finished):
    text = (finished.results / "report.html").read_text()
    shown = {figure.id: figure for ledger in LEDGERS for figure in ledger.figures}
    for figure in finished.results.glob("*/figures/*.png"):
        assert f"figures/{figure.name}" in text
        caption = (figure.parents[1] / "captions" / f"{figure.stem}.rst").read_text()
        claims = re.findall(r"\*\*([a-z]+-\d+): ", caption)
        assert claims == list(shown[figure.stem].claims)
        assert all(claim in text for claim in claims)


def test_the_summary_page_shows_every_figure(finished, dom):
    document = dom(finished.results / "summary.html")
    figures = list(finished.results.glob("*/figures/*.png"))
    assert document.count('src="data:image/png;base64,') == len(figures)
    for claim in verdicts(finished):
        assert claim in document


def test_the_archive_verifies_repeats_and_holds_the_run(finished, tmp_path):
    first = finished.make("archive")
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    packed = finished.results / "archive" / "perspectives-smoke.tar.gz"
    content = packed.read_bytes()
    with tarfile.open(packed) as tar:
        names = {name.split("/", 1)[1] for name in tar.getnames() if "/" in name}
    for name in (
        "Snakefile", "config.yaml", "requirements/cpu.txt", "src/perspectives/highres/nnag.py", "workflow/data.yaml",
        "results/smoke/claims.csv", "results/smoke/settings.json", "results/smoke/report.html", "verify.sh",
        "results/smoke/highres/figures/fig1b_race.pdf", "results/smoke/logs/highres/run_race_code.log",
        "ro-crate-metadata.json", "MANIFEST.sha256",
    ):  # fmt: skip
        assert name in names, name
    assert not [name for name in names if name.startswith("data/")]

    assert finished.make("archive").returncode == 0
    assert packed.read_bytes() == content

    damaged = tmp_path / "damaged.tar.gz"
    damaged.write_bytes(content[: len(content) // 2] + b"\0" + content[len(content) // 2 + 1 :])
    checked = subprocess.run(["sh", "workflow/verify.sh", str(damaged)], cwd=finished.folder, capture_output=True)
    assert checked.returncode != 0
