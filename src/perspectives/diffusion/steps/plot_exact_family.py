"""Draw samples of four members of the family over time, what all nine end at, and how far that is from the data."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.arrays import Group, read_groups
from perspectives.workbench.figures import BLUE, COLOURS, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

SHOWN = ("-10", "-0.5", "0", "0.9", "1")
"""Values of lambda drawn over time; the ends in between look like their neighbours'."""
PATHS = 6
LIMIT = 1.5
"""Times the floor: the claim's."""


def plot_exact_family(*, distances: Input, snapshots: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw histograms and paths over time above; the last histograms and the distances below."""
    table: Any = pd.read_csv(distances)
    groups = read_groups(snapshots)
    with style():
        figure = plt.figure(figsize=(PAGE_INCHES, 4.4))
        rows: Any = figure.subfigures(2, 1)
        above = list(rows[0].subplots(1, len(SHOWN), sharey=True))
        below = list(rows[1].subplots(1, 3))
        _over_time(above, groups)
        parts = [_ends(below[0], groups), _errors(below[1], groups)]
        _distances(below[2], table)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    parts.append(table.assign(panel="distances"))
    pd.concat(parts).to_csv(csv, index=False, float_format="%.9g")


def _over_time(axes: list[Axes], groups: dict[str, Group]) -> None:
    grid = groups["grid"]
    middle = _middle(grid)
    for panel, name in zip(axes, SHOWN, strict=True):
        panel.grid(False)
        panel.pcolormesh(
            grid["t"], middle, groups["density"][name].T, cmap="Greys", vmax=0.8, shading="nearest", rasterized=True
        )
        panel.plot(grid["t"], groups["paths"][name][:, :PATHS], color=BLUE, linewidth=0.7)
        panel.set(xlabel="time $t$", title=rf"$\lambda = {name}$", xlim=(0, 1), ylim=(-3.5, 3.5), xticks=(0, 0.5, 1))
    axes[0].set_ylabel("$X_t$")


def _middle(grid: Group) -> np.ndarray:
    return 0.5 * (grid["edges"][1:] + grid["edges"][:-1])


def _ends(axes: Axes, groups: dict[str, Group]) -> pd.DataFrame:
    """Draw the last histograms of the members shown on the density of the data."""
    middle = _middle(groups["grid"])
    axes.plot(middle, groups["grid"]["truth"][-1], color="black", linewidth=1.6, label="data", zorder=5)
    parts = [pd.DataFrame({"panel": "ends", "series": "data", "x": middle, "y": groups["grid"]["truth"][-1]})]
    for colour, name in zip(COLOURS, SHOWN, strict=False):
        y = groups["density"][name][-1]
        axes.step(middle, y, where="mid", color=colour, linewidth=0.8, label=name)
        parts.append(pd.DataFrame({"panel": "ends", "series": name, "x": middle, "y": y}))
    axes.set(xlabel="$x$", ylabel="density", title="Samples at $t = 1$", xlim=(-2.6, 2.6), ylim=(0, 1.05))
    axes.legend(ncols=3, fontsize=6, loc="upper center", handlelength=1, columnspacing=0.8, title=r"$\lambda$",
                title_fontsize=6)  # fmt: skip
    return pd.concat(parts)


def _errors(axes: Axes, groups: dict[str, Group]) -> pd.DataFrame:
    """Draw half the integral of the absolute difference of histogram and density, over time.

    A frequency of so many samples is off by sqrt(2 / pi) deviations on average: what independent draws would give.
    """
    grid = groups["grid"]
    width = grid["edges"][1] - grid["edges"][0]
    mass = width * grid["truth"]
    expected = 0.5 * np.sqrt(2 / np.pi * mass * (1 - mass) / grid["samples"]).sum(1)
    axes.plot(grid["t"], expected, color="black", linewidth=1.2, label="draws", zorder=4)
    parts: list[Any] = [pd.DataFrame({"panel": "total variation", "series": "expected", "x": grid["t"], "y": expected})]
    for colour, name in zip(COLOURS, SHOWN, strict=False):
        y = 0.5 * width * np.abs(groups["density"][name] - grid["truth"]).sum(1)
        axes.plot(grid["t"], y, color=colour, linewidth=0.9, label=name)
        parts.append(pd.DataFrame({"panel": "total variation", "series": name, "x": grid["t"], "y": y}))
    axes.set(xlabel="time $t$", ylabel="total variation", title="From the exact marginal")
    axes.set_ylim(0, 1.5 * max(float(part["y"].max()) for part in parts))
    axes.legend(ncols=3, fontsize=6, loc="upper center", handlelength=1, title=r"$\lambda$", title_fontsize=6)
    return pd.concat(parts)


def _distances(axes: Axes, table: Any) -> None:
    members, floor = table[table["lambda"].notna()], table[table["lambda"].isna()].iloc[0]
    position = np.arange(len(members))
    axes.axhspan(floor["least"], floor["largest"], color="0.9", label="data, data")
    axes.axhline(floor["distance"], color="black", linewidth=0.9, label="mean")
    axes.axhline(LIMIT * floor["distance"], color="0.4", linewidth=0.9, linestyle=":", label=f"{LIMIT:g} times")
    middle = members["distance"].to_numpy()
    reach = np.abs(members[["least", "largest"]].to_numpy().T - middle)
    axes.errorbar(position, middle, reach, fmt="o", color=VERMILION, markersize=4, elinewidth=0.8,
                  label="member, data")  # fmt: skip
    axes.set_xticks(position, [f"{value:g}" for value in members["lambda"]], rotation=60)
    axes.set(xlabel=r"$\lambda$", ylabel="$W_1$", title="Distance from the data")
    axes.set_ylim(0, 1.75 * max(members["largest"].max(), floor["largest"]))
    axes.legend(fontsize=6, loc="upper center", ncols=2, columnspacing=0.8, handlelength=1.5)
