"""Draw fitness and diversity of all methods, beside the published values."""

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from perspectives.protein.landscapes import WILD_TYPE_FITNESS, scale_of
from perspectives.protein.methods import METHODS, TASK_TITLES, headline_predictor
from perspectives.protein.published import PUBLISHED_SCORES
from perspectives.workbench.figures import (
    BLUE,
    GREEN,
    ORANGE,
    PAGE_INCHES,
    PUBLISHED,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    save,
    style,
)
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import Row, read_rows, write_rows

SHOWN = {
    "guided": (VERMILION, "o"),
    "prior": (VERMILION, "v"),
    "plain_gradient": (VERMILION, "^"),
    "latent_ascent": (PURPLE, "D"),
    "evolution": (BLUE, "s"),
    "frontier": (SKY, "P"),
    "gibbs": (GREEN, "h"),
    "cbas": (ORANGE, "X"),
    "exhaustive": (YELLOW, "*"),
    "base": ("0.45", "p"),
    "mutants": ("0.7", "d"),
}
"""Colour and marker of each method; ablations that differ by a detail are in the table alone."""
FACES: dict[str, Any] = {"own": "full", "released": "none"}
"""Markers of designs by models trained here are filled, those by released models are not."""


def plot_methods(*, tables: list[Input], png: Output, pdf: Output, csv: Output) -> None:
    """Draw a panel for each task: seed means with deviations, and published values in black.

    Drawn are designs by the predictor with which the paper does best on the task; the table behind has all.
    """
    found = [read_rows(path) for path in tables]
    columns = min(len(found), 2)
    lines = -(-len(found) // columns)
    with style():
        figure, grid = plt.subplots(lines, columns, figsize=(PAGE_INCHES, 1.0 + 2.7 * lines), squeeze=False)
        for axes in grid.ravel()[len(found) :]:
            axes.set_axis_off()
        for axes, table in zip(grid.ravel(), found, strict=False):
            _panel(axes, table)
        present = {row["method"] for table in found for row in table}
        figure.legend(handles=_legend(present, found), loc="outside lower center", ncols=4, columnspacing=1.2)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    write_rows(csv, _drawn(found), digits=9)


def _panel(axes: Axes, table: list[Row]) -> None:
    task = table[0]["task"]
    best = headline_predictor(task, [row["predictor"] for row in table])
    for row in table:
        if row["method"] not in SHOWN or row["predictor"] != best or not row["diversity"]:
            continue
        colour, marker = SHOWN[row["method"]]
        fill = FACES[row["source"]]
        axes.errorbar(
            float(row["diversity"]), float(row["fitness"]), xerr=float(row["diversity_deviation"] or 0),
            yerr=float(row["fitness_deviation"]), color=colour, marker=marker, fillstyle=fill,
            markersize=8 if marker == "*" else 6, markeredgecolor="black" if fill == "full" else colour,
            markeredgewidth=0.5 if fill == "full" else 1.0, elinewidth=0.8, linestyle="none", zorder=4,
        )  # fmt: skip
    for score in PUBLISHED_SCORES:
        if score.task == task:
            look: dict[str, Any] = PUBLISHED | ({"alpha": 0.45} if score.recalled else {})
            axes.plot(score.diversity, score.fitness, **look)
            axes.annotate(
                f"{score.name}{' (recalled)' if score.recalled else ''}", (score.diversity, score.fitness), (3, 2),
                textcoords="offset points", fontsize=5.5, alpha=0.8,
            )  # fmt: skip
    if task.startswith("gb1"):
        level = scale_of(task).scaled(WILD_TYPE_FITNESS)
        axes.axhline(level, color="black", linewidth=0.8, linestyle=":")
        axes.annotate("wild type", (0.99, level), (0, 2), xycoords=("axes fraction", "data"),
                      textcoords="offset points",
                      fontsize=6, ha="right")  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.1)
    ours = [row for row in table if row["predictor"] == best]
    seeds, designs = (max(int(float(row[column])) for row in ours) for column in ("seeds", "designs"))
    axes.set_title(
        f"{TASK_TITLES[task]} ({best} predictor)\n{designs} designs at most, {seeds} seed{'s' * (seeds > 1)}"
    )
    axes.set(xlabel="diversity: mean edits between designs", ylabel="scaled fitness, median")


def _legend(present: set[str], found: list[list[Row]]) -> list[Line2D]:
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=6, markeredgecolor="black",
               markeredgewidth=0.5, label=METHODS[method])
        for method, (colour, marker) in SHOWN.items()
        if method in present
    ]  # fmt: skip
    sources = {row["source"] for table in found for row in table}
    if len(sources) > 1:
        handles += [
            Line2D([], [], color="0.3", marker="o", linestyle="none", fillstyle=FACES[source],
                   label=f"{source} models")
            for source in sorted(sources)
        ]  # fmt: skip
    tasks = {table[0]["task"] for table in found}
    if any(score.task in tasks for score in PUBLISHED_SCORES):
        handles.append(Line2D([], [], label="published", **PUBLISHED))
    return handles


def _drawn(found: list[list[Row]]) -> list[dict[str, object]]:
    """Return the table behind the figure: all methods, those not drawn too, and the published values."""
    tasks = [table[0]["task"] for table in found]
    kept = ("task", "source", "predictor", "method", "seeds", "fitness", "fitness_deviation", "diversity",
            "diversity_deviation", "novelty")  # fmt: skip
    rows: list[dict[str, object]] = [{**{name: row[name] for name in kept}, "known": ""} for t in found for row in t]
    rows += [
        {
            "task": score.task, "source": "published", "predictor": score.predictor, "method": score.name, "seeds": "",
            "fitness": score.fitness, "fitness_deviation": "", "diversity": score.diversity, "diversity_deviation": "",
            "novelty": score.novelty, "known": "recalled" if score.recalled else "stated",
        }
        for score in PUBLISHED_SCORES
        if score.task in tasks
    ]  # fmt: skip
    return rows
