"""Draw fitness over the strength of guidance and the number of its gradient steps."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from perspectives.protein.methods import TASK_TITLES
from perspectives.workbench.figures import PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import Row, read_rows, write_rows

COLOURS = "cividis"


def plot_guidance_map(*, strengths: list[Input], png: Output, pdf: Output, csv: Output) -> None:
    """Draw a map for each arm, with fitness and below it diversity in each cell; the configured one is framed."""
    tables = [read_rows(path) for path in strengths]
    tallest = max(len({row["inner"] for row in table}) for table in tables)
    with style():
        figure, grid = plt.subplots(1, len(tables), figsize=(PAGE_INCHES, 1.3 + 0.42 * max(tallest, 2)), squeeze=False)
        for axes, table in zip(grid[0], tables, strict=True):
            _map(axes, table)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    write_rows(csv, [row for table in tables for row in table])


def _map(axes: Axes, table: list[Row]) -> None:
    columns = sorted({float(row["strength"]) for row in table})
    lines = sorted({int(row["inner"]) for row in table})
    fitness = np.full((len(lines), len(columns)), np.nan)
    cells = {(lines.index(int(row["inner"])), columns.index(float(row["strength"]))): row for row in table}
    for cell, row in cells.items():
        fitness[cell] = float(row["fitness"] or "nan")
    low, high = np.nanmin(fitness), np.nanmax(fitness)
    scale = Normalize(low, high if high > low else low + 1)
    axes.imshow(fitness, origin="lower", aspect="auto", cmap=COLOURS, norm=scale)
    for (line, column), row in cells.items():
        shade = "white" if scale(fitness[line, column]) < 0.6 else "black"
        axes.text(
            column, line + 0.08, f"{fitness[line, column]:.2f}", ha="center", va="center", fontsize=7, color=shade
        )
        edits = f"{float(row['diversity']):.1f}" if row["diversity"] else "-"
        axes.text(column, line - 0.26, edits, ha="center", va="center", fontsize=5, color=shade)
        if row["configured"] == "1":
            frame = Rectangle((column - 0.48, line - 0.48), 0.96, 0.96, fill=False, edgecolor=VERMILION, linewidth=1.6)
            axes.add_patch(frame)
    axes.set_xticks(range(len(columns)), [f"{strength:g}" for strength in columns])
    axes.set_yticks(range(len(lines)), [str(inner) for inner in lines])
    axes.grid(visible=False)
    axes.set(
        xlabel=r"strength $\alpha$", ylabel="gradient steps $J$ a step",
        title=f"{TASK_TITLES[table[0]['task']]} ({table[0]['source']} models, {table[0]['predictor']})",
    )  # fmt: skip
    label = "median fitness\n(small: diversity)"
    axes.figure.colorbar(ScalarMappable(scale, COLOURS), ax=axes, label=label, pad=0.02)
