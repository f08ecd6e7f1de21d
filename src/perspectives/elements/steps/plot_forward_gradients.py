"""Draw descent by forward gradients, their means and second moments, and the loss by products taken."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.figures import BLUE, GREEN, ORANGE, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

COLOURS = {
    "reverse": "black",
    "full forward": "0.55",
    "coordinate": VERMILION,
    "scaled coordinate": ORANGE,
    "rademacher": GREEN,
    "gaussian": BLUE,
}
LABELS = {
    "reverse": "reverse mode",
    "full forward": "forward, $d$ products",
    "coordinate": "coordinate",
    "scaled coordinate": r"coordinate$\,\times\sqrt{d}$",
    "rademacher": "signs",
    "gaussian": "Gaussian",
}
MARKERS = {"coordinate": "v", "scaled coordinate": "^", "rademacher": "s", "gaussian": "o"}


def plot_forward_gradients(*, moments: Input, paths: Input, race: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw paths as the companion code has them and unbiased, and their mean losses; below moments and the race."""
    moment, path, raced = map(pd.read_csv, (moments, paths, race))
    with style():
        figure, grid = plt.subplots(2, 3, figsize=(PAGE_INCHES, 4.6))
        _paths(grid[0, 0], path, ("reverse", "coordinate"))
        grid[0, 0].set_title("as in the companion code")
        _paths(grid[0, 1], path, ("reverse", "rademacher", "gaussian"))
        grid[0, 1].set_title("unbiased, shorter steps")
        _losses(grid[0, 2], path)
        _moments(grid[1, 0], moment, "mean", r"$\bar g \cdot g \,/\, |g|^2$")
        grid[1, 0].set(title="mean along the gradient", ylim=(0.006, 30))
        grid[1, 0].legend(loc="upper left", fontsize=6, ncols=2, columnspacing=0.8, handletextpad=0.2)
        _moments(grid[1, 1], moment, "second_moment", r"$\mathrm{E}\,|\hat g|^2 \,/\, |g|^2$")
        grid[1, 1].set_title("second moment")
        _race(grid[1, 2], raced)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    tables = {"moments": moment, "paths": path, "race": raced}
    pd.concat([table.assign(panel=name) for name, table in tables.items()]).to_csv(csv, index=False)


def _paths(axes: Axes, rows: pd.DataFrame, methods: tuple[str, ...]) -> None:
    x, y = np.meshgrid(np.linspace(-8, 1.5, 200), np.linspace(-7.5, 4.5, 200))
    axes.contour(x, y, 0.05 * x**2 + 0.5 * y**2, np.logspace(-2, 1, 8), colors="0.8", linewidths=0.7)
    for name in methods:
        one = rows[rows["method"] == name]
        label = f"{LABELS[name]}, {one['step'].iloc[0]:g}"
        axes.plot(one["w_1"], one["w_2"], "-o", color=COLOURS[name], markersize=2.2, linewidth=0.9, label=label)
    axes.set(xlabel="$w_1$", ylabel="$w_2$", xlim=(-8, 1.5), ylim=(-7.5, 4.5))
    axes.grid(visible=False)
    axes.legend(loc="lower right", title="law, step", title_fontsize=6.5, fontsize=6.5, alignment="left")


def _losses(axes: Axes, rows: pd.DataFrame) -> None:
    for name in ("scaled coordinate", "gaussian", "rademacher", "coordinate", "reverse"):
        one = rows[rows["method"] == name]
        label = f"{LABELS[name]}, {one['step'].iloc[0]:g}"
        axes.semilogy(one["k"], one["mean_loss"], color=COLOURS[name], label=label)
    axes.set(title="mean loss of 100 runs", xlabel="iteration", ylabel="$f(w)$", ylim=(1e-3, 1e6))
    axes.set_xticks([0, 5, 10, 15, 20])
    axes.legend(loc="upper right", bbox_to_anchor=(1.04, 0.92), fontsize=6, handlelength=1.0)


def _moments(axes: Axes, rows: pd.DataFrame, column: str, label: str) -> None:
    for name, one in rows.groupby("law", sort=False):
        colour = COLOURS[str(name)]
        axes.loglog(one["dimension"], one[f"{column}_theory"], color=colour, linewidth=0.9)
        axes.loglog(
            one["dimension"], one[column], MARKERS[str(name)], color=colour, markersize=4, markerfacecolor="none",
            label=LABELS[str(name)],
        )  # fmt: skip
    axes.set(xlabel="dimension $d$", ylabel=label)


def _race(axes: Axes, rows: pd.DataFrame) -> None:
    for name, one in rows.groupby("method", sort=False):
        shown = one[one["loss"] > 1e-13]
        axes.semilogy(shown["products"], shown["loss"], color=COLOURS[str(name)], label=LABELS[str(name)])
    axes.set(title="$d = 10$, mean of 100 runs", xlabel="derivative products taken", ylabel="$f(w)$", ylim=(1e-12, 1e4))
    axes.legend(loc="upper right", fontsize=6, handlelength=1.2)
