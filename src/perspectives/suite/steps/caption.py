"""Complete the figures' captions with the verdicts on the claims that they show."""

from perspectives.suite.ledgers import LEDGERS
from perspectives.workbench import captions
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_rows


def caption(*, prose: tuple[Input, ...], claims: Input, texts: tuple[Output, ...]) -> None:
    """Write each figure's caption: title, prose, and a line for each claim that it shows, with the verdict.

    `prose` lies at `<figure>.rst` and the caption that takes it in, in the same order, at `<study>/captions/`.
    """
    figures = {(ledger.study, figure.id): figure for ledger in LEDGERS for figure in ledger.figures}
    rows = read_rows(claims)
    for source, target in zip(prose, texts, strict=True):
        figure = figures[target.parents[1].name, source.stem]
        target.write_text(
            captions.caption(
                source.read_text(), rows, title=figure.title, shows=figure.claims, illustrative=figure.illustrative
            )
        )
