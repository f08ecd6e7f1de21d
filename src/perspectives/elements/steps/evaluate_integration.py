"""Evaluate gradients through solvers, and fits of trajectories."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

from perspectives.elements.adjoints import BACKSOLVE, DIRECT, FORWARD, RECURSIVE, relative_distance
from perspectives.elements.lotka_volterra import NAMES, TRUTH
from perspectives.numerics.statistics import order
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output

EULER_STEP = 0.01
"""Whose gap is the finding."""
MISSED = 0.1
"""Relative error of a parameter beyond which a fit has missed the truth: several standard errors of any."""


def evaluate_integration(
    *, gradients: Input, errors: Input, fits: Input, gaps: Output, estimates: Output, measures: Output
) -> None:
    """Write distances between gradients, z-scores of fits, orders in Euler's step, and the claims' numbers."""
    # Any: pandas' own types are too narrow for what indexing returns.
    gap: Any = _gaps(pd.read_csv(gradients))
    gap.to_csv(gaps, index=False)
    compared: dict[Any, Any] = {
        key: rows.set_index("size")["distance"] for key, rows in gap.groupby(["solver", "adjoint", "from"])
    }
    euler = pd.read_csv(errors)
    of_adjoint = compared["euler", BACKSOLVE, RECURSIVE]
    steps = of_adjoint.index.to_numpy(dtype=float)

    fitted: Any = _z_scores(pd.read_csv(fits))
    fitted.to_csv(estimates, index=False)
    last = fitted[fitted["window"] == fitted["window"].max()]
    recovered = last.query("parametrisation == 'log' and schedule == 'growing'")
    missed = last["furthest"] > MISSED

    def at(tolerance: float, adjoint: str, reference: str = RECURSIVE) -> float:
        series = compared["tsit5", adjoint, reference]
        return float(series.iloc[np.argmin(np.abs(np.log(series.index.to_numpy(dtype=float) / tolerance)))])

    rows = [
        Measure(quantity="order_euler", value=order(euler["step"].to_numpy(), euler["error"].to_numpy())),
        Measure(quantity="recursive_minus_forward", value=float(compared["tsit5", FORWARD, RECURSIVE].max())),
        Measure(quantity="recursive_minus_direct", value=float(compared["tsit5", DIRECT, RECURSIVE].max())),
        Measure(quantity="backsolve_gap_1e-6", value=at(1e-6, BACKSOLVE)),
        Measure(quantity="backsolve_gap_1e-10", value=at(1e-10, BACKSOLVE)),
        Measure(quantity="backsolve_error_1e-6", value=at(1e-6, BACKSOLVE, "reference")),
        Measure(quantity="recursive_error_1e-6", value=at(1e-6, RECURSIVE, "reference")),
        Measure(quantity="order_backsolve_gap", value=order(steps, of_adjoint.to_numpy())),
        Measure(quantity="backsolve_gap_euler", value=float(of_adjoint.loc[EULER_STEP])),
        Measure(
            quantity="recursive_error_euler", value=float(compared["euler", RECURSIVE, "reference"].loc[EULER_STEP])
        ),
        Measure(
            quantity="backsolve_error_euler", value=float(compared["euler", BACKSOLVE, "reference"].loc[EULER_STEP])
        ),
        Measure(quantity="largest_z", value=float(recovered["largest_z"].max())),
    ]
    for schedule, name in (("whole", "missed_whole_window_fits"), ("growing", "missed_growing_window_fits")):
        rows.append(Measure(quantity=name, value=float(missed[last["schedule"] == schedule].sum())))
    write_measures(measures, rows)


def _gaps(gradients: Any) -> pd.DataFrame:
    """Return relative distances of gradients, by size: from recursive checkpoints', and from the reference."""
    parts = []
    reference = gradients.query("solver == 'tsit5' and adjoint == @RECURSIVE").sort_values("size")[list(NAMES)].iloc[0]
    for (solver, adjoint), rows in gradients.groupby(["solver", "adjoint"], sort=False):
        ours = jnp.asarray(rows[list(NAMES)])
        discrete = gradients.query("solver == @solver and adjoint == @RECURSIVE")[list(NAMES)]
        for name, target in ((RECURSIVE, discrete), ("reference", reference)):
            distance = np.asarray(relative_distance(ours, jnp.asarray(target)))
            parts.append(
                pd.DataFrame(
                    {"solver": solver, "adjoint": adjoint, "from": name, "size": rows["size"], "distance": distance}
                )
            )
    return pd.concat(parts)


def _z_scores(fits: pd.DataFrame) -> pd.DataFrame:
    """Return the fits with their z-scores, the largest, and the largest relative error of a parameter."""
    offsets = fits[list(NAMES)] - np.array(TRUTH)
    z = offsets / fits[[f"error_{name}" for name in NAMES]].to_numpy()
    return fits.assign(
        **{f"z_{name}": z[name] for name in NAMES},
        largest_z=z.abs().max(axis=1),
        furthest=(offsets / np.array(TRUTH)).abs().max(axis=1).fillna(np.inf),
    )
