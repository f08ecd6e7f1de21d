"""Write the page on which Snakemake's report opens."""

from perspectives.workbench import wording
from perspectives.workbench.overview import overview as page_text
from perspectives.workbench.step import Input, Output


def overview(*, claims: Input, laws: Input, preset: str, link: str = "summary.html", page: Output) -> None:
    """Write the report's landing page in RST: counts of verdicts and the claims table."""
    page.write_text(page_text(wording.read_rows(claims), wording.read_rows(laws), preset=preset, link=link))
