"""Draw sorting with soft swaps and by entropic transport, the cost of entropic plans, and the plans themselves."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm

from perspectives.workbench.figures import BLUE, COLOURS, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

METHODS = {
    "swaps": ("bubble sort, soft swaps", "temperature"),
    "transport": ("by transport", r"strength $\varepsilon$"),
}


def plot_sorting(*, sorted_values: Input, gaps: Input, plans: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw the sorted numbers against temperature, both methods' errors, the gaps with their bound, and four plans."""
    sorts, costs, masses = pd.read_csv(sorted_values), pd.read_csv(gaps), pd.read_csv(plans)
    epsilons = sorted(set(masses["epsilon"]), reverse=True)[:4]
    with style():
        figure = plt.figure(figsize=(PAGE_INCHES, 4.6))
        curves, matrices = np.asarray(figure.subfigures(2, 1, height_ratios=[1.15, 1]))
        values, transported, errors, excess = curves.subplots(1, 4)
        _values(values, sorts, "swaps")
        _values(transported, sorts, "transport")
        _errors(errors, sorts)
        _gaps(excess, costs)
        grid = np.atleast_1d(matrices.subplots(1, len(epsilons)))
        first = costs[costs["draw"] == 0].set_index("epsilon")
        for axes, epsilon in zip(grid, epsilons, strict=True):
            rows = masses[masses["epsilon"] == epsilon]
            drawn = axes.imshow(
                rows.pivot(index="row", columns="column", values="mass"), cmap="magma_r", norm=PowerNorm(0.5, 0, 1)
            )
            suffix = "" if first.loc[epsilon, "converged"] else ", not converged"
            axes.set_title(rf"$\varepsilon={epsilon:g}$" + suffix)
            axes.set(xticks=[], yticks=[], xlabel="point assigned")
            axes.grid(visible=False)
        grid[0].set_ylabel("point, left to right")
        matrices.colorbar(drawn, ax=grid, label="mass", shrink=0.85, ticks=[0, 0.1, 0.5, 1])
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    pd.concat({"sorts": sorts, "gaps": costs, "plans": masses}, names=["panel"]).droplevel(1).to_csv(csv)


def _values(axes: Axes, sorts: pd.DataFrame, method: str) -> None:
    rows: Any = sorts[sorts["method"] == method]
    columns = [column for column in rows if column.startswith("value_")]
    shown, unfinished = rows[rows["converged"]], rows[~rows["converged"]]
    ranks = ["smallest", *map(str, range(2, len(columns))), "largest"]
    for colour, column, rank in zip(COLOURS, columns, ranks, strict=False):
        axes.plot(shown["temperature"], shown[column], color=colour)
        axes.plot(unfinished["temperature"], unfinished[column], "x", color=colour, markersize=2.5)
        if method == "swaps":  # whose values lie flat and apart at the left
            first = shown.iloc[0]
            axes.text(first["temperature"], first[column] + 0.12, rank, color=colour, fontsize=6.5)
    if len(unfinished):
        axes.plot([], [], "x", color="black", markersize=3, label="not converged")
        axes.legend(loc="upper right", fontsize=6, handlelength=1.0)
    title, label = METHODS[method]
    axes.set(title=title, xlabel=label, ylabel="sorted values" if method == "swaps" else None, xscale="log")


def _errors(axes: Axes, sorts: pd.DataFrame) -> None:
    for colour, method in ((BLUE, "swaps"), (VERMILION, "transport")):
        rows = sorts[(sorts["method"] == method) & (sorts["error"] > 0)]
        done = rows[rows["converged"]]
        axes.plot(done["temperature"], done["error"], color=colour, label=method)
        rest = rows[~rows["converged"]]
        axes.plot(rest["temperature"], rest["error"], "x", color=colour, markersize=3)
    if (~sorts["converged"]).to_numpy().any():
        axes.plot([], [], "x", color="black", markersize=3, label="not converged")
    axes.set(title="largest error of a value", xlabel="temperature, strength", xscale="log", yscale="log")
    axes.legend(loc="lower right", fontsize=6, handlelength=1.0)


def _gaps(axes: Axes, costs: pd.DataFrame) -> None:
    done, rest = costs[costs["converged"]], costs[~costs["converged"]]
    bound = costs.drop_duplicates("epsilon").sort_values("epsilon")
    axes.plot(bound["epsilon"], bound["bound"], ":", color="black", label=r"$n\varepsilon\log n$")
    axes.plot(done["epsilon"], done["gap"], "o", color=BLUE, markersize=3, markerfacecolor="none", label="converged")
    axes.plot(rest["epsilon"], rest["gap"], "x", color=VERMILION, markersize=4, label="not converged")
    axes.set(title="cost over the assignment's", xlabel=r"strength $\varepsilon$", xscale="log", yscale="log")
    axes.legend(fontsize=6, loc="lower right")
