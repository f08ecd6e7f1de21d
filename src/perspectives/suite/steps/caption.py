"""Complete a figure's caption with the verdicts on the claims that it shows."""

from perspectives.suite.ledgers import LEDGERS
from perspectives.workbench import captions, wording
from perspectives.workbench.step import Input, Output


def caption(*, study: str, figure: str, prose: Input, claims: Input, text: Output) -> None:
    """Write a figure's caption: title, prose, and a line for each claim that it shows, with the verdict."""
    [shown] = [entry for ledger in LEDGERS if ledger.study == study for entry in ledger.figures if entry.id == figure]
    text.write_text(
        captions.caption(
            prose.read_text(),
            wording.read_rows(claims),
            title=shown.title,
            shows=shown.claims,
            illustrative=shown.illustrative,
        )
    )
