"""Draw the distance of the discrete methods from the ODEs against the step."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.highres.comparisons import NAG, SCHEME_24, SCHEME_27
from perspectives.workbench.figures import COLOURS, PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output

TITLES = {NAG: "Nesterov's method", SCHEME_24: "rate-matched (24)", SCHEME_27: "rate-matched (27)"}
REFERENCES = {
    "low_resolution": "low resolution",
    "ode_10": "(10)",
    "ode_14": "(14)",
    "modified": "modified equation",
}
VARIANTS = {
    "27_weight_2_gradient_y": "weight $k+2$, at $y$",
    "27_weight_2_gradient_x": "weight $k+2$, at $x$",
    "27_weight_1_gradient_y": "weight $k+1$, at $y$",
    "27_weight_1_gradient_x": "weight $k+1$, at $x$",
}
PROBLEMS = {"quadratic": "-", "logistic": "--"}


def plot_discretisations(*, errors: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw one panel a method, with one colour an ODE, and one panel of (27) against Nesterov's method."""
    table = pd.read_csv(errors, dtype={"method": str})
    series = {key: rows for key, rows in table.groupby(["method", "reference", "problem"])}

    def draw(axes: Axes, method: str, reference: str, colour: str, label: str) -> None:
        for problem, linestyle in PROBLEMS.items():
            rows = series[method, reference, problem]
            named = label if problem == "quadratic" else None
            axes.plot(
                rows["s"], rows["error"], color=colour, linestyle=linestyle, label=named, marker="o", markersize=2.5
            )

    with style():
        figure, grid = plt.subplots(2, 2, figsize=(PAGE_INCHES, 4.6), sharex=True)
        for axes, (method, title) in zip(grid.flat, TITLES.items(), strict=False):
            for colour, (reference, label) in zip(COLOURS, REFERENCES.items(), strict=False):
                draw(axes, method, reference, colour, label)
            axes.set(title=title, ylabel=r"$\sup_t\,|x_k - X(t_k)|$")
        axes = grid[1, 1]
        for colour, (variant, label) in zip(COLOURS, VARIANTS.items(), strict=False):
            draw(axes, variant, NAG, colour, label)
        axes.set(title="(27) against Nesterov's method", ylabel=r"$\sup_k |x_k - y_j|\,/\,\sup_j |y_j|$")
        for axes in grid.flat:
            axes.set(xscale="log", yscale="log")
            axes.set_xscale("log", base=2)
            _guides(axes)
            axes.legend(fontsize=6)
        for axes in grid[1]:
            axes.set_xlabel("step $s$")
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    shown = table[table["method"].isin([*TITLES, *VARIANTS])]
    shown.to_csv(csv, index=False)


def _guides(axes: Axes) -> None:
    """Draw the slopes 1/2 and 1 in grey, from one point near the upper right corner."""
    left, right = axes.get_xlim()
    top = axes.get_ylim()[1]
    s = np.array([left * 2, right / 2])
    for power, style_ in ((0.5, ":"), (1.0, "-.")):
        axes.plot(s, top * (s / right) ** power, color="0.6", linestyle=style_, linewidth=0.8, zorder=0)
