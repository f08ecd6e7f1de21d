"""Draw a chain's transitions under the soft, hard and sparse recursions, and what its temperature does."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba

from perspectives.workbench.figures import BLUE, GREEN, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

RECURSIONS = {
    "soft": ("log-sum-exp: marginals", BLUE),
    "sparse": ("sparse maximum", GREEN),
    "hard": ("maximum: best path", VERMILION),
}
ENUMERATED = {
    "soft": ("soft: Gibbs distribution", "o", 3),
    "hard": ("hard: best path", "x", 5),
    "sparse": ("sparse: projection", "+", 5),
}
"""Marks, and the distribution over paths that the gradient is compared with: for the sparse it is another one."""
THICKEST = 5.0
"""Points, of the line of a transition of probability one."""


def plot_chains(*, transitions: Input, temperatures: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw three trellises above; recursion against enumeration, and sparsity and entropy by temperature below."""
    masses, heated = pd.read_csv(transitions), pd.read_csv(temperatures)
    with style():
        figure, grid = plt.subplots(2, 3, figsize=(PAGE_INCHES, 4.4), height_ratios=(1, 1.25))
        for axes, (name, (title, colour)) in zip(grid[0], RECURSIONS.items(), strict=True):
            _trellis(axes, masses[masses["recursion"] == name], colour)
            axes.set(xlabel="node", title=title)
        grid[0, 0].set_ylabel("state")
        _enumeration(grid[1, 0], masses)
        states = masses["after"].max()
        _heated(grid[1, 1], heated, "transitions", "transitions of positive probability", "Support of a step")
        grid[1, 1].set(yscale="log", ylim=(0.8, 1.3 * states**2))
        grid[1, 1].set_yticks([1, states, states**2], ["1", f"{states}", f"{states**2}"])
        grid[1, 1].minorticks_off()
        _heated(grid[1, 2], heated, "entropy", "entropy of the path, nats", "Entropy")
        most = masses["node"].max() * np.log(states)
        grid[1, 2].axhline(most, color="0.4", linewidth=0.8, linestyle=":")
        grid[1, 2].text(heated["temperature"].min(), most, "all paths alike", color="0.4", fontsize=7, va="bottom")
        grid[1, 2].set_ylim(-0.3, 1.12 * most)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    pd.concat([masses.assign(panel="transitions"), heated.assign(panel="temperatures")]).to_csv(csv, index=False)


def _trellis(axes: Axes, masses: Any, colour: str) -> None:
    """Draw states over nodes: discs by their probability, lines by that of the transition."""
    steps = masses[masses["node"] > 1]
    ends = [
        [(node - 1, before), (node, after)]
        for node, before, after in zip(steps["node"], steps["before"], steps["after"], strict=True)
    ]
    shades = [to_rgba(colour, 0.25 + 0.6 * mass) for mass in steps["mass"]]
    axes.add_collection(LineCollection(ends, linewidths=THICKEST * steps["mass"], colors=shades, zorder=1))
    nodes = masses.groupby(["node", "after"], as_index=False)["mass"].sum()
    axes.scatter(nodes["node"], nodes["after"], s=60, facecolor="white", edgecolor="0.7", linewidth=0.6, zorder=2)
    axes.scatter(nodes["node"], nodes["after"], s=60 * nodes["mass"], color=colour, linewidth=0, zorder=3)
    axes.set_xticks(np.unique(masses["node"]))
    axes.set_yticks(np.unique(masses["after"]))
    axes.set(xlim=(0.5, masses["node"].max() + 0.5), ylim=(masses["after"].max() + 0.5, 0.5))
    axes.grid(visible=False)


def _enumeration(axes: Axes, masses: Any) -> None:
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
    for name, (label, marker, size) in ENUMERATED.items():
        rows = masses[masses["recursion"] == name]
        axes.plot(rows["enumerated"], rows["mass"], marker, color=RECURSIONS[name][1], markersize=size, label=label)
    axes.set(xlabel="sum over all paths", ylabel="gradient of the recursion", title="Gradient and enumeration")
    axes.legend(loc="upper left")


def _heated(axes: Axes, heated: Any, column: str, label: str, title: str) -> None:
    for name, (_, colour) in RECURSIONS.items():
        rows = heated[heated["recursion"] == name]
        axes.semilogx(rows["temperature"], rows[column], color=colour, label=name)
    axes.axvline(1, color="0.4", linewidth=0.8, linestyle=":")
    axes.set(xlabel="temperature", ylabel=label, title=title)
    axes.legend(loc="center left" if column == "transitions" else "upper left", bbox_to_anchor=(0, 0.7))
