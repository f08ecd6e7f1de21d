"""Draw the density of the swiss roll, both trained flows, and by how much bounds and likelihoods fall short."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.arrays import read_groups
from perspectives.workbench.figures import BLUE, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

COLOURS = {"uniform": VERMILION, "debiasing": BLUE}
QUANTITIES = {"elbo_average": "ELBO", "flow": "likelihood\nby the ODE", "elbo_last": "ELBO,\nlast weights"}
FLOOR = -9.0
"""Log densities below are drawn as it."""


def plot_swiss_roll(*, uniform: Input, debiasing: Input, table: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw log densities above; below, gaps of every training and the flows' gaps by share of points."""
    found = {"uniform": read_groups(uniform), "debiasing": read_groups(debiasing)}
    gaps: Any = pd.read_csv(table)
    grid = found["uniform"]["grid"]
    panels = {"exact density": grid["truth"]} | {
        f"{name} times": of_proposal["grid"]["flow"] for name, of_proposal in found.items()
    }
    truth = found["uniform"]["points"]["truth"]
    short = {name: np.sort(truth - of_proposal["points"]["flow"][0]) for name, of_proposal in found.items()}
    with style():
        figure = plt.figure(figsize=(PAGE_INCHES, 4.9))
        rows: Any = figure.subfigures(2, 1, height_ratios=(1.25, 1))
        above, below = rows
        axes = above.subplots(1, 3)
        reach = float(grid["centres"][-1])
        for axis, (name, values) in zip(axes, panels.items(), strict=True):
            image = axis.imshow(
                np.maximum(values.T, FLOOR), origin="lower", cmap="magma", vmin=FLOOR, vmax=0.0,
                extent=(-reach, reach, -reach, reach), interpolation="bilinear",
            )  # fmt: skip
            axis.set(xticks=[], yticks=[])
            axis.grid(visible=False)
            axis.spines[:].set_visible(False)
            axis.set_title(name if name == "exact density" else f"flow, trained with {name}")
        above.colorbar(image, ax=axes, label="log density, nats", shrink=0.85, extend="min")
        left, right = below.subplots(1, 2)
        _trainings(left, gaps)
        _points(right, short)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    x, z = (side.ravel() for side in np.meshgrid(grid["centres"], grid["centres"], indexing="ij"))
    parts = [pd.DataFrame({"panel": name, "x": x, "y": z, "value": np.ravel(v)}) for name, v in panels.items()]
    parts += [pd.DataFrame({"panel": f"gap of the flow, {n}", "value": v}) for n, v in short.items()]
    shown = gaps.rename(columns={"gap": "value"}).assign(panel="gaps by training")
    parts.append(shown[["panel", "proposal", "seed", "quantity", "value", "gap_standard_error", "gap_median"]])
    pd.concat(parts).to_csv(csv, index=False, float_format="%.6g")


def _trainings(axes: Axes, gaps: Any) -> None:
    """Draw each training's gap with its standard error."""
    for number, quantity in enumerate(QUANTITIES):
        for shift, (proposal, colour) in zip((-0.15, 0.15), COLOURS.items(), strict=True):
            rows = gaps[(gaps["quantity"] == quantity) & (gaps["proposal"] == proposal)]
            x = number + shift + np.linspace(-0.06, 0.06, len(rows))
            axes.errorbar(
                x, rows["gap"], rows["gap_standard_error"], fmt="o", markersize=3.2, linewidth=0.9, color=colour,
                label=f"{proposal} times" if number == 0 else None,
            )  # fmt: skip
    axes.axhline(0, color="black", linewidth=0.9)
    axes.annotate("exact log density", (0.02, 0), (0, 2), xycoords=("axes fraction", "data"), fontsize=7,
                  textcoords="offset points")  # fmt: skip
    axes.set(ylabel="mean gap, nats", title="Gap to the exact log density, by seed")
    axes.set_ylim(-0.05 * axes.get_ylim()[1], 1.35 * axes.get_ylim()[1])
    axes.set_xticks(range(len(QUANTITIES)), list(QUANTITIES.values()))
    axes.legend(loc="upper left")


def _points(axes: Axes, short: dict[str, Any]) -> None:
    """Draw the share of points whose gap is below a value."""
    for name, gap in short.items():
        axes.plot(gap, (np.arange(len(gap)) + 0.5) / len(gap), color=COLOURS[name], label=f"{name} times")
    axes.axvline(0, color="black", linewidth=0.9)
    axes.set(
        xlim=(-1.2, 2.2), ylim=(0, 1), xlabel="exact log density less the flow's, nats", ylabel="share of points",
        title="Gap by point, first seed",
    )  # fmt: skip
    axes.legend(loc="lower right")
