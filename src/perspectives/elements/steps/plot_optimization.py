"""Draw gradient descent on a quadratic, its rates by step, kinds of rates, and Pinsker's inequality."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perspectives.elements import rates
from perspectives.workbench.figures import BLUE, COLOURS, GREEN, ORANGE, PAGE_INCHES, PURPLE, VERMILION, save, style
from perspectives.workbench.step import Input, Output

MOMENTUM_COLOURS = {0.0: BLUE, 0.2: VERMILION, 0.5: GREEN}
RATES = {
    "1/sqrt(t)": r"$1/\sqrt{t}$",
    "1/t": "$1/t$",
    "1/t^2": "$1/t^2$",
    "exp(-t)": "$e^{-t}$",
    "exp(-t^2)": "$e^{-t^2}$",
}
METHODS = {
    "gradient descent on w^4/4": ("descent on $w^4\\!/4$", "o"),
    "gradient descent, best step": ("descent, best step", "s"),
    "Newton on exp(w) - w": ("Newton on $e^w - w$", "D"),
}
COMPANION_Q = 0.3


def plot_optimization(
    *,
    trajectories: Input,
    sweep: Input,
    errors: Input,
    progress_ratios: Input,
    pinsker: Input,
    png: Output,
    pdf: Output,
    csv: Output,
) -> None:
    """Draw paths above; errors, rates by step and Pinsker's inequality in the middle; kinds of rates below."""
    tables: list[Any] = [pd.read_csv(file) for file in (trajectories, sweep, errors, progress_ratios, pinsker)]
    paths, swept, error, progress, pairs = tables
    with style():
        figure, grid = plt.subplots(3, 3, figsize=(PAGE_INCHES, 6.6))
        for axes, ((step, momentum), rows) in zip(grid[0], paths.groupby(["step", "momentum"]), strict=True):
            _path(axes, rows)
            axes.set_title(f"step {step:g}" + (f", momentum {momentum:g}" if momentum else ", no momentum"))
        grid[0, 0].set_ylabel("$w_2$")
        _errors(grid[1, 0], error)
        _sweep(grid[1, 1], swept)
        _progress(grid[1, 2], grid[2, 2], progress)
        _bound(grid[2, 0], pairs)
        _gap(figure, grid[2, 1], pairs)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    names = ("paths", "rate by step", "error", "rates and progress ratios", "Pinsker")
    pd.concat([table.assign(panel=name) for name, table in zip(names, tables, strict=True)]).to_csv(csv, index=False)


def _path(axes: Axes, rows: Any) -> None:
    """Draw the iterates and the level lines through them."""
    x, y = np.meshgrid(np.linspace(-0.9, 0.25, 200), np.linspace(-0.35, 0.35, 200))
    value = (rates.CURVATURES[0] * x**2 + rates.CURVATURES[1] * y**2) / 2
    levels = np.sort(rows["value"])
    axes.contour(x, y, value, levels, cmap="viridis", linewidths=0.8)
    axes.plot(rows["w_1"], rows["w_2"], color="black", linewidth=0.9, marker="o", markersize=2.5)
    for at, shift in ((0, (-4, 5)), (1, (2, 5)), (2, (2, 5))):
        row = rows.iloc[at]
        below = row["w_2"] < 0
        axes.annotate(
            f"$w^{{({at})}}$",
            (row["w_1"], row["w_2"]),
            xytext=(shift[0], -9 if below else shift[1]),
            textcoords="offset points",
            fontsize=6.5,
        )
    axes.plot(0, 0, "+", color=VERMILION, markersize=7)
    axes.annotate("$w^*$", (0, 0), xytext=(5, 4), textcoords="offset points", color=VERMILION, fontsize=7)
    axes.set(xlabel="$w_1$", xlim=(-0.9, 0.25), ylim=(-0.35, 0.35))


def _errors(axes: Axes, rows: Any) -> None:
    for colour, (name, one) in zip(
        (BLUE, VERMILION, GREEN, ORANGE, PURPLE, "black"), rows.groupby("method", sort=False), strict=True
    ):
        shown = one[(one["gradients"] <= 100) & (one["error"] > 1e-14)]
        label = str(name).replace(", momentum 0.2", ", mom. 0.2").replace(", momentum 0", "")
        dashed = "--" if colour == PURPLE else "-"  # the best step runs along 1.8
        axes.semilogy(shown["gradients"], shown["error"], color=colour, linestyle=dashed, label=label)
    axes.axhline(1e-8, color="0.6", linestyle=":", linewidth=0.9)
    axes.set(title="distance to the minimum", xlabel="gradients taken", ylabel="$|w - w^*|$", ylim=(1e-12, 1e7))
    axes.legend(fontsize=5.5, ncols=2, loc="upper center", columnspacing=0.8, handlelength=1.2)


def _sweep(axes: Axes, rows: Any) -> None:
    for momentum, one in rows.groupby("momentum"):
        colour = MOMENTUM_COLOURS[float(momentum)]  # pyright: ignore[reportArgumentType]
        axes.plot(one["step"], one["radius"], color=colour, label=f"momentum {momentum:g}")
        axes.plot(one["step"], one["measured"], "o", color=colour, markersize=2.2)
        limit = (1 + float(momentum)) * rates.STABILITY_LIMIT  # pyright: ignore[reportArgumentType]
        axes.axvline(limit, color=colour, linestyle=":", linewidth=0.8)
    axes.axhline(1, color="0.5", linewidth=0.7)
    axes.set(title="rate: measured, spectral radius", xlabel="step", ylabel="factor an iteration", ylim=(0.68, 1.3))
    axes.legend(loc="upper left", fontsize=6, handlelength=1.0, borderaxespad=0.1)


def _progress(rate: Axes, ratio: Axes, rows: Any) -> None:
    """Draw the closed forms as lines and, in the panel of ratios, methods as markers."""
    for colour, (name, label) in zip(COLOURS, RATES.items(), strict=False):
        one = rows[rows["rate"] == name]
        rate.plot(one["t"], 10.0 ** np.maximum(one["log10"], -300), color=colour, label=label)
        ratio.plot(one["t"], one["ratio"], color=colour, label=label)
    rate.set(yscale="log", ylim=(1e-20, 3), title="rates", xlabel="iteration $t$", ylabel="$R(t)$")
    rate.legend(loc="upper right", bbox_to_anchor=(1.0, 0.8), handlelength=1.2)
    for name, (label, marker) in METHODS.items():
        one = rows[(rows["rate"] == name) & (rows["t"] > 0)]
        keep = one.iloc[[0, 1, 2, 3, 4, *range(6, len(one), 8)]] if len(one) > 8 else one
        ratio.plot(keep["t"], keep["ratio"], marker, color="black", markersize=2.8, markerfacecolor="none", label=label)
    ratio.set(title="progress ratios", xscale="log", xlabel="iteration $t$", ylabel="$R(t)\\,/\\,R(t-1)$")
    ratio.set(ylim=(-0.05, 1.8), yticks=np.linspace(0, 1, 6))
    ratio.legend(loc="upper center", ncols=2, fontsize=6, handlelength=1.0, columnspacing=1.0)


def _bound(axes: Axes, rows: Any) -> None:
    one = rows[np.isclose(rows["q"], COMPANION_Q)]
    axes.plot(one["p"], one["divergence"], color=BLUE, label="$\\mathrm{KL}(p, q)$")
    axes.plot(one["p"], one["bound"], color=VERMILION, linestyle="--", label=r"$\frac{1}{2}\,|p - q|_1^2$")
    axes.set(
        title=f"Pinsker, $q = ({COMPANION_Q:g}, {1 - COMPANION_Q:g})$",
        xlabel=r"$\pi$, $p = (\pi, 1 - \pi)$",
        ylabel="nats",
    )
    axes.legend(loc="upper center")


def _gap(figure: Figure, axes: Axes, rows: Any) -> None:
    table = rows.assign(gap=rows["divergence"] - rows["bound"]).pivot(index="q", columns="p", values="gap")
    drawn = axes.pcolormesh(
        table.columns, table.index, np.log10(np.maximum(table, 1e-8)), cmap="viridis", vmin=-8, rasterized=True
    )
    axes.set(title="KL minus bound, log$_{10}$", xlabel=r"$\pi$ of $p$", ylabel=r"$\pi$ of $q$")
    axes.grid(visible=False)
    axes.set_aspect("auto")
    bar = figure.colorbar(drawn, cax=axes.inset_axes((0.72, 0.1, 0.05, 0.4)))
    bar.ax.tick_params(labelsize=6, colors="white")
    bar.outline.set_edgecolor("white")
