"""Draw the search for a kernel width: fits, validation losses, hypergradients, and what truncation does to them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.figures import BLUE, GREEN, ORANGE, PAGE_INCHES, PURPLE, SKY, VERMILION, save, style
from perspectives.workbench.step import Input, Output

FITS = {
    "0.02": ("width 0.02", ORANGE, "--"),
    "2": ("width 2", GREEN, "--"),
    "0.2": ("width 0.2, of the data", VERMILION, "-"),
    "best": ("width {:.2f}, of least loss", PURPLE, "-"),
}
WAYS = {
    "implicit": ("implicit", "o", 6.5, BLUE),
    "unrolled": ("unrolled", "x", 5.0, VERMILION),
    "bfgs": ("BFGS, implicit", ".", 4.0, GREEN),
}
TRUNCATED = {"implicit": ("implicit", "-"), "unrolled": ("unrolled", "--")}
SHOWN = {0.1: BLUE, 0.5: VERMILION, 1.0: GREEN}
"""Widths whose truncated hypergradients are drawn, by colour."""
FLOOR = 1e-16


def plot_bilevel(
    *,
    hypergradients: Input,
    truncations: Input,
    losses: Input,
    descents: Input,
    fits: Input,
    png: Output,
    pdf: Output,
    csv: Output,
) -> None:
    """Draw fits and losses above; hypergradients by width, and errors of truncated derivatives below."""
    ways, cut, loss, ends, fitted = map(pd.read_csv, (hypergradients, truncations, losses, descents, fits))
    with style():
        figure = plt.figure(figsize=(PAGE_INCHES, 4.9))
        grid = figure.add_gridspec(2, 3)
        _fits(figure.add_subplot(grid[0, :2]), fitted)
        _losses(figure.add_subplot(grid[0, 2]), loss, ends)
        _hypergradients(figure.add_subplot(grid[1, 0]), loss, ways)
        left = figure.add_subplot(grid[1, 1])
        right = figure.add_subplot(grid[1, 2], sharey=left)
        _truncations(left, cut, "_weights", "Truncated, $dw/dh$")
        _truncations(right, cut, "", "Truncated, $dL/dh$")
        for label, linestyle in TRUNCATED.values():
            left.plot([], [], linestyle, color="0.3", label=label)
        for width, colour in SHOWN.items():
            right.plot([], [], color=colour, label=f"width {width:g}")
        for axes in (left, right):
            axes.legend(loc="upper right")
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    parts = {
        "fits": fitted,
        "losses": loss,
        "descents": ends,
        "hypergradients": ways,
        "truncations": cut[cut["width"].isin(list(SHOWN))],
    }
    pd.concat([part.assign(panel=panel) for panel, part in parts.items()]).to_csv(csv, index=False)


def _fits(axes: Axes, fitted: pd.DataFrame) -> None:
    series = {name: rows for name, rows in fitted.groupby("series")}
    validation, training = series["validation"], series["training"]
    outputs = np.concatenate([training["y"], validation["y"]])
    lowest, highest = outputs.min() - 1.5, outputs.max() + 1.5
    for name, (label, colour, linestyle) in FITS.items():
        rows = series[name]
        inside = rows["y"].where(rows["y"] < highest)  # the narrowest kernel's spikes would run through the legend
        axes.plot(rows["x"], inside, linestyle, color=colour, label=label.format(rows["width"].iloc[0]))
    axes.plot(training["x"], training["y"], "o", color=BLUE, markersize=3, label="training, noisy")
    axes.plot(validation["x"], validation["y"], "D", color=SKY, markersize=3, label="validation, exact", zorder=1)
    axes.set_ylim(lowest, highest + 0.3 * (highest - lowest))
    axes.set(xlabel="input", ylabel="output", title="Kernel ridge regression, ridge 0.001")
    axes.legend(ncols=3, loc="upper center")


def _losses(axes: Axes, loss: pd.DataFrame, ends: pd.DataFrame) -> None:
    for colour, (ridge, rows) in zip((PURPLE, BLUE), loss.groupby("ridge"), strict=True):
        axes.plot(rows["width"], rows["loss"], color=colour, label=f"ridge {ridge:g}")
        least = rows.loc[rows["loss"].idxmin()]
        axes.plot(least["width"], least["loss"], "s", color=colour, markersize=7, markerfacecolor="none")
        narrow = ends[(ends["ridge"] == ridge) & (ends["begun"] == "narrow")].iloc[0]
        axes.plot(narrow["start"], narrow["loss_start"], ">", color=colour, markersize=5)
        axes.plot(narrow["end"], narrow["loss_end"], ".", color=colour, markersize=7)
    for marker, label in ((">", "descent starts"), (".", "descent ends"), ("s", "least on the grid")):
        axes.plot([], [], marker, color="0.3", markerfacecolor="none" if marker == "s" else None, label=label)
    axes.set(xscale="log", yscale="log", xlabel="kernel width", ylabel="validation loss", title="Validation")
    axes.legend(fontsize=6)


def _hypergradients(axes: Axes, loss: pd.DataFrame, ways: pd.DataFrame) -> None:
    rows = loss[loss["ridge"] == loss["ridge"].max()]
    axes.axhline(0, color="0.4", linewidth=0.8)
    axes.plot(rows["width"], rows["hypergradient"], color="0.6", label="direct")
    for name, (label, marker, size, colour) in WAYS.items():
        axes.plot(ways["width"], ways[name], marker, color=colour, markersize=size, markerfacecolor="none", label=label)
    axes.set(xscale="log", xlabel="kernel width", ylabel="$dL/dh$, $h$ = log width", title="Hypergradients, ridge 1")
    axes.legend()


def _truncations(axes: Axes, cut: pd.DataFrame, suffix: str, title: str) -> None:
    for width, colour in SHOWN.items():
        rows = cut[cut["width"] == width]
        for name, (_, linestyle) in TRUNCATED.items():
            axes.semilogy(
                rows["steps"], np.maximum(rows[f"{name}{suffix}"], FLOOR), linestyle, color=colour, linewidth=1
            )
    axes.set(xlabel="inner steps", ylabel="relative error", title=title, ylim=(FLOOR / 3, 1e3))
