"""Draw a conjugate: tangents and their intercepts, the conjugate's graph, affine bounds of one slope, and the gap."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from scipy.special import expit

from perspectives.workbench.figures import BLUE, PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output

BOUND_SLOPE = 0.7
SLOPES = (-2.2, 1.6)
"""Slopes of the first and last colour: those drawn run from -2 to 1, and the last colours are too pale."""
Colour = tuple[float, float, float, float] | str
Colours = dict[float, tuple[float, float, float, float]]
MARKED = 5
"""The tangent whose slope and intercept are written beside it."""


def plot_conjugates(*, curves: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw the negative binary entropy and the softplus, each as the other's conjugate."""
    table = pd.read_csv(curves)
    panels = {str(panel): rows for panel, rows in table.groupby("panel")}
    colours = {slope: _colour(slope) for slope in sorted(set(panels["tangent"]["series"]))}
    with style():
        figure, ((tangents, conjugate), (bounds, gap)) = plt.subplots(2, 2, figsize=(PAGE_INCHES, 5.0))
        _tangents(tangents, panels, colours)
        _conjugate(conjugate, panels, colours)
        _bounds(bounds, panels)
        for slope, colour in colours.items():
            rows = panels["gap"][panels["gap"]["series"] == slope]
            gap.plot(rows["x"], rows["y"], color=colour)
            gap.plot(expit(slope), 0, "o", color=colour, markersize=4, clip_on=False)
        gap.set(
            title="The gap is the Fenchel-Young loss",
            xlabel="$u$",
            ylabel="$f(u)+f^*(v)-uv$ (nats)",
            ylim=(0, 1.2),
            xlim=(0, 1),
        )
        gap.text(0.5, 1.05, r"zero only at $u=1/(1+e^{-v})$", ha="center", fontsize=7)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    table.to_csv(csv, index=False)


def _colour(slope: float) -> tuple[float, float, float, float]:
    return colormaps["plasma"]((slope - SLOPES[0]) / (SLOPES[1] - SLOPES[0]))


def _tangents(axes: Axes, panels: dict[str, pd.DataFrame], colours: Colours) -> None:
    axes.plot(panels["function"]["x"], panels["function"]["y"], color="black", linewidth=2)
    for i, (slope, colour) in enumerate(colours.items()):
        rows = panels["tangent"][panels["tangent"]["series"] == slope]
        intercept = -np.logaddexp(0, slope)
        axes.plot(rows["x"], rows["y"], "--", color=colour, linewidth=1)
        axes.plot(0, intercept, "o", color=colour, markersize=4, clip_on=False)
        if i == MARKED:
            _slope(axes, slope, intercept, colour)
    axes.set(title="$f(u)=u\\log u+(1-u)\\log(1-u)$ and its tangents", xlabel="$u$", ylabel="$f(u)$ (nats)")
    axes.set(ylim=(-1.3, 0.02), xlim=(0, 1))


def _slope(axes: Axes, slope: float, intercept: float, colour: Colour) -> None:
    """Mark the intercept -f*(v) and the slope v of a line as a triangle over a fifth of the axis."""
    run = 0.2
    axes.plot([0, run, run], [intercept, intercept, intercept + run * slope], color=colour, linewidth=0.8)
    axes.text(run + 0.015, intercept + run * slope / 2, "$v$", color=colour, va="center")
    axes.annotate(
        "$-f^*(v)$", (0, intercept), xytext=(5, -9), textcoords="offset points", color=colour, va="top",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
    )  # fmt: skip


def _conjugate(axes: Axes, panels: dict[str, pd.DataFrame], colours: Colours) -> None:
    rows = panels["conjugate"]
    axes.plot(rows["x"], rows["y"], color="black", linewidth=2)
    for slope, colour in colours.items():
        value = np.logaddexp(0, slope)
        axes.plot([slope, slope], [0, value], "--", color=colour, linewidth=1)
        axes.plot(slope, value, "o", color=colour, markersize=4)
    # a strip of all the slopes, in the colours of their tangents
    axes.imshow(
        np.linspace(-2, 1, 256)[None],
        extent=(-2, 1, -0.03, 0.0),
        cmap="plasma",
        vmin=SLOPES[0],
        vmax=SLOPES[1],
        aspect="auto",
        zorder=3,
    )
    axes.set(title="The conjugate, $f^*(v)=\\log(1+e^v)$", xlabel="slope $v$", ylabel="$f^*(v)$ (nats)")
    axes.set(ylim=(-0.03, 1.4), xlim=(rows["x"].min(), rows["x"].max()))


def _bounds(axes: Axes, panels: dict[str, pd.DataFrame]) -> None:
    axes.plot(panels["function"]["x"], panels["function"]["y"], color="black", linewidth=2)
    for lowered, rows in panels["bound"].groupby("series"):
        tightest = lowered == 0
        axes.plot(rows["x"], rows["y"], "--", color=BLUE if tightest else "0.6", linewidth=1.2 if tightest else 0.9)
        if tightest:
            axes.plot(0, rows["y"].iloc[0], "o", color=BLUE, markersize=4, clip_on=False)
            _slope(axes, BOUND_SLOPE, rows["y"].iloc[0], BLUE)
    axes.text(0.98, -1.3, "the tightest touches $f$;\nthe grey ones are lower", ha="right", va="top", fontsize=7)
    axes.set(title=f"Affine lower bounds of one slope, $v={BOUND_SLOPE}$", xlabel="$u$", ylabel="$f(u)$ (nats)")
    axes.set(ylim=(-1.7, 0.02), xlim=(0, 1))
