"""Draw the barrier against the width of the network, and the units that are in use."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, ScalarFormatter

from perspectives.alignment.arms import arms
from perspectives.alignment.settings import LaboratoriesSettings
from perspectives.workbench.figures import COLOURS, PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output

SERIES = (
    (("reference", "width"), "identity", "VI, not aligned", {"color": COLOURS[1], "marker": "s"}),
    (("reference", "width"), "w2", r"VI, $W_2$", {"color": COLOURS[2], "marker": "o"}),
    (("cold",), "w2", r"VI at $T = 0.01$, $W_2$", {"color": COLOURS[0], "marker": "D", "linestyle": "--"}),
    (("point",), "identity", "point estimate, not aligned", {"color": COLOURS[3], "marker": "v", "linestyle": ":"}),
    (("point",), "mean", "point estimate, aligned", {"color": COLOURS[4], "marker": "^", "linestyle": ":"}),
)
NEARLY_ZERO = 0.02
"""What the claims take for nearly zero, nats."""


def plot_width(
    *, settings: LaboratoriesSettings, barriers: Input, members: Input, png: Output, pdf: Output, csv: Output
) -> None:
    """Draw test barriers with their 95 % intervals on logarithmic axes, one column a data set; below, active units."""
    known = arms(settings)
    heights: Any = pd.read_csv(barriers).query("split == 'test'")
    states: Any = pd.read_csv(members)
    for table in (heights, states):
        table["dataset"] = [known[arm].training.dataset for arm in table["arm"]]
        table["width"] = [known[arm].training.width for arm in table["arm"]]
        table["role"] = [known[arm].role for arm in table["arm"]]
    shown = []
    with style():
        figure, grid = plt.subplots(
            2, len(settings.datasets), figsize=(PAGE_INCHES, 4.2), squeeze=False, sharex="col", height_ratios=(2, 1)
        )
        for (top, bottom), dataset in zip(grid.T, settings.datasets, strict=True):
            ours = heights[heights["dataset"] == dataset]
            for roles, path, label, line in SERIES:
                rows = ours[ours["role"].isin(roles) & (ours["path"] == path)].sort_values(by="width")
                if len(rows):
                    _with_interval(top, rows, label, line)
                    shown.append(rows.assign(series=label))
            top.axhline(
                NEARLY_ZERO, color="black", linewidth=0.8, linestyle=(0, (1, 2)), label="'nearly zero', as we read it"
            )
            top.set(xscale="log", yscale="log", title=dataset, ylim=(5e-3, None))
            for roles, _, _, line in (SERIES[1], SERIES[2]):
                rows = states[states["role"].isin(roles) & (states["dataset"] == dataset)].sort_values(by="width")
                for column, filled in (("active_share", "full"), ("effective_share", "none")):
                    bottom.plot(
                        np.asarray(rows["width"]), np.asarray(rows[column]), **line, markersize=4, fillstyle=filled
                    )
            bottom.set(xlabel="hidden units a layer", ylim=(0, 1.05))
            widths = sorted(set(ours["width"]))
            bottom.set_xticks(widths)
            bottom.xaxis.set_major_formatter(ScalarFormatter())
            bottom.xaxis.set_minor_formatter(NullFormatter())
            bottom.minorticks_off()
        grid[0, 0].set_ylabel("marginalized barrier (nats)")
        grid[1, 0].set_ylabel("share of units in use")
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    pd.concat(shown).to_csv(csv, index=False)


def _with_interval(axes: Axes, rows: pd.DataFrame, label: str, line: dict) -> None:
    width, height, low, high = (np.asarray(rows[name]) for name in ("width", "barrier", "ci_low", "ci_high"))
    # An interval may reach below zero, where a logarithmic axis has no end.
    low = np.maximum(low, 1e-3)
    axes.errorbar(
        width, height, np.maximum([height - low, high - height], 0), label=label, markersize=4, capsize=2, **line
    )
