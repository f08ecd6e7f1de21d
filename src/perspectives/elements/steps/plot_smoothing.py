"""Draw functions smoothed with Gaussian noise, a filter as written and corrected, and smoothed biconjugates."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.figures import COLOURS, PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output


def plot_smoothing(*, curves: Input, biconjugate: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw ReLU and step, the companion's denoised signal, and the biconjugate of the same signal."""
    table = pd.read_csv(curves)
    conjugates = pd.read_csv(biconjugate)
    with style():
        figure, grid = plt.subplots(2, 3, figsize=(PAGE_INCHES, 4.6))
        panels = {str(panel): rows for panel, rows in table.groupby("panel")}
        for axes, panel, title in zip(grid[0], ("relu", "step"), ("ReLU", "Step"), strict=False):
            _sigmoid(axes, panels[panel])
            axes.set(title=f"{title}, smoothed", xlabel="$x$", ylabel=r"$\mathrm{E}\,f(x + \sigma Z)$")
        _denoising(grid[1, 0], panels["denoising"])
        _impulse(grid[0, 2], panels["impulse"])
        _biconjugates(grid[1, 1], grid[1, 2], conjugates)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    conjugates = conjugates.rename(columns={"value": "y"}).assign(panel="biconjugate")
    conjugates["series"] = conjugates["series"] + " " + conjugates["smoothing"].map("{:g}".format)
    shown = table.query("panel in ['relu', 'step', 'denoising', 'impulse']")
    pd.concat([shown, conjugates[["panel", "series", "x", "y"]]]).to_csv(csv, index=False, float_format="%.9g")


def _sigmoid(axes: Axes, table: pd.DataFrame) -> None:
    series = {str(name): rows for name, rows in table.groupby("series")}
    axes.plot(series["hard"]["x"], series["hard"]["y"], color="black", linewidth=0.9, label="hard")
    widths = sorted((name for name in series if name.replace(".", "").isdigit()), key=float)
    for colour, width in zip(COLOURS, widths, strict=False):
        axes.plot(series[width]["x"], series[width]["y"], color=colour, label=rf"$\sigma = {width}$")
        means = series[f"{width} mean"]
        axes.plot(means["x"], means["y"], "o", color=colour, markersize=2.5)
    axes.legend()


def _denoising(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the signal, the filter on the signal's own grid, and the companion's, which is narrower than its label."""
    series = {str(name): rows for name, rows in table.groupby("series")}
    axes.plot(series["signal"]["x"], series["signal"]["y"], color="0.7", linewidth=0.9, label="signal")
    widths = sorted((name for name in series if name.replace(".", "").isdigit()), key=float)
    for colour, width in zip(COLOURS, widths, strict=False):
        axes.plot(series[width]["x"], series[width]["y"], color=colour, label=rf"$\sigma = {width}$")
        written = series[f"{width} companion"]
        axes.plot(written["x"], written["y"], color=colour, linestyle="--", linewidth=1)
        exact = series[f"{width} closed form"].iloc[12::75]
        axes.plot(exact["x"], exact["y"], "o", color=colour, markersize=2.5)
    axes.plot([], [], color="0.3", linestyle="--", linewidth=1, label="as written")
    axes.set(xlim=(-3, 3), ylim=(-0.5, 6), xlabel="$x$", ylabel="signal", title="Denoising by convolution")
    axes.legend(loc="upper center", fontsize=6)


def _impulse(axes: Axes, table: pd.DataFrame) -> None:
    series = {str(name): rows for name, rows in table.groupby("series")}
    for name, linestyle, label in (("filter", "-", r"$\sigma = 0.5$"), ("companion", "--", "0.5, as written")):
        axes.plot(series[name]["x"], series[name]["y"], color=COLOURS[1], linestyle=linestyle, label=label)
    axes.set(xlim=(-2, 2), ylim=(0, 1.4), xlabel="$x$", ylabel="density", title="The filter's kernel")
    axes.legend(loc="upper left")


def _biconjugates(left: Axes, right: Axes, table: pd.DataFrame) -> None:
    """Draw the signal under its smoothed biconjugates, and distances from the convex hull and from the correction."""
    of_smoothing = sorted(table.groupby("smoothing"), key=lambda pair: -pair[0])  # pyright: ignore
    series = {(str(name), smoothing): rows for smoothing, of in of_smoothing for name, rows in of.groupby("series")}
    signal, hull = series["function", 0.0], series["convex_hull", 0.0]
    left.plot(signal["x"], signal["value"], color="0.7", linewidth=0.9, label="signal $f$")
    left.plot(hull["x"], hull["value"], color="black", linewidth=0.9, label="convex hull")
    smoothings = [smoothing for name, smoothing in series if name == "biconjugate"]
    for colour, smoothing in zip(COLOURS, smoothings, strict=False):
        rows = series["biconjugate", smoothing]
        left.plot(rows["x"], rows["value"], color=colour, label=rf"$\varepsilon = {smoothing:g}$")
        gap = rows["value"].to_numpy() - hull["value"].to_numpy()
        right.plot(rows["x"], abs(gap), color=colour)
    for (name, smoothing), written in series.items():
        if name == "companion":
            colour = COLOURS[smoothings.index(smoothing)]
            corrected = series["companion_corrected", smoothing]["value"].to_numpy()
            label = rf"$\varepsilon = {smoothing:g}$, as written, from its correction"
            gap = abs(written["value"].to_numpy() - corrected)
            right.plot(written["x"], gap, color=colour, linestyle="--", linewidth=0.9, label=label)
    left.set(xlim=(-1.3, 1.3), ylim=(-0.4, 1.9), xlabel="$x$", ylabel="value", title="Smoothed biconjugates")
    left.legend(loc="upper center", fontsize=6)
    right.set(xlim=(-1.3, 1.3), ylim=(3e-5, 3), yscale="log", xlabel="$x$", title="Distance from the hull")
    right.set_ylabel("absolute difference")
    right.legend(loc="upper center")
