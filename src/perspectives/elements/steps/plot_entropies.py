"""Draw Shannon's, Tsallis' and Gini's entropies of two and of three outcomes, and the companion's mislabelled panel."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.figures import COLOURS, PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output

LABELS = {
    "Shannon": r"$\alpha\to1$ (Shannon)",
    "Tsallis 1.5": r"$\alpha=1.5$ (Tsallis)",
    "Gini": r"$\alpha=2$ (Gini)",
}
CORNERS = np.array([[0, 0], [1, 0], [0.5, np.sqrt(0.75)]])
LEVELS = np.arange(0.05, 1.11, 0.05)
"""The same in all triangles, so that their heights can be compared."""


def plot_entropies(*, lattice: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw the entropies of (p, 1 - p) and their contours over three outcomes, with one scale of colours."""
    table = pd.read_csv(lattice)
    with style():
        figure, grid = plt.subplots(2, 3, figsize=(PAGE_INCHES, 4.4))
        edge = table[table["p3"] == 0]
        for colour, (name, label) in zip(COLOURS, LABELS.items(), strict=False):
            grid[0, 0].plot(edge["p1"], edge[name], color=colour, label=label)
        grid[0, 0].set(title="Two outcomes", xlabel="$p$ of $(p, 1-p)$", ylabel="entropy", ylim=(0, 1.08))
        grid[0, 0].legend(loc="upper center")
        panels = (
            (grid[0, 1], "Shannon", LABELS["Shannon"]),
            (grid[0, 2], "Tsallis 1.5", LABELS["Tsallis 1.5"]),
            (grid[1, 1], "Gini", "Gini, corrected"),
            (grid[1, 2], "Tsallis 1.5", "'Gini' as the companion draws it"),
        )
        for axes, name, title in panels:
            drawn = _triangle(axes, table, name)
            axes.set_title(title)
        bar = figure.colorbar(drawn, ax=grid[:, 2], shrink=0.8, label="entropy")
        bar.ax.grid(visible=False)
        _to_the_centre(grid[1, 0], table)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    table.to_csv(csv, index=False)


def _triangle(axes: Axes, table: pd.DataFrame, name: str):
    x, y = (table[["p1", "p2", "p3"]].to_numpy() @ CORNERS).T
    drawn = axes.tricontourf(x, y, table[name], levels=np.append(0, LEVELS), cmap="viridis")
    axes.tricontour(x, y, table[name], levels=LEVELS, colors="white", linewidths=0.4, alpha=0.7)
    peak = float(np.max(table[name].to_numpy()))
    colour = "black" if peak > 1 else "white"
    axes.text(0.5, CORNERS[2, 1] / 3, f"{peak:.3f}", ha="center", va="center", fontsize=7, color=colour)
    for corner, text, (across, up) in zip(
        CORNERS, ("(1,0,0)", "(0,1,0)", "(0,0,1)"), ((0, -0.05), (0, -0.05), (0, 0.04)), strict=True
    ):
        axes.text(corner[0] + across, corner[1] + up, text, ha="center", va="bottom" if up > 0 else "top", fontsize=6)
    axes.set(xlim=(-0.12, 1.12), ylim=(-0.12, 0.97), aspect="equal")
    axes.axis("off")
    return drawn


def _to_the_centre(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the entropies of (p, (1 - p) / 2, (1 - p) / 2): how steeply each leaves the corner p = 1."""
    ordered = table.sort_values("p1")
    rows = ordered[np.isclose(ordered["p2"], ordered["p3"])]
    for colour, name in zip(COLOURS, LABELS, strict=False):
        axes.plot(rows["p1"], rows[name], color=colour)
    axes.axvline(1 / 3, color="0.6", linestyle=":", linewidth=0.8)
    axes.text(0.345, 0.03, "uniform", fontsize=7, color="0.4")
    axes.set(title="Three outcomes, from edge to corner", ylabel="entropy", ylim=(0, 1.15))
    axes.set_xlabel(r"$p$ of $(p,\frac{1-p}{2},\frac{1-p}{2})$")
