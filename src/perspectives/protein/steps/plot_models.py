"""Draw what autoencoders and predictors have learnt, and how near the released ones are to PyTorch."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from perspectives.protein.methods import TASK_TITLES
from perspectives.workbench.figures import BLUE, GREEN, ORANGE, PAGE_INCHES, PUBLISHED, VERMILION, save, style
from perspectives.workbench.measures import Measure, read_measures
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import Row, read_rows, write_rows

QUANTITIES = {
    "token_accuracy": ("residues reconstructed", BLUE, "o"),
    "mutation_recall": ("mutations reconstructed", VERMILION, "s"),
    "exact": ("whole sequences reconstructed", ORANGE, "^"),
    "predictor_rank_correlation": ("predictor's rank correlation", GREEN, "D"),
}
PARITY = {"largest_predictor_difference": ("predictors", 1e-4), "largest_generator_difference": ("generators", 1e-3)}
"""Differences from PyTorch, and the most that a claim allows."""


def plot_models(
    *, qualities: list[Input], released: Input | None = None, png: Output, pdf: Output, csv: Output
) -> None:
    """Draw a row for each task and a dot for each training; released autoencoders in black, parity beside them."""
    rows = [row for path in qualities for row in read_rows(path) if row["quantity"] in QUANTITIES and row["value"]]
    measures = read_measures(released) if released is not None else {}
    tasks = [task for task in TASK_TITLES if any(row["task"] == task for row in rows)]
    with style():
        widths = (2, 1) if measures else (1,)
        figure, grid = plt.subplots(
            1, len(widths), figsize=(PAGE_INCHES, 1.6 + 0.5 * len(tasks)), squeeze=False, width_ratios=widths
        )
        _dots(grid[0, 0], tasks, rows, measures)
        if measures:
            _parity(grid[0, 1], measures)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    drawn: list[dict[str, object]] = [dict(row) for row in rows]
    arm = {"task": "", "source": "released", "member": "", "predictor": ""}
    drawn += [{**arm, "quantity": name, "value": measure.value} for name, measure in measures.items()]
    write_rows(csv, drawn, digits=9)


def _dots(axes: Axes, tasks: list[str], rows: list[Row], measures: dict[str, Measure]) -> None:
    for number, (quantity, (label, colour, marker)) in enumerate(QUANTITIES.items()):
        points = [
            (float(row["value"]), tasks.index(row["task"]) + 0.27 - 0.18 * number)
            for row in rows
            if row["quantity"] == quantity
        ]
        if points:
            axes.plot(
                *zip(*points, strict=True),
                marker,
                color=colour,
                alpha=0.75,
                markeredgewidth=0,
                markersize=5,
                label=label,
            )
    given = [
        (measures[f"{task}_token_accuracy"].value, place + 0.27)
        for place, task in enumerate(tasks)
        if f"{task}_token_accuracy" in measures
    ]
    if given:
        axes.plot(*zip(*given, strict=True), label="residues, released autoencoder", **PUBLISHED)
    axes.set_yticks(range(len(tasks)), [TASK_TITLES[task] for task in tasks])
    axes.set(xlim=(-0.02, 1.02), ylim=(len(tasks) - 0.5, -0.5), xlabel="share, or rank correlation; a dot a training")
    axes.grid(visible=False, axis="y")
    for place in range(1, len(tasks)):
        axes.axhline(place - 0.5, color="0.85", linewidth=0.6, zorder=0)


def _parity(axes: Axes, measures: dict[str, Measure]) -> None:
    shown = [(name, *PARITY[name]) for name in PARITY if name in measures]
    for place, (name, _, limit) in enumerate(shown):
        axes.plot(measures[name].value, place, "o", color=BLUE, markersize=5)
        axes.plot(limit, place, "|", color="black", markersize=16, markeredgewidth=1.2)
        axes.annotate("limit", (limit, place), (0, 10), textcoords="offset points", ha="center", fontsize=6)
    axes.set_xscale("log")
    axes.set_xlim(1e-8, 1e-2)
    axes.set_yticks(range(len(shown)), [label for _, label, _ in shown])
    axes.set(ylim=(len(shown) - 0.5, -0.5), xlabel="difference from PyTorch")
    axes.grid(visible=False, axis="y")
