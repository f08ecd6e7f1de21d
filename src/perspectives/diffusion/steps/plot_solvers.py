"""Draw errors of the swiss roll's likelihood by solver and cost, and of its gradient by adjoint and tolerance."""

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.figures import BLUE, ORANGE, PAGE_INCHES, SKY, VERMILION, save, style
from perspectives.workbench.step import Input, Output

COLOURS = {"euler": SKY, "heun": ORANGE, "tsit5": BLUE, "dopri8": VERMILION}
NAMES = {"euler": "Euler", "heun": "Heun", "tsit5": "Tsit5", "dopri8": "Dopri8"}
CONTROLS = {"adaptive": ("-", "o"), "uniform": (":", "s"), "quadratic": ("--", "^")}
LABELS = {"adaptive": "adaptive", "uniform": "equal steps", "quadratic": "$s = (k/n)^2$"}
ADJOINTS = {"checkpoints": ("recursive checkpoints", BLUE, "o"), "backsolve": ("backsolve", VERMILION, "s")}
ENOUGH = 1e-3


def plot_solvers(*, solvers: Input, adjoints: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw mean and largest errors against evaluations of the score, and gradients' errors against the tolerance."""
    errors, gradients = pd.read_csv(solvers), pd.read_csv(adjoints)
    with style():
        figure, (mean, largest, gradient) = plt.subplots(
            1, 3, figsize=(PAGE_INCHES, 3.0), gridspec_kw={"width_ratios": (1.15, 1.15, 0.9)}
        )
        _costs(mean, errors, "mean_error", "mean |error| of the log likelihood, nats")
        _costs(largest, errors, "largest_error", "largest |error|, nats")
        mean.axhline(ENOUGH, color="black", linewidth=0.7)
        _keys(mean, largest)
        _gradients(gradient, gradients)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    pd.concat([errors.assign(panel="solvers"), gradients.assign(panel="adjoints")]).to_csv(csv, index=False)


def _costs(axes: Axes, errors: Any, column: str, label: str) -> None:
    for (solver, control), rows in errors.groupby(["solver", "control"], sort=False):
        linestyle, marker = CONTROLS[control]
        axes.loglog(
            rows["evaluations"], rows[column], linestyle, color=COLOURS[solver], marker=marker, markersize=2.8,
            linewidth=1.0,
        )  # fmt: skip
    axes.set(xlabel="evaluations of the score", ylabel=label)


def _keys(colours: Axes, controls: Axes) -> None:
    """Key colours in one panel and lines in the other."""
    for solver, colour in COLOURS.items():
        colours.plot([], [], color=colour, label=NAMES[solver])
    for control, (linestyle, marker) in CONTROLS.items():
        controls.plot([], [], linestyle, marker=marker, markersize=3, color="0.3", label=LABELS[control])
    colours.legend(loc="lower left")
    controls.legend(loc="lower left", handlelength=2.6)


def _gradients(axes: Axes, gradients: Any) -> None:
    for name, rows in gradients.groupby("adjoint", sort=False):
        label, colour, marker = ADJOINTS[name]
        axes.loglog(rows["tolerance"], rows["relative_error"], color=colour, marker=marker, markersize=3.5, label=label)
    axes.set(xlabel="tolerance, Tsit5", ylabel="relative error of the gradient by the weights")
    axes.set_ylim(None, 12 * gradients["relative_error"].max())
    axes.legend(loc="upper left")
