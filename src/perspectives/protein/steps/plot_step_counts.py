"""Draw fitness and diversity of guided designs over the steps of the prior."""

import matplotlib.pyplot as plt
from matplotlib.ticker import NullFormatter, NullLocator

from perspectives.protein.methods import TASK_TITLES
from perspectives.workbench.figures import COLOURS, PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_rows, write_rows

MARKERS = "osD^vPX"
LEAST_SPAN = {"fitness": 0.05, "diversity": 1.0, "unique_share": 0.2}
"""Of an axis, in its own units."""


def plot_step_counts(*, steps: list[Input], png: Output, pdf: Output, csv: Output) -> None:
    """Draw both quantities in panels of their own, a line for each arm; the configured number has a ring."""
    tables = [sorted(read_rows(path), key=lambda row: int(row["steps"])) for path in steps]
    quantities = {
        "fitness": "scaled fitness, median",
        "diversity": "diversity: mean edits",
        "unique_share": "share of different samples",
    }
    counts = sorted({int(row["steps"]) for table in tables for row in table})
    with style():
        figure, grid = plt.subplots(1, len(quantities), figsize=(PAGE_INCHES, 2.4), squeeze=False)
        for axes, (quantity, label) in zip(grid[0], quantities.items(), strict=True):
            for number, table in enumerate(tables):
                colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
                found = [(int(row["steps"]), float(row[quantity] or "nan")) for row in table]
                axes.plot(*zip(*found, strict=True), color=colour, marker=marker, markersize=4,
                          label=f"{TASK_TITLES[table[0]['task']]} ({table[0]['source']} models)")  # fmt: skip
                for point, row in zip(found, table, strict=True):
                    if row["configured"] == "1":
                        axes.plot(*point, "o", color=colour, fillstyle="none", markersize=9, markeredgewidth=1.0)
            low, high = axes.get_ylim()
            axes.set_ylim(low, max(high, low + LEAST_SPAN[quantity]))  # or noise looks like an effect
            axes.set_xscale("log", base=2)
            axes.set_xticks(counts, [str(count) for count in counts])
            axes.xaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set(xlabel="steps $K$ of the prior", ylabel=label)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=max(len(labels), 1))
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    write_rows(csv, [row for table in tables for row in table])
