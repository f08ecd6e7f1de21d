"""Draw how fit the base set, samples of the prior and guided designs are by the oracle."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from numpy import ndarray

from perspectives.protein.landscapes import WILD_TYPE_FITNESS, scale_of
from perspectives.protein.methods import BASE_SET, TASK_TITLES
from perspectives.workbench.figures import BLUE, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import Row, read_rows, write_rows

BINS = 40
GREY = "0.55"


def plot_fitness(*, scores: list[Input], png: Output, pdf: Output, csv: Output) -> None:
    """Draw a panel for each arm, with the median of each distribution above it."""
    tables = [read_rows(path) for path in scores]
    columns = min(len(tables), 2)
    lines = -(-len(tables) // columns)
    drawn: list[dict[str, object]] = []
    with style():
        figure, grid = plt.subplots(lines, columns, figsize=(PAGE_INCHES, 0.4 + 2.1 * lines), squeeze=False)
        for axes in grid.ravel()[len(tables) :]:
            axes.set_axis_off()
        for axes, table in zip(grid.ravel(), tables, strict=False):
            drawn += _panel(axes, table)
        for axes in grid[:, 0]:
            axes.set_ylabel("density")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    write_rows(csv, drawn, digits=9)


def _panel(axes: Axes, table: Sequence[Row]) -> list[dict[str, object]]:
    """Draw one arm, and return the densities that were drawn."""
    task = table[0]["task"]
    parts: dict[str, tuple[Any, dict[str, Any]]] = {
        "base set": (_fitness(table, BASE_SET), {"color": GREY, "alpha": 0.45}),
        "prior alone": (_fitness(table, "prior"), {"color": BLUE, "alpha": 0.45}),
        "guided, all": (_fitness(table, "guided"), {"color": VERMILION, "histtype": "step", "linewidth": 1.1}),
        "guided, selected": (_fitness(table, "guided", selected=True), {"color": VERMILION, "alpha": 0.6}),
    }
    everything = np.concatenate([values for values, _ in parts.values()])
    # The tails of base set and prior would squeeze all the rest and are counted in the outermost bins; designs never.
    guided = parts["guided, all"][0]
    low = min(np.quantile(everything, 0.002), guided.min())
    high = max(np.quantile(everything, 0.998), guided.max())
    edges = np.linspace(low - 0.02, high + 0.02, BINS + 1)
    drawn: list[dict[str, object]] = []
    tops = []
    for label, (values, look) in parts.items():
        bars: dict[str, Any] = {"histtype": "stepfilled"} | look
        density, _, _ = axes.hist(np.clip(values, edges[0], edges[-1]), edges, density=True, label=label, **bars)
        tops.append(float(np.max(density)))
        drawn += [
            {"task": task, "part": label, "median": float(np.median(values)), "low": a, "high": b, "density": d}
            for a, b, d in zip(edges[:-1].tolist(), edges[1:].tolist(), np.asarray(density).tolist(), strict=True)
        ]
    # Peaks of some parts are far higher than those of others; the tallest may leave the panel a little.
    top = min(max(tops), 3 * float(np.median(tops)))
    axes.set_ylim(0, 1.25 * top)
    for number, (values, look) in enumerate(parts.values()):
        if number != 2:
            axes.plot(np.median(values), 1.17 * top, "v", color=look["color"], markersize=5, markeredgewidth=0)
    if task.startswith("gb1"):
        level = scale_of(task).scaled(WILD_TYPE_FITNESS)
        axes.axvline(level, color="black", linewidth=0.8, linestyle=":")
        axes.text(level, 1.22 * top, " wild type", fontsize=6, va="top", rotation=90, clip_on=True)
    axes.set(title=_title(table[0]), xlabel="scaled fitness by the oracle; medians above", xlim=(edges[0], edges[-1]))
    return drawn


def _title(row: Row) -> str:
    return f"{TASK_TITLES[row['task']]} ({row['source']} models, {row['predictor']})"


def _fitness(table: Sequence[Row], method: str, *, selected: bool = False) -> Float[ndarray, "n"]:
    rows = [row for row in table if row["method"] == method and (row["selected"] == "1" or not selected)]
    return np.array([float(row["fitness"]) for row in rows])
