"""Draw what GB1's oracles predict against what was measured, and where they stop agreeing."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from numpy import ndarray

from perspectives.workbench.arrays import read_groups
from perspectives.workbench.figures import BLUE, ORANGE, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.measures import Measure, read_measures
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import write_rows

BINS = 60
COLOURS = "cividis"


def plot_oracles(*, predictions: Input, measures: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw the nonlinearity over the latent phenotype, both oracles on held-out rows, and their agreement."""
    groups, found = read_groups(predictions), read_measures(measures)
    test, nonlinearity = groups["test"], groups["nonlinearity"]
    measured = test["measured"]
    span = (float(measured.min()), float(measured.max()))
    rows: list[dict[str, Any]] = []
    with style():
        figure, grid = plt.subplots(2, 2, figsize=(PAGE_INCHES, 5.4))
        (latent, epistasis), (perceptron, agreement) = grid
        phenotype = test["phenotype"]
        rows += _histogram(
            latent, "phenotype", phenotype, measured, (float(phenotype.min()), float(phenotype.max())), span
        )
        latent.plot(nonlinearity["phenotype"], nonlinearity["fitness"], color=VERMILION, label="fitted nonlinearity")
        latent.axvline(0, color="black", linestyle="--", linewidth=0.8, label="wild type")
        latent.set(xlabel="latent phenotype: sum of two effects", ylabel="measured fitness (log2)")
        latent.set_title("Global epistasis: effects add, then saturate")
        latent.legend(loc="upper left")
        epistasis.annotate("colour: rows,\nlogarithmic", (0.97, 0.04), xycoords="axes fraction", ha="right", fontsize=7)
        for axes, name, title in (
            (epistasis, "epistasis", "Additive oracle, held-out rows"),
            (perceptron, "perceptron", "Perceptron, held-out rows"),
        ):
            rows += _histogram(axes, name, test[name], measured, span, span)
            axes.plot(span, span, color=VERMILION, linewidth=0.9)
            axes.set(xlabel="predicted fitness (log2)", ylabel="measured fitness (log2)", title=title)
            axes.annotate(_quality(found, name), (0.04, 0.96), xycoords="axes fraction", va="top", fontsize=7)
        rows += _agreement(agreement, found)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    write_rows(csv, rows, digits=9)


def _quality(found: dict[str, Measure], name: str) -> str:
    ceiling = found["noise_ceiling"].value
    rank, r2 = found[f"{name}_rank_correlation"].value, found[f"{name}_r2"].value
    return f"Spearman {rank:.3f}\n$R^2$ {r2:.3f}, noise allows about {ceiling:.3f}"


def _histogram(
    axes: Axes,
    name: str,
    x: Float[ndarray, "n"],
    y: Float[ndarray, "n"],
    x_span: tuple[float, float],
    y_span: tuple[float, float],
) -> list[dict[str, Any]]:
    counts, right, up = np.histogram2d(np.clip(x, *x_span), y, BINS, (x_span, y_span))
    drawn = np.ma.masked_equal(counts, 0)
    axes.pcolormesh(right, up, drawn.T, cmap=COLOURS, norm=LogNorm(1, max(2, counts.max())), rasterized=True)
    axes.grid(visible=False)
    return [
        {
            "panel": name,
            "x": 0.5 * float(right[i] + right[i + 1]),
            "y": 0.5 * float(up[j] + up[j + 1]),
            "value": float(counts[i, j]),
        }
        for i, j in np.argwhere(counts)
    ]


def _agreement(axes: Axes, found: dict[str, Measure]) -> list[dict[str, Any]]:
    """Draw how alike the oracles rank combined mutations, and how far apart their values are."""
    values = axes.twinx()
    rows = []
    for on, name, label, colour, line in (
        (axes, "agreement", "Spearman between the oracles", BLUE, "o-"),
        (values, "difference", "median |difference| of fitness", ORANGE, "s--"),
    ):
        prefix = f"{name}_"
        points = {int(key.removeprefix(prefix)): one.value for key, one in found.items() if key.startswith(prefix)}
        on.plot(list(points), list(points.values()), line, color=colour, markersize=4)
        on.set_ylabel(label, color=colour)
        on.set_ylim(0, 1.05 if name == "agreement" else 1.2 * max(points.values()))
        axes.set(xticks=list(points), xlim=(1.5, max(points) + 0.5))
        rows += [{"panel": name, "x": float(number), "y": value, "value": ""} for number, value in points.items()]
    values.grid(visible=False)
    values.spines.right.set_visible(True)
    axes.axvspan(1.5, 2.5, color="0.9", zorder=0)
    axes.annotate("as in\nthe data", (2, 0.45), ha="center", fontsize=6.5)
    axes.set(xlabel="good mutations combined", title="Agreement of the oracles beyond the data")
    return rows
