"""Draw three functions with kinks or none, the error of numerical differentiation, and answers at kinks."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.figures import BLUE, GREEN, ORANGE, PAGE_INCHES, PURPLE, VERMILION, save, style
from perspectives.workbench.step import Input, Output

FUNCTIONS = {
    "step": ("discontinuous at 0", BLUE),
    "sparse sigmoid": ("continuous, kinks at ±1", GREEN),
    "logistic": ("differentiable everywhere", ORANGE),
}
RULES = {"forward": BLUE, "central": VERMILION, "complex": GREEN}
FLOOR = 1e-17
"""Errors of zero are drawn here, as in the companion code."""
JUMP = 0.2
"""Neighbouring values further apart than this are not joined."""


def plot_differentiation(
    *, functions: Input, errors: Input, best_steps: Input, kinked: Input, png: Output, pdf: Output, csv: Output
) -> None:
    """Draw functions and derivatives above; errors by step, best steps by point, and kinks below."""
    curves, error, best, kinks = map(pd.read_csv, (functions, errors, best_steps, kinked))
    with style():
        figure = plt.figure(figsize=(PAGE_INCHES, 4.9))
        halves: Any = figure.subfigures(2, 1, height_ratios=(1, 1.5))
        upper, lower = halves
        above, below = upper.subplots(1, 3, sharey=True), lower.subplots(1, 3)
        for axes, (name, (title, colour)) in zip(above, FUNCTIONS.items(), strict=True):
            _function(axes, curves[curves["function"] == name], colour)
            axes.set(title=title, xlabel="$x$")
        above[0].set_ylabel("value, derivative")
        above[0].legend(loc="upper left")
        _errors(below[0], error)
        _best_steps(below[1], best)
        _kinks(below[2], kinks)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    tables = {"functions": curves, "errors": error, "best steps": best, "kinks": kinks}
    pd.concat([table.assign(panel=panel) for panel, table in tables.items()]).to_csv(csv, index=False)


def _function(axes: Axes, rows: Any, colour: str) -> None:
    """Draw a function, broken where it jumps, and its automatic derivative."""
    x, value, derivative = (rows[name].to_numpy() for name in ("x", "value", "derivative"))
    axes.plot(*_broken(x, value), color=colour, label="$f$")
    for at in np.flatnonzero(np.abs(np.diff(value)) > JUMP):
        axes.plot(x[at + 1], value[at + 1], "o", color=colour, markersize=4)
        axes.plot(x[at + 1], value[at], "o", color=colour, markersize=4, markerfacecolor="white")
    axes.plot(*_broken(x, derivative), color="0.4", linestyle="--", linewidth=0.9, label="$f'$, automatic")
    axes.set_ylim(-0.08, 1.12)


def _broken(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both with a gap wherever y jumps."""
    jump = np.flatnonzero(np.abs(np.diff(y)) > JUMP) + 1
    return np.insert(x, jump, np.nan), np.insert(y, jump, np.nan)


def _errors(axes: Axes, rows: Any) -> None:
    for name, colour in RULES.items():
        one = rows[rows["rule"] == name]
        axes.loglog(one["step"], np.maximum(one["error"], FLOOR), color=colour, label=name)
    for guide, text, at in (
        (lambda step: step / 3, r"$\delta$", (1e-3, 3e-3)),
        (lambda step: step**2 / 100, r"$\delta^2$", (1e-3, 5e-10)),
        (lambda step: 4 * np.finfo(float).eps / step, r"eps$\,/\,\delta$", (3e-13, 2e-2)),
    ):
        steps = np.array([1e-14, 3e-7] if "eps" in text else [1e-6, 1.0])
        axes.loglog(steps, guide(steps), color="0.5", linestyle=":", linewidth=0.9, zorder=0)
        axes.text(*at, text, fontsize=6.5, color="0.35")
    axes.set(title="softplus′ at 1", xlabel=r"step $\delta$", ylabel="absolute error", ylim=(FLOOR / 3, 10))
    axes.set_xticks([1e-14, 1e-10, 1e-6, 1e-2])
    axes.legend(loc="center left", bbox_to_anchor=(0.0, 0.33), handlelength=1.2)


def _best_steps(axes: Axes, rows: Any) -> None:
    for name, power in (("forward", 1 / 2), ("central", 1 / 3)):
        colour = RULES[name]
        axes.semilogy(rows["x"], rows[name], ".", color=colour, markersize=4)
        axes.semilogy(rows["x"], rows[f"{name}_optimum"], color=colour, linewidth=0.9)
        axes.axhline(np.finfo(float).eps ** power, color=colour, linestyle="--", linewidth=0.9)
    for label, marker in (
        ("least error", "."),
        ("from $f$ and its derivatives", "-"),
        (r"eps$^{1/2}$, eps$^{1/3}$", "--"),
    ):
        axes.plot([], [], marker, color="0.3", label=label)
    axes.set(title="best step", xlabel="$x$", ylabel=r"step $\delta$", ylim=(3e-10, 30))
    axes.legend(loc="upper left", handlelength=1.4, borderaxespad=0.1)


def _kinks(axes: Axes, rows: Any) -> None:
    """Draw for each kink the interval between its one-sided derivatives and the automatic one."""
    rows = rows.iloc[::-1]
    for y, (_, row) in enumerate(rows.iterrows()):
        ends = [row["left"], row["right"]]
        axes.plot(ends, [y, y], color=PURPLE, linewidth=3.5, alpha=0.45, solid_capstyle="butt")
        axes.plot(ends, [y, y], "|", color=PURPLE, markersize=7, markeredgewidth=1.5)
        colour = VERMILION if row["outside"] else "black"
        if np.isnan(row["automatic"]):
            axes.text(0, y, "NaN", color=colour, fontsize=6.5, ha="center", va="center", fontweight="bold")
        else:
            axes.plot(row["automatic"], y, "x" if row["outside"] else "o", color=colour, markersize=4)
    labels = [f"{name} at {at:g}" for name, at in zip(rows["function"], rows["at"], strict=True)]
    axes.set_yticks(range(len(rows)), labels, fontsize=5.5)
    axes.set(title="at kinks: in the interval?", xlabel="derivative", xlim=(-1.25, 1.25))
