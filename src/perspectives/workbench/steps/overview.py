"""Write the page on which Snakemake's report opens."""

from perspectives.workbench.overview import overview as page_text
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_rows


def overview(*, claims: Input, laws: Input, preset: str, link: str = "summary.html", page: Output) -> None:
    """Write the report's landing page in RST: counts of verdicts and the claims table."""
    page.write_text(page_text(read_rows(claims), read_rows(laws), preset=preset, link=link))
