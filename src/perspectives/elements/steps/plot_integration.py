"""Draw Lotka-Volterra trajectories, gradients through their solvers, and fits over growing windows."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from perspectives.workbench.figures import BLUE, COLOURS, GREEN, ORANGE, PAGE_INCHES, SKY, VERMILION, save, style
from perspectives.workbench.step import Input, Output

SERIES = {
    "w1": ("$w_1$", GREEN, "--"),
    "w2": ("$w_2$", ORANGE, "--"),
    "truth": ("$w_*$, of the data", BLUE, "-"),
}
GAPS = {
    ("recursive", "reference"): ("checkpoints, from exact", BLUE, "o"),
    ("backsolve", "reference"): ("backsolve, from exact", VERMILION, "s"),
    ("backsolve", "recursive"): ("backsolve, from checkpoints", ORANGE, "^"),
    ("forward", "recursive"): ("forward, from checkpoints", GREEN, "x"),
    ("direct", "recursive"): ("stored, from checkpoints", SKY, "+"),
}
FLOOR = 1e-16
"""Distances of zero are drawn here."""


def plot_integration(
    *,
    trajectories: Input,
    gaps: Input,
    errors: Input,
    landscapes: Input,
    estimates: Input,
    png: Output,
    pdf: Output,
    csv: Output,
) -> None:
    """Draw trajectories and gradients above; losses by window, estimates by window, and fits in time below."""
    states, gap, error, losses, fits = map(pd.read_csv, (trajectories, gaps, errors, landscapes, estimates))
    with style():
        figure, grid = plt.subplots(2, 3, figsize=(PAGE_INCHES, 5.2))
        _phase_plane(grid[0, 0], states)
        _tolerances(grid[0, 1], gap[gap["solver"] == "tsit5"])
        _steps(grid[0, 2], gap[gap["solver"] == "euler"], error)
        _landscapes(grid[1, 0], losses)
        _windows(grid[1, 1], fits)
        _in_time(grid[1, 2], states)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    parts = {"trajectories": states, "gaps": gap, "euler": error, "losses": losses, "fits": fits}
    pd.concat([part.assign(panel=panel) for panel, part in parts.items()]).to_csv(csv, index=False)


def _phase_plane(axes: Axes, states: Any) -> None:
    """Draw orbits over observations, whose shade is their time."""
    of = {name: rows for name, rows in states.groupby("series")}
    for name, (label, colour, linestyle) in SERIES.items():
        width = 1.0 if linestyle == "--" else 1.3
        axes.plot(of[name]["x"], of[name]["y"], linestyle, color=colour, linewidth=width, label=label)
    axes.scatter(of["observed"]["x"], of["observed"]["y"], c=of["observed"]["t"], cmap="magma", s=7, zorder=3)
    axes.plot(of["truth"]["x"].iloc[0], of["truth"]["y"].iloc[0], "kx", markersize=6, zorder=4)
    top = max(rows["y"].max() for rows in of.values())
    axes.set(xlabel="prey $x$", ylabel="predators $y$", title="Trajectories", ylim=(None, 1.35 * top))
    axes.legend(ncols=2, loc="upper center", handlelength=1.5, columnspacing=1)


def _tolerances(axes: Axes, gap: Any) -> None:
    largest = gap["size"].min()
    for (adjoint, reference), (label, colour, marker) in GAPS.items():
        rows = gap[(gap["adjoint"] == adjoint) & (gap["from"] == reference)]
        if reference == "reference":
            rows = rows[rows["size"] > largest]  # the last tolerance of all is the reference
        axes.loglog(rows["size"], rows["distance"].clip(lower=FLOOR), marker=marker, color=colour, label=label,
                    markersize=3.5, linewidth=0.9)  # fmt: skip
    axes.set(xlabel="tolerance", ylabel="relative distance of gradients", title="Adaptive steps", ylim=(1e-17, 1e9))
    axes.legend(loc="upper left", fontsize=6)


def _steps(axes: Axes, gap: Any, error: Any) -> None:
    for (adjoint, reference), (label, colour, marker) in GAPS.items():
        rows = gap[(gap["adjoint"] == adjoint) & (gap["from"] == reference)]
        if len(rows):
            axes.loglog(rows["size"], rows["distance"], marker=marker, color=colour, label=label, markersize=3.5)
    axes.loglog(error["step"], error["error"], marker="D", color="0.3", markersize=3, label="states, from exact")
    steps = error["step"].to_numpy()
    axes.loglog(steps, 0.4 * error["error"].min() * steps / steps.min(), color="0.6", linestyle=":", label="order 1")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="step", ylabel="relative distance; error of states", title="Euler's method", ylim=(None, 10))
    axes.legend(loc="upper left", fontsize=6)


def _landscapes(axes: Axes, losses: Any) -> None:
    for colour, (window, rows) in zip(COLOURS, losses.groupby("window"), strict=False):
        axes.semilogy(rows["a"], rows["mean_square"], color=colour, label=f"{window}")
    axes.axvline(1 / 3, ymax=0.75, color="0.4", linewidth=0.8, linestyle=":")
    axes.set(xlabel="growth of the prey $a$", ylabel="mean squared residual", title="Losses by window")
    axes.set_ylim(None, 8 * losses["mean_square"].max())
    axes.legend(title="observations", ncols=4, loc="upper center", handlelength=1, columnspacing=0.8, title_fontsize=7)


def _windows(axes: Axes, fits: Any) -> None:
    """Draw estimates of the first parameter by window, in their standard errors' reach, and the whole fits' ends."""
    shift = {"w1": 0.96, "w2": 1.04}
    for name, (label, colour, _) in SERIES.items():
        rows = fits.query("start == @name and parametrisation == 'log' and schedule == 'growing'")
        if len(rows):
            x = rows["window"] * shift[name]
            axes.errorbar(x, rows["a"], yerr=rows["error_a"], color=colour, marker="o", markersize=3.5, linewidth=1,
                          capsize=2, label=f"{label}, growing")  # fmt: skip
    for parametrisation, marker, size in (("log", "s", 6.5), ("raw", "v", 4)):
        for name, (label, colour, _) in SERIES.items():
            rows = fits.query("start == @name and parametrisation == @parametrisation and schedule == 'whole'")
            if len(rows):
                axes.plot(rows["window"] * shift[name] ** 3, rows["a"], marker, color=colour, markersize=size,
                          markerfacecolor="none", label=f"{label}, whole, {parametrisation}")  # fmt: skip
    axes.axhline(1 / 3, color="0.4", linewidth=0.8, linestyle=":")
    windows = np.unique(fits["window"])
    axes.set(xscale="log", xlabel="observations in the window", ylabel="growth of the prey $a$", title="Estimates")
    axes.set_xticks(windows, [f"{window}" for window in windows])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(-0.05, 1.9)
    axes.legend(fontsize=6, ncols=2, loc="upper center", columnspacing=0.8, handlelength=1.2)


def _in_time(axes: Axes, states: Any) -> None:
    of = {name: rows for name, rows in states.groupby("series")}
    axes.plot(of["observed"]["t"], of["observed"]["x"], "o", color="0.6", markersize=2, label="observed")
    for name, label, colour in (
        ("w2 raw whole", "all at once, from $w_2$", VERMILION),
        ("w2 log growing", "growing, from $w_2$", BLUE),
    ):
        axes.plot(of[name]["t"], of[name]["x"], color=colour, linewidth=1.1, label=label)
    top = max(of[name]["x"].max() for name in ("observed", "truth", "w2 raw whole"))
    axes.set(xlabel="time", ylabel="prey $x$", title="Fits", ylim=(None, 1.5 * top))
    axes.legend(fontsize=6, loc="upper center")
