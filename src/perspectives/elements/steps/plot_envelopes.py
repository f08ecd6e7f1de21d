"""Draw Moreau envelopes of a ReLU, a ramp and a step, Huber losses, and the error of envelopes on a grid."""

from collections.abc import Hashable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.figures import BLUE, COLOURS, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

Series = dict[Hashable, pd.DataFrame]
FUNCTIONS = ("ReLU", "ramp", "step")


def plot_envelopes(*, curves: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw three functions with their envelopes, in closed form and on a grid, the Huber losses, and the errors."""
    table = pd.read_csv(curves, dtype={"series": str})
    series = {key: rows.sort_values("x") for key, rows in table.groupby(["panel", "series"])}
    with style():
        figure, grid = plt.subplots(2, 3, figsize=(PAGE_INCHES, 4.2))
        for axes, name in zip(grid[0], FUNCTIONS, strict=True):
            _envelope(axes, series, name)
        grid[0, 0].legend(loc="upper left")
        _huber(grid[1, 0], series)
        _errors(grid[1, 1], series)
        _proximal_points(grid[1, 2], series)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    table.to_csv(csv, index=False)


def _envelope(axes: Axes, series: Series, name: str) -> None:
    function, closed, found = (series[name, kind] for kind in ("function", "closed form", "on a grid"))
    axes.plot(function["x"], function["y"], color="0.55", label="$f$")
    axes.plot(closed["x"], closed["y"], color=BLUE, label="envelope")
    axes.plot(found["x"], found["y"], ".", color=VERMILION, markersize=3.5, label="on a grid, spacing 0.1")
    axes.set(title=name, xlabel="$m$", ylabel="$f(m)$, envelope" if name == "ReLU" else None)


def _huber(axes: Axes, series: Series) -> None:
    absolute = series["Huber", "absolute"]
    axes.plot(absolute["x"], absolute["y"], color="0.55", label="$|u|$")
    for colour, width in zip(COLOURS, ("0.3", "1.0", "2.0"), strict=False):
        rows = series["Huber", width]
        axes.plot(rows["x"], rows["y"], color=colour, label=rf"$\varepsilon={float(width):g}$")
    axes.set(title=r"Huber: the envelope of $|u|$", xlabel="$u$", ylabel="loss")
    axes.legend(loc="upper center")


def _errors(axes: Axes, series: Series) -> None:
    for colour, marker, name in zip(COLOURS, ("o", "x", "s"), FUNCTIONS, strict=False):
        rows = series["error", name]
        shown = rows[rows["y"] > 1e-12]
        axes.plot(shown["x"], shown["y"], marker, color=colour, markersize=3, label=name)
    spacing = np.array([8e-4, 0.13])
    axes.plot(spacing, 2 * spacing, ":", color="0.5", label="twice the spacing")
    axes.set(title="Error on a grid", xlabel="spacing", ylabel="largest error")
    axes.set(xscale="log", yscale="log", ylim=(1e-11, 1))
    axes.legend(loc="lower right", fontsize=6)


def _proximal_points(axes: Axes, series: Series) -> None:
    """Draw the slope of each envelope, m less the proximal point of m; where it jumps the function is not convex."""
    for colour, name in zip(COLOURS, FUNCTIONS, strict=False):
        rows = series[name, "closed form"]
        m, slope = rows["x"].to_numpy(), np.gradient(rows["y"].to_numpy(), rows["x"].to_numpy())
        axes.plot(m, slope, color=colour, label=name, linestyle={"ReLU": "-", "ramp": "--", "step": "-"}[name])
    axes.set(title="Slope of the envelope", xlabel="$m$", ylabel=r"$m-\mathrm{prox}(m)$")
    axes.legend(loc="upper left")
