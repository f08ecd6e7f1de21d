"""Draw paths under three changes of drift, their log weights, and what their expectation gives."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.arrays import Group, read_groups
from perspectives.workbench.figures import BLUE, GREEN, ORANGE, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

SHARE_COLOURS = {1.0: BLUE, 0.8: GREEN, 0.5: ORANGE, 0.0: VERMILION}
SHOWN = {1.0: "Optimal change of drift $a^*$", 0.5: "Half of it", 0.0: "None: Feynman-Kac alone"}
STEP_COLOURS = ("#9ECAE1", "#4292C6", BLUE)
"""From the fewest steps to the most."""
SPREAD = 0.02
"""Between points at one share, on the axis of shares."""


def plot_path_weights(*, estimates: Input, curves: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw paths on the density that they cross above; log weights, convergence, estimates and bounds below."""
    table: Any = pd.read_csv(estimates)
    groups = read_groups(curves)
    with style():
        figure = plt.figure(figsize=(PAGE_INCHES, 4.7))
        rows: Any = figure.subfigures(2, 1)
        above = list(rows[0].subplots(1, 3, sharey=True))
        below = list(rows[1].subplots(1, 4))
        parts = [_paths(above, groups)]
        parts.append(_histograms(below[0], groups["histogram"], table["truth"].iloc[0]))
        parts.append(_convergence(below[1], table))
        parts.append(_estimates(below[2], table))
        parts.append(_bounds(below[3], table))
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    pd.concat(parts).to_csv(csv, index=False, float_format="%.9g")


def _long(panel: str, series: str, x: Any, y: Any) -> pd.DataFrame:
    return pd.DataFrame({"panel": panel, "series": series, "x": np.asarray(x), "y": np.asarray(y)})


def _paths(axes: list[Axes], groups: dict[str, Group]) -> pd.DataFrame:
    density, paths = groups["density"], groups["paths"]
    parts = []
    for panel, (share, title) in zip(axes, SHOWN.items(), strict=True):
        panel.grid(False)
        panel.pcolormesh(
            density["s"], density["y"], density["density"].T, cmap="Greys", vmax=1.0, shading="nearest", rasterized=True
        )
        y = paths["y"][np.flatnonzero(paths["shares"] == share)[0]]
        panel.plot(paths["s"], y, color=SHARE_COLOURS[share], linewidth=0.7)
        panel.plot(0, y[0, 0], "k.", markersize=7, clip_on=False, zorder=5)
        panel.set(xlabel="inference time $s$", title=title, xlim=(0, 1), ylim=(-4, 4))
        parts += [_long("paths", f"{share:g}, path {i}", paths["s"], path) for i, path in enumerate(y.T)]
    axes[0].set_ylabel("$Y_s$ from $x = 0.5$")
    return pd.concat(parts)


def _histograms(axes: Axes, histogram: Group, truth: float) -> pd.DataFrame:
    middle = 0.5 * (histogram["edges"][1:] + histogram["edges"][:-1])
    parts = []
    for colour, number in zip(STEP_COLOURS, np.flatnonzero(histogram["shares"] == 1.0), strict=True):
        steps, y = histogram["steps"][number], histogram["density"][number]
        axes.step(middle, y, where="mid", color=colour, label=f"{steps} steps", linewidth=1)
        parts.append(_long("log weights", f"{steps} steps", middle, y))
    axes.axvline(truth, color="black", linewidth=0.9, label=r"$\log p(x)$")
    axes.set(
        xlim=(truth - 3.4, truth + 1.6),
        xlabel="log weight $W$, nats",
        ylabel="density",
        title="Log weights under $a^*$",
    )
    axes.set_ylim(0, 1.55 * max(part["y"].max() for part in parts))
    axes.legend(loc="upper left", fontsize=6, handlelength=1.2)
    return pd.concat(parts)


def _convergence(axes: Axes, table: Any) -> pd.DataFrame:
    rows = table[table["share"] == 1.0]
    steps = rows["steps"].to_numpy(float)
    series = {
        "deviation of $W$": (rows["deviation"].to_numpy(), -0.5, "o", BLUE),
        "error of $\\log\\,$E$\\,e^W$": (np.abs(rows["log_mean_exp"] - rows["truth"]).to_numpy(), -1.0, "s", VERMILION),
    }
    for name, (y, slope, marker, colour) in series.items():
        axes.loglog(steps, y, marker + "-", color=colour, markersize=4, label=name)
        guide = y[-1] * (steps / steps[-1]) ** slope / 1.6
        axes.loglog(steps, guide, ":", color="0.5", linewidth=0.9, label=f"order {-slope:g}")
    axes.set(xlabel="steps", ylabel="nats", title="Errors under $a^*$")
    axes.set_ylim(None, 40 * max(y.max() for y, *_ in series.values()))
    axes.set_xticks(steps, [f"{n:g}" for n in steps])
    axes.minorticks_off()
    axes.legend(loc="upper right", fontsize=6, handlelength=1.5)
    return pd.concat(_long("discretisation", name, steps, y) for name, (y, *_) in series.items())


def _estimates(axes: Axes, table: Any) -> pd.DataFrame:
    """Draw estimates by share and number of steps, with two standard errors."""
    parts = []
    for number, (steps, rows) in enumerate(table.groupby("steps")):
        x = rows["share"] + SPREAD * (number - 1)
        axes.errorbar(x, rows["log_mean_exp"], 2 * rows["standard_error"], color=STEP_COLOURS[number], marker=".",
                      linestyle="none", elinewidth=1, label=f"{steps} steps")  # fmt: skip
        parts.append(_long("estimates", f"{steps} steps", rows["share"], rows["log_mean_exp"]))
        parts.append(_long("estimates", f"{steps} steps, standard error", rows["share"], rows["standard_error"]))
    axes.axhline(table["truth"].iloc[0], color="black", linewidth=0.9)
    low, high = axes.get_ylim()
    axes.set(xlabel="share of $a^*$", ylabel=r"$\log\,$E$\,e^W$, nats", title="Estimates")
    axes.set_ylim(low, high + 0.4 * (high - low))
    axes.legend(loc="upper left", fontsize=6, handlelength=1)
    return pd.concat(parts)


def _bounds(axes: Axes, table: Any) -> pd.DataFrame:
    """Draw what is lost in the mean of W, and the share of the paths that count, at most steps."""
    rows = table[table["steps"] == table["steps"].max()]
    gap = (rows["truth"] - rows["mean_log_weight"]).clip(lower=1e-3)
    axes.semilogy(rows["share"], gap, "o-", color=BLUE, markersize=4, label="gap, nats")
    axes.semilogy(rows["share"], rows["effective_share"], "s-", color=VERMILION, markersize=4, label="effective share")
    axes.set(xlabel="share of $a^*$", title="Bound and weights", ylim=(1e-3, 1e7))
    axes.legend(loc="upper right", fontsize=6, handlelength=1.5)
    series = {"gap": gap, "effective share": rows["effective_share"]}
    return pd.concat(_long("bound", name, rows["share"], y) for name, y in series.items())
