"""Draw four exponential families, each by its density, its distribution function, its mean map and its loss."""

from collections.abc import Hashable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from perspectives.workbench.figures import BLUE, COLOURS, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

FAMILIES = ("Bernoulli", "categorical", "Gaussian", "Poisson")
TITLES = {
    "density": "probability, density",
    "distribution": r"$P(Y\leq y)$",
    "mean": r"mean $\nabla A(\theta)$",
    "loss": r"loss $-\log p(y)$ (nats)",
}
Series = dict[Hashable, pd.DataFrame]


def plot_families(*, curves: Input, fits: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw a row a family, and below Newton's gradients and the weights that it finds."""
    tables = pd.read_csv(curves), pd.read_csv(fits)
    series = {key: rows for table in tables for key, rows in table.groupby(["family", "panel"])}
    with style():
        figure = plt.figure(figsize=(PAGE_INCHES, 8.4))
        families, newton = np.asarray(figure.subfigures(2, 1, height_ratios=[4, 1.15]))
        _families(families, series)
        _newton(newton, series)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    pd.concat(tables).to_csv(csv, index=False)


def _families(figure: SubFigure, series: Series) -> None:
    grid = figure.subplots(4, 4)
    for row, family in enumerate(FAMILIES):
        for axes, panel in zip(grid[row], TITLES, strict=True):
            _panel(axes, family, panel, series[family, panel])
            if row == 0:
                axes.set_title(TITLES[panel])
        grid[row, 0].set_ylabel(family)
        grid[row, 2].set_xlabel({"categorical": r"$s$ of $\theta=(s,1,0)$"}.get(family, r"$\theta$"))
        grid[row, 3].set_xlabel({"categorical": r"$s$ of $\theta=(s,1,0)$"}.get(family, r"$\theta$"))
        for axes in grid[row, :2]:
            axes.set_xlabel("$y$")
    axes = grid[2, 3]
    written = series["Gaussian", "companion_loss"].groupby("series", sort=False)
    for colour, (label, rows) in zip(COLOURS, written, strict=False):
        named = "companion" if label == "$y=0$" else None
        axes.plot(rows["x"], rows["y"], "--", color=colour, linewidth=0.8, label=named)
    axes.set_ylim(0, 32)
    axes.legend(fontsize=6, loc="upper center", ncols=2, columnspacing=0.8, handlelength=1.2)
    grid[2, 0].set_ylim(-0.01, 0.68)
    grid[2, 0].legend(fontsize=6, loc="upper center", handlelength=1.2)


def _panel(axes: Axes, family: str, panel: str, table: pd.DataFrame) -> None:
    discrete = family != "Gaussian"
    for colour, (label, rows) in zip(COLOURS, table.groupby("series", sort=False), strict=False):
        if panel == "density" and discrete and family != "Poisson":
            axes.stem(rows["x"], rows["y"], linefmt=colour, markerfmt="o", basefmt=" ", label=str(label))
        elif panel == "density" and discrete:
            axes.plot(rows["x"], rows["y"], "-o", color=colour, markersize=2.5, linewidth=0.7, label=label)
        elif panel == "distribution" and discrete:
            y = np.concatenate([[rows["x"].iloc[0] - 1], rows["x"], [rows["x"].iloc[-1] + 1]])
            height = np.concatenate([[0], rows["y"], [rows["y"].iloc[-1]]])
            axes.step(y, height, where="post", color=colour, linewidth=1)
            axes.plot(rows["x"], rows["y"], "o", color=colour, markersize=2.5)
        else:
            axes.plot(rows["x"], rows["y"], color="black" if label == "mean" else colour, label=label)
    if panel in ("density", "distribution") and family in ("Bernoulli", "categorical"):
        axes.set(ylim=(0, 1.08), xticks=sorted(set(table["x"])), xlim=(table["x"].min() - 0.7, table["x"].max() + 0.7))
    if panel != "distribution" and "mean" not in set(table["series"]):
        axes.legend(fontsize=6, handlelength=1.2)


def _newton(figure: SubFigure, series: Series) -> None:
    gradients, weights = figure.subplots(1, 2)
    for colour, marker, family in ((BLUE, "o", "Bernoulli"), (VERMILION, "s", "Poisson")):
        rows = series[family, "gradient"]
        gradients.plot(rows["x"], rows["y"], f"-{marker}", color=colour, markersize=3, label=family)
        for kind, found in series[family, "weights"].groupby("series"):
            hollow = {"markerfacecolor": "none", "markersize": 7} if kind == "scikit-learn" else {"markersize": 3}
            weights.plot(found["x"], found["y"], marker, color=colour, label=f"{family}, {kind}", **hollow)
    gradients.set(title="Newton's method", xlabel="step", ylabel="largest gradient entry", yscale="log")
    gradients.legend()
    ends = np.array([-2.2, 1.8])
    weights.plot(ends, ends, ":", color="0.6", linewidth=0.8)
    weights.set(title="Weights of generalised linear models", xlabel="planted", ylabel="fitted")
    weights.legend(fontsize=6)
