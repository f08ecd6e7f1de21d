"""Draw a conditional smoothed as a whole and in parts, soft thresholding, and the order of two noisy numbers."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.figures import BLUE, GREEN, ORANGE, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

MEANS = (3.0, 9.0)
"""Of the companion code's two Gaussian variables, of standard deviation 1."""
THRESHOLDS = {
    "argmax, companion": "Softmax weights, as written",
    "argmax": "Softmax weights",
    "steps, companion": "Step weights, as written",
    "steps": "Step weights",
}


def plot_branches(*, curves: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw three widths of smoothing, four versions of soft thresholding, and P(U > V)."""
    table = pd.read_csv(curves).query("panel not in ['greater', 'equal']")
    panels = {
        str(panel): {str(name): one for name, one in rows.groupby("series")} for panel, rows in table.groupby("panel")
    }
    widths = sorted({name.split()[1] for name in panels if name.startswith("gaussian")}, key=float, reverse=True)
    with style():
        figure = plt.figure(figsize=(PAGE_INCHES, 6.6))
        subfigures: Any = figure.subfigures(3, 1)
        first, second, third = subfigures
        *grid, last = first.subplots(1, 4)
        for axes, width in zip(grid, widths, strict=True):
            _indicator(axes, panels[f"logistic {width}"])
            axes.set(title=rf"$\sigma = {width}$", xlabel="$x$", ylim=(-0.05, 1.05))
        grid[0].set_ylabel("indicator")
        first.legend(*grid[0].get_legend_handles_labels(), loc="outside upper left", ncols=4)
        _excess(last, panels, widths)

        grid = second.subplots(1, 4, sharey=True)
        for axes, (name, title) in zip(grid, THRESHOLDS.items(), strict=True):
            _threshold(axes, panels[name])
            axes.set(title=title, xlabel="$x$", ylim=(-5.5, 5.5))
            axes.title.set_fontsize(7)
        grid[0].set_ylabel("soft threshold")
        grid[0].legend(fontsize=6, loc="upper left", handlelength=1.2)

        left, middle, right = third.subplots(1, 3)
        _weights(left, panels)
        densities = _densities(middle)
        _order(right, panels["order"])
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    pd.concat([table, densities]).to_csv(csv, index=False, float_format="%.9g")


def _indicator(axes: Axes, series: dict[str, pd.DataFrame]) -> None:
    for name, colour, linestyle in (("hard", "black", "-"), ("local", VERMILION, "-"), ("global", BLUE, "-")):
        axes.plot(series[name]["x"], series[name]["y"], color=colour, linestyle=linestyle, label=name)
    means = series["expectation"].iloc[::6]
    axes.plot(means["x"], means["y"], "o", color=BLUE, markersize=2.5, label="mean of hard")


def _excess(axes: Axes, panels: dict[str, dict[str, pd.DataFrame]], widths: list[str]) -> None:
    """Draw what smoothing in parts adds to the expectation, for both noises."""
    for noise, linestyle in (("logistic", "-"), ("gaussian", "--")):
        for colour, width in zip((BLUE, VERMILION, GREEN), widths, strict=True):
            local, whole = (panels[f"{noise} {width}"][kind] for kind in ("local", "global"))
            label = rf"$\sigma = {width}$" if noise == "logistic" else None
            axes.plot(local["x"], local["y"].to_numpy() - whole["y"], color=colour, linestyle=linestyle, label=label)
    axes.plot([], [], color="0.3", linestyle="--", label="Gaussian")
    axes.set(title="Local less global", xlabel="$x$", ylabel="difference", ylim=(None, 0.125))
    axes.legend(fontsize=6, loc="upper center", ncols=2, columnspacing=0.8, handlelength=1.2)


def _threshold(axes: Axes, series: dict[str, pd.DataFrame]) -> None:
    x, mean, deviation = series["mean"]["x"], series["mean"]["y"], series["deviation"]["y"].to_numpy()
    axes.fill_between(x, mean - deviation, mean + deviation, color=ORANGE, alpha=0.3, linewidth=0, label="± deviation")
    axes.plot(x, mean, color=BLUE, label="mean")
    axes.plot(series["hard"]["x"], series["hard"]["y"], color="black", linestyle="--", linewidth=0.8, label="hard")


def _weights(axes: Axes, panels: dict[str, dict[str, pd.DataFrame]]) -> None:
    for name, colour, linestyle, label in (
        ("steps, companion", VERMILION, "--", "as written"),
        ("steps", BLUE, "-", "corrected"),
    ):
        of = panels[name]["sum of weights"]
        axes.plot(of["x"], of["y"], color=colour, linestyle=linestyle, label=label)
    axes.set(title="Sum of the step weights", xlabel="$x$", ylabel="sum", ylim=(0.98, 1.1))
    axes.legend()


def _densities(axes: Axes) -> pd.DataFrame:
    x = np.linspace(-1, 13, 281)
    parts = []
    for index, (mean, colour) in enumerate(zip(MEANS, (BLUE, GREEN), strict=True), start=1):
        y = np.exp(-((x - mean) ** 2) / 2) / np.sqrt(2 * np.pi)
        axes.plot(x, y, color=colour)
        axes.text(mean, 0.42, rf"$\mu_{index} = {mean:g}$", ha="center", color=colour, fontsize=7)
        axes.text(mean, 0.12, f"$U_{index}$", ha="center", color=colour)
        parts.append(pd.DataFrame({"panel": "densities", "series": f"U_{index}", "x": x, "y": y}))
    axes.set(title="Two noisy numbers", xlabel="$u$", ylabel="density", ylim=(0, 0.5))
    return pd.concat(parts)


def _order(axes: Axes, series: dict[str, pd.DataFrame]) -> None:
    probability, frequency, error = (series[name] for name in ("probability", "frequency", "standard error"))
    axes.semilogy(probability["x"], probability["y"], color=BLUE, label="normal distribution")
    axes.errorbar(
        frequency["x"], frequency["y"], 2 * error["y"].to_numpy(), fmt="o", color=VERMILION, markersize=3,
        label="draws, ± 2 errors",
    )  # fmt: skip
    axes.set(title="Probability of $U_1 > U_2$", xlabel=r"$\mu_1 - \mu_2$", ylabel="probability")
    axes.legend(loc="lower right", fontsize=6)
