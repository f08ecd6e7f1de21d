"""Draw measured fitness and the base sets that are cut from it."""

from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float64
from matplotlib.axes import Axes
from numpy import ndarray

from perspectives.protein.landscapes import SCALES, WILD_TYPE_FITNESS, Gb1, Scale, restored, scored
from perspectives.protein.sequences import encoded
from perspectives.protein.settings import TaskName
from perspectives.protein.tasks import BEST, TASKS, task_of
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.errors import UserError
from perspectives.workbench.figures import BLUE, COLUMN_INCHES, GREEN, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_as, write_rows

COLOURS = {"default": BLUE, "medium": GREEN, "hard": VERMILION}
BINS = 100
LOWEST = -12.0
"""Of the axis of GB1's fitness: a few rows lie below."""


class _Landscape(NamedTuple):
    """What a panel shows."""

    title: str
    label: str
    scale: Scale
    scores: Float64[ndarray, "n"]
    lowest: float
    wild_type: float | None
    bases: dict[TaskName, Float64[ndarray, "rows"]]


def plot_landscapes(
    *,
    landscape: Input,
    bases: list[Input],
    aav: list[Input] | None = None,
    png: Output,
    pdf: Output,
    csv: Output,
) -> None:
    """Draw the distribution of fitness with wild type and best hundredth, and below it those of base sets.

    `aav` are the ground truth and the base sets medium and hard. **Raises**: UserError when a base set is of no task.
    """
    panels = [_gb1(restored(read_groups(landscape)["gb1"]), bases)]
    if aav:
        panels.append(_aav(*aav))
    rows: list[dict[str, Any]] = []
    with style():
        width = PAGE_INCHES if len(panels) > 1 else COLUMN_INCHES + 1.4
        below = max(len(panel.bases) for panel in panels)
        figure, grid = plt.subplots(
            2, len(panels), figsize=(width, 2.2 + 0.42 * below), sharex="col", squeeze=False,
            gridspec_kw={"height_ratios": (1.9, 0.42 * below)},
        )  # fmt: skip
        for panel, (above, under) in zip(panels, grid.T, strict=True):
            rows += _draw(panel, above, under)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    write_rows(csv, rows, digits=9)


def _gb1(landscape: Gb1, bases: list[Path]) -> _Landscape:
    found: dict[TaskName, Any] = {}
    for path in bases:
        base = read_as(scored, path)
        try:
            found[task_of(landscape, encoded(base.sequences))] = base.scores
        except ValueError as error:
            raise UserError(f"{path}: {error}") from None
    deep = landscape.fitness[landscape.deep]
    title = f"GB1: {len(deep):,} double mutants, measured"
    ordered: dict[TaskName, Any] = {task: found[task] for task in TASKS if task in found}
    return _Landscape(
        title,
        "fitness, log$_2$ enrichment less the wild type's",
        SCALES["gb1"],
        deep,
        LOWEST,
        WILD_TYPE_FITNESS,
        ordered,
    )


def _aav(ground_truth: Path, medium: Path, hard: Path) -> _Landscape:
    truth = read_as(scored, ground_truth).scores
    bases: dict[TaskName, Any] = {
        "aav_medium": read_as(scored, medium).scores,
        "aav_hard": read_as(scored, hard).scores,
    }
    title = f"AAV: {len(truth):,} variants, measured"
    return _Landscape(title, "fitness, raw", SCALES["aav"], truth, float(truth.min()), None, bases)


def _draw(panel: _Landscape, above: Axes, under: Axes) -> list[dict[str, Any]]:
    """Draw a landscape and, below it, the base sets one upon the other; return what is drawn."""
    edges = np.linspace(panel.lowest, panel.scores.max(), BINS + 1)
    counts = np.histogram(panel.scores, edges)[0]
    best = float(np.percentile(panel.scores, BEST))
    above.stairs(counts / 1000, edges, fill=True, color="0.75")
    above.stairs(np.where(edges[1:] > best, counts, 0) / 1000, edges, fill=True, color="0.25")
    top = 1.12 * counts.max() / 1000
    marks = [(best, f"  best {100 - BEST:.0f} %", "left", ":")]
    if panel.wild_type is not None:
        marks.append((panel.wild_type, "wild type  ", "right", "--"))
    for value, name, side, line in marks:
        for axes in (above, under):
            axes.axvline(value, color="black", linestyle=line, linewidth=0.8)
        above.annotate(name, (value, 0.98 * top), ha=side, va="top", fontsize=7)
    room = 0.1 * (edges[-1] - edges[0])  # for the mark of the best, which are far on the right
    above.set(ylabel="thousand variants per bin", ylim=(0, top), xlim=(edges[0], edges[-1] + room))
    low, width = panel.scale.low, panel.scale.high - panel.scale.low
    both_ways: Any = (lambda raw: (raw - low) / width, lambda unit: low + width * unit)
    scaled = above.secondary_xaxis("top", functions=both_ways)
    scaled.set(xticks=[0, 0.25, 0.5, 0.75, 1], xlabel=f"{panel.title}\nscaled fitness")

    drawn = [_row(panel, "measured", edges, counts)]
    labels = []
    for height, (name, scores) in enumerate(reversed(panel.bases.items())):
        difficulty, task = name.split("_")[1], TASKS[name]
        base = np.histogram(scores, edges)[0]
        under.stairs(height + 0.85 * base / base.max(), edges, baseline=height, fill=True, color=COLOURS[difficulty])
        labels.append(f"{difficulty}: {task.low:g}-{task.high:g} %,\ngap {task.gap}, {len(scores):,} rows")
        drawn.append(_row(panel, name, edges, base))
    under.set(xlabel=panel.label, ylim=(0, max(len(labels), 1)))
    under.set_yticks(np.arange(len(labels)) + 0.42, labels, fontsize=6)
    under.tick_params(axis="y", length=0)
    under.grid(visible=False, axis="y")
    return [row for part in drawn for row in part]


def _row(panel: _Landscape, name: str, edges: Any, counts: Any) -> list[dict[str, Any]]:
    landscape = panel.title.split(":")[0].lower()
    return [
        {"landscape": landscape, "set": name, "from": float(left), "to": float(right), "rows": int(count)}
        for left, right, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
