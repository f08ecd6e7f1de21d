"""One style for every figure: column width, colour-blind-safe colours, equal bytes for equal numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.figure import Figure

COLUMN_INCHES = 3.4
"""Width of one column of a two-column paper."""
PAGE_INCHES = 7.0
"""Width of both columns."""

# Okabe and Ito's palette, distinguishable under the common colour-vision deficiencies; black is for published values.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
)
COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
PUBLISHED = {
    "color": "black",
    "marker": "x",
    "linestyle": "none",
    "markersize": 4.5,
    "markeredgewidth": 1.1,
    "zorder": 5,
}
"""Marker style of published values, the same in every figure."""

_STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "lines.linewidth": 1.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "axes.prop_cycle": cycler(color=COLOURS),
    "pdf.fonttype": 42,  # real fonts, so that text in the PDF can be searched
    "svg.hashsalt": "perspectives",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house style, without touching the process's own settings."""
    with matplotlib.rc_context(_STYLE):
        yield


def save(figure: Figure, *, png: Path, pdf: Path) -> None:
    """Write `figure` as a 200 dpi PNG and a PDF, with no date or version inside: equal figures give equal bytes."""
    for part in figure.subfigs:
        # Its background is the figure's, and its corner comes out as 0 in one run and as -0 in another: other bytes.
        part.patch.set_visible(False)
    # A figure laid out by hand has no layout engine, and after a first save matplotlib would give it the style's.
    with matplotlib.rc_context({**_STYLE, "figure.constrained_layout.use": False}):
        figure.savefig(png, format="png", dpi=200, metadata={"Software": None})
        figure.savefig(pdf, format="pdf", metadata={"CreationDate": None, "Producer": None, "Creator": None})
