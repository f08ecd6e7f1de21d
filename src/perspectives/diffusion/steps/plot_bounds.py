"""Draw gaps of bounds by layers, by the score's error, by shift and along the family, and errors of the flow."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.figures import BLUE, ORANGE, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

SMALLEST, LARGEST = 1e-10, 1e-1
"""Errors beyond are drawn here."""
SHORT = {
    "0.8 of the optimal": "$0.8\\,a^*$",
    "of a wavy score": "wavy\nscore",
    "of one normal distribution": "one\nnormal",
}


def plot_bounds(
    *, layers: Input, drops: Input, family: Input, shifts: Input, flow: Input, png: Output, pdf: Output, csv: Output
) -> None:
    """Draw depth, wrong shifts and wrong scores above; the family's bounds, their deviations, and the flow below."""
    tables: dict[str, Any] = {
        name: pd.read_csv(path)
        for name, path in (
            ("layers", layers), ("shifts", shifts), ("drops", drops), ("family", family), ("flow", flow),
        )
    }  # fmt: skip
    with style():
        figure, grid = plt.subplots(2, 3, figsize=(PAGE_INCHES, 4.6))
        _layers(grid[0, 0], tables["layers"])
        _shifts(grid[0, 1], tables["shifts"])
        _drops(grid[0, 2], tables["drops"])
        _family(grid[1, 0], tables["family"])
        _deviations(grid[1, 1], tables["family"])
        _flow(grid[1, 2], tables["flow"])
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    pd.concat([table.assign(panel=name) for name, table in tables.items()]).to_csv(
        csv, index=False, float_format="%.9g"
    )


def _layers(axes: Axes, table: Any) -> None:
    axes.errorbar(table["layers"], table["gap"], 2 * table["gap_error"], fmt="o-", color=BLUE, markersize=4,
                  label="measured")  # fmt: skip
    number, gap = table["layers"].to_numpy(float), table["gap"].to_numpy()
    axes.plot(number, gap[-1] * number[-1] / number, ":", color="0.5", label="order 1")
    axes.set(xscale="log", yscale="log", xlabel="layers $L$", ylabel=r"$\log p$ $-$ ELBO, nats",
             title="Hierarchical VAE")  # fmt: skip
    axes.legend()


def _shifts(axes: Axes, table: Any) -> None:
    position = np.arange(len(table))
    for offset, column, label, colour in (
        (-0.12, "gap", "with its martingale", BLUE),
        (0.12, "bound_gap", "without", ORANGE),
    ):
        axes.errorbar(position + offset, table[column], 2 * table[f"{column}_error"], fmt="o", color=colour,
                      markersize=4, elinewidth=1, label=label)  # fmt: skip
    axes.axhline(0, color="black", linewidth=0.9)
    axes.set_xticks(position, [SHORT[name] for name in table["shift"]])
    axes.set(xlim=(-0.5, len(table) - 0.5), ylabel=r"$\log p$ $-$ mean of $W$, nats", title="Other changes of drift")
    axes.legend(loc="upper left")


def _drops(axes: Axes, table: Any) -> None:
    size = np.linspace(0, table["size"].max(), 101)
    scale = (table["predicted"] / table["size"] ** 2).dropna().iloc[-1]
    axes.plot(size, scale * size**2, color="black", linewidth=0.9, label=r"$\frac{1}{2}\int g^2\,$E$|$error$|^2 ds$")
    axes.errorbar(table["size"], table["drop"], 2 * table["drop_error"], fmt="o", color=BLUE, markersize=4,
                  elinewidth=1, label="measured")  # fmt: skip
    axes.set(xlabel="size of the score's error", ylabel="loss of ELBO, nats", title="Wrong scores")
    axes.legend(loc="upper left")


def _family(axes: Axes, table: Any) -> None:
    for column, label, colour, marker in (
        ("gap", "bound", BLUE, "o"), ("weight_gap", "with its martingale", VERMILION, "."),
    ):  # fmt: skip
        axes.errorbar(table["lambda"], table[column], 2 * table[f"{column}_error"], fmt=marker, color=colour,
                      markersize=4, elinewidth=1, label=label)  # fmt: skip
    axes.axhline(0, color="black", linewidth=0.9)
    low, high = axes.get_ylim()
    axes.set(xlabel=r"$\lambda$", ylabel=r"ELBO $-$ $\log p$, nats", title="Along the family")
    axes.set_ylim(low, high + 0.35 * (high - low))
    axes.legend(loc="upper right")


def _deviations(axes: Axes, table: Any) -> None:
    for column, label, colour, marker in (
        ("deviation", "bound", BLUE, "o"), ("weight_deviation", "with its martingale", VERMILION, "."),
    ):  # fmt: skip
        axes.semilogy(table["lambda"], table[column], marker, color=colour, markersize=5, label=label)
    noisy = table[table["lambda"] < 1]
    lmbda = np.linspace(table["lambda"].min(), 1, 400)[:-1]
    reference = noisy["deviation"].iloc[0] / np.sqrt(1 - noisy["lambda"].iloc[0])
    axes.semilogy(lmbda, reference * np.sqrt(1 - lmbda), ":", color="0.5", label=r"$\propto\sqrt{1-\lambda}$")
    axes.set(xlabel=r"$\lambda$", ylabel="deviation, nats", title="Fluctuation of one path")
    axes.legend(loc="center left")


def _flow(axes: Axes, table: Any) -> None:
    """Draw how many points have which error, with the prior p_0, and with q_T in its place: the solver's alone."""
    bins = np.geomspace(SMALLEST, LARGEST, 61).tolist()
    for column, label, colour in (("error", "prior $p_0$", BLUE), ("solver_error", "prior $q_T$", VERMILION)):
        axes.hist(table[column].abs().clip(SMALLEST, LARGEST), bins, color=colour, alpha=0.6, label=label)
    axes.set(xscale="log", xlabel="$|$error$|$, nats", ylabel="points", title="Flow at tolerance $10^{-6}$")
    axes.legend(loc="upper left")
