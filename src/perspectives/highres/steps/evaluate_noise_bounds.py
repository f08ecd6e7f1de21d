"""Compare NNAG on a noisy quadratic with its bounds (30), (32) and (33)."""

import numpy as np
import pandas as pd

from perspectives.highres.bounds import (
    modified_gap_bound,
    modified_gradient_bound,
    nnag_gap_bound,
    smallest_consistent_start,
)
from perspectives.highres.settings import NoiseBoundSettings
from perspectives.numerics.statistics import mean_interval, order
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output

COMPARED_FROM = 10
"""First k of the comparison: at the very first steps the denominators of the bounds vanish."""
FITTED_FROM = 100
"""First k of the fitted slopes: past the transient, two decades of the full run."""


def evaluate_noise_bounds(*, settings: NoiseBoundSettings, runs: Input, measures: Output, curves: Output) -> None:
    """Write the largest seed mean over each bound with its interval, the fitted slopes, and the curves."""
    with np.load(runs, allow_pickle=False) as archive:
        file = dict(archive)
    k, smoothness, beta = file["k"].astype(float), float(file["smoothness"]), settings.beta
    c = smoothness**-0.5
    start = float(file["dimensions"]) / 2  # |v_0 - x*|^2 / 2 for x_0 = (1, ..., 1), x* = 0
    k0 = smallest_consistent_start(beta)
    at = int(np.flatnonzero(k == k0)[0])
    weight = file["t"][at] ** 2 / 4 + file["t"][at] * beta / (2 * np.sqrt(smoothness))
    lyapunov = float(np.mean(weight * file["gap_29"][:, at] + file["squared_distance_29"][:, at] / 2))
    compared = {
        "gap_over_bound_30": (
            file["gap_29"],
            nnag_gap_bound(k, initial=lyapunov, smoothness=smoothness, beta=beta, c=c, k0=k0),
        ),
        "gap_over_bound_32": (file["gap_31"], modified_gap_bound(k, initial=start, c=c)),
        "gradient_over_bound_33": (
            file["smallest_31"],
            modified_gradient_bound(k, initial=start, smoothness=smoothness, c=c),
        ),
    }
    rows, tables = [], []
    for name, (values, bound) in compared.items():
        ratio = values / bound
        inside = np.flatnonzero(k >= max(COMPARED_FROM, k0))
        worst = inside[np.argmax(ratio[:, inside].mean(axis=0))]
        value, low, high = mean_interval(ratio[:, worst])
        rows.append(Measure(quantity=name, value=value, ci_low=low, ci_high=high, seeds=len(values)))
        rows.append(Measure(quantity=f"{name}_worst_k", value=float(k[worst])))
        mean = values.mean(axis=0)
        fitted = k >= FITTED_FROM
        found = order(k[fitted], mean[fitted]) if fitted.sum() > 1 else float("nan")
        rows.append(Measure(quantity=f"slope_{name.split('_over_')[0]}_{name[-2:]}", value=found, seeds=len(values)))
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        tables.append(
            pd.DataFrame(
                {"bound": f"({name[-2:]})", "k": file["k"], "mean": mean, "standard_error": error, "limit": bound}
            )
        )
    # (33) is printed for every k, but the sum that its denominator bounds from below is bounded with a wrong sign.
    smallest, bound = compared["gradient_over_bound_33"]
    every = (smallest.mean(axis=0) / bound)[k >= 2]
    rows.append(Measure(quantity="gradient_over_bound_33_from_k_2", value=float(every.max()), seeds=len(smallest)))
    rows.append(Measure(quantity="smallest_consistent_start", value=float(k0)))
    rows.append(Measure(quantity="lyapunov_at_start", value=lyapunov, seeds=len(file["gap_29"])))
    write_measures(measures, rows)
    pd.concat(tables).to_csv(curves, index=False)
