"""The page on which Snakemake's report opens, in RST: counts of verdicts and the claims table, paper beside ours."""

from collections.abc import Sequence

from perspectives.workbench import wording
from perspectives.workbench.captions import plain
from perspectives.workbench.claims import Verdict
from perspectives.workbench.tables import Row

_ROLES = {
    Verdict.REPRODUCED: "good",
    Verdict.NOT_REPRODUCED: "bad",
    Verdict.INCONCLUSIVE: "open",
    Verdict.NOT_TESTABLE: "mute",
}
# Snakemake's landing page centres its content vertically, which hides the top of a long page, and holds the text in a
# narrow column beside the rule graph: put the page at the top, the table at full width and the graph below it.
_STYLE = """
.. raw:: html

   <style>
   .grow.h-screen { align-items: flex-start; }
   div:has(> #rulegraph) { flex-direction: column; }
   .prose.max-w-lg { max-width: 68rem; }
   .prose h1 { font-size: 1.25rem; }
   .prose h1.title { font-size: 1.8rem; margin-bottom: 0.6rem; }
   .prose .good { color: #17663a; font-weight: 600; }
   .prose .bad { color: #a3260b; font-weight: 600; }
   .prose .open { color: #7a5200; font-weight: 600; }
   .prose .mute { color: #595f69; }
   </style>
"""


def overview(claims: Sequence[Row], laws: Sequence[Row], *, preset: str, link: str) -> str:
    """Return the landing page; `link` is the file name of the summary page inside the report."""
    counts = wording.counts(claims)
    lines = [
        _STYLE,
        *(f".. role:: {role}\n" for role in _ROLES.values()),
        _heading("Variational Perspectives", "="),
        f"Preset **{preset}**, {len(claims)} claims: "
        + ", ".join(f":{_ROLES[verdict]}:`{count} {verdict}`" for verdict, count in counts.items())
        + f". {wording.laws_sentence(laws)}. Figures, findings and the cost of each step: {link}_.\n",
    ]
    for study, rows in wording.by_study(claims).items():
        lines += [
            _heading(f"Claims of {study}", "-"),
            ".. list-table::\n   :header-rows: 1\n   :widths: 10 40 18 17 17 14\n",
            *_cells("Claim", "Statement", "Measured", "Criterion", "Published", "Verdict"),
        ]
        for row in rows:
            verdict = Verdict(row["verdict"])
            lines += _cells(
                row["claim"],
                f"{plain(row['statement'])} *{plain(row['source'])[2:]}*",
                plain(wording.measured(row)),
                plain(wording.bound(row)),
                plain(wording.published(row)),
                f":{_ROLES[verdict]}:`{wording.MARKS[verdict]} {verdict}`",
            )
        lines.append("")
    return "\n".join(lines)


def _heading(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n"


def _cells(*cells: str) -> list[str]:
    return [f"   {'*' if number == 0 else ' '} - {cell}" for number, cell in enumerate(cells)]
