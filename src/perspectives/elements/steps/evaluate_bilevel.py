"""Evaluate hypergradients and the search for a kernel width."""

from typing import Any

import numpy as np
import pandas as pd

from perspectives.elements.hypergradients import DIRECT, IMPLICIT, QUASI_NEWTON, UNROLLED
from perspectives.elements.settings import BilevelSettings
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output

FIRST, LAST = 10, 300
"""Inner steps over which truncated hypergradients are compared."""
ROUNDING = 1e-12
"""Relative error below which two hypergradients are both right: which is nearer is then chance."""


def evaluate_bilevel(
    *,
    hypergradients: Input,
    truncations: Input,
    losses: Input,
    descents: Input,
    settings: BilevelSettings,
    measures: Output,
) -> None:
    """Write differences between hypergradients, ratios of truncation errors, and the ends of descents and searches."""
    # Any: pandas' own types are too narrow for what indexing returns.
    derivatives: Any = pd.read_csv(hypergradients)

    def difference(name: str, reference: str) -> float:
        return float(((derivatives[name] - derivatives[reference]) / derivatives[reference]).abs().max())

    cut: Any = pd.read_csv(truncations).query("@FIRST <= steps <= @LAST")
    rows = [
        Measure(
            quantity="largest_hypergradient_difference",
            value=max(difference(name, DIRECT) for name in (IMPLICIT, UNROLLED)),
        ),
        Measure(quantity="envelope_difference", value=difference("inner_partial", "inner_minimum")),
        *(Measure(quantity=f"{name}_minus_direct", value=difference(name, DIRECT))
          for name in (IMPLICIT, UNROLLED, QUASI_NEWTON)),
    ]  # fmt: skip
    for suffix in ("", "_weights"):
        wrong = cut[cut[f"{IMPLICIT}{suffix}"].combine(cut[f"{UNROLLED}{suffix}"], max) > ROUNDING]
        ratios = wrong[f"{IMPLICIT}{suffix}"] / wrong[f"{UNROLLED}{suffix}"]
        rows.append(Measure(quantity=f"largest_implicit_over_unrolled{suffix}", value=float(ratios.max())))
        rows.append(Measure(quantity=f"median_implicit_over_unrolled{suffix}", value=float(ratios.median())))
        rows.append(Measure(quantity=f"share_implicit_nearer{suffix}", value=float((ratios < 1).mean())))
        for width, at in ratios.groupby(wrong["width"]):
            rows.append(Measure(quantity=f"share_implicit_nearer{suffix}_{width:g}", value=float((at < 1).mean())))

    grid: Any = pd.read_csv(losses)
    ends: Any = pd.read_csv(descents)
    cell = np.log(grid["width"].iloc[1] / grid["width"].iloc[0])
    for ridge, name in ((settings.ridge, ""), (settings.small_ridge, "_small_ridge")):
        searched = grid[grid["ridge"] == ridge]
        found = ends[ends["ridge"] == ridge].set_index("begun")
        best = float(searched["width"].iloc[searched["loss"].argmin()])
        cells = abs(np.log(found.loc["narrow", "end"] / best)) / cell
        rows.append(Measure(quantity=f"cells_from_grid_minimum{name}", value=float(cells)))
        rows.append(Measure(quantity=f"best_width{name}", value=float(found.loc["grid", "end"])))
        rows.append(Measure(quantity=f"loss_at_best_width{name}", value=float(found.loc["grid", "loss_end"])))
        rows.append(Measure(quantity=f"steps_of_descent{name}", value=float(found.loc["narrow", "steps"])))
    write_measures(measures, rows)
