"""Measure Nesterov's method against the bounds of Theorem 3.1."""

import numpy as np
import pandas as pd

from perspectives.highres import constants
from perspectives.highres.settings import ConstantSettings
from perspectives.numerics.statistics import slope
from perspectives.numerics.streams import stream
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output

WINDOW_FROM = 10
"""First k of the fitted window. It ends at (n-1)/2: so far n unknowns are a worst case (Nesterov 2004, th. 2.1.7)."""


def evaluate_constants(
    *, settings: ConstantSettings, seed: int, descents: Input, measures: Output, ratios: Output
) -> None:
    """Write the largest ratios to both bounds, the largest Lyapunov violation, the fitted slope, and all ratios."""
    table = pd.read_csv(descents)
    worst: dict[str, dict[str, float]] = {}
    tables, slopes = [], {}
    for name, rows in table.groupby("problem", sort=False):
        s = float(rows["s"].iloc[0])
        gap, gradient, distance = (rows[part].to_numpy() for part in ("gap", "squared_gradient", "squared_distance"))
        k = np.arange(1, len(rows))
        smallest = constants.smallest_squared_gradient(gradient)
        gradient_ratio = smallest / constants.gradient_bound(k, s, distance[0])
        gap_ratio = gap[1:] / constants.gap_bound(k, s, distance[0])
        worst[str(name)] = {
            "gradient_over_bound": float(np.max(gradient_ratio)),
            "gap_over_bound": float(np.max(gap_ratio)),
            "lyapunov_violation": constants.lyapunov_violation(s, gap, gradient, distance),
        }
        window = (k >= WINDOW_FROM) & (k <= (settings.worst_case_dimensions - 1) // 2)
        slopes[str(name)] = constants.bootstrapped_slope(
            np.log(k[window]),
            np.log(smallest[window]),
            settings.bootstrap,
            key=stream(seed, f"highres.constants.bootstrap.{name}"),
        )
        if name == "worst_case":
            # While its n does not matter, k^3 s^2 times the smallest squared gradient grows like (2/pi^2) log k.
            log_coefficient = slope(np.log(k[window]), (k.astype(float) ** 3 * s**2 * smallest)[window])
        tables.append(
            pd.DataFrame(
                {
                    "problem": name,
                    "k": k,
                    "smallest_squared_gradient": smallest,
                    "gradient_over_bound": gradient_ratio,
                    "gap_over_bound": gap_ratio,
                }
            )
        )
    measured = []
    for quantity in ("gradient_over_bound", "gap_over_bound", "lyapunov_violation"):
        measured.append(Measure(quantity=quantity, value=max(found[quantity] for found in worst.values())))
        for name, found in worst.items():
            measured.append(Measure(quantity=f"{quantity}_{name}", value=found[quantity]))
    for name, (value, low, high) in slopes.items():
        measured.append(Measure(quantity=f"gradient_slope_{name}", value=value, ci_low=low, ci_high=high))
    measured.append(Measure(quantity="gradient_log_coefficient_worst_case", value=log_coefficient))
    write_measures(measures, measured)
    pd.concat(tables).to_csv(ratios, index=False)
