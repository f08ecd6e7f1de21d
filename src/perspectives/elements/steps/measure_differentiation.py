"""Measure the errors of numerical differentiation, and automatic differentiation at kinks."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy.special import expit

from perspectives.elements import finite_differences, kinks
from perspectives.elements.settings import DifferentiationSettings
from perspectives.numerics import statistics
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

RULES = {
    "forward": finite_differences.forward_difference,
    "central": finite_differences.central_difference,
    "complex": finite_differences.complex_step,
}
TRUNCATION_FROM = {"forward": 1e-6, "central": 10**-3.5, "complex": 10**-3.5}
"""Steps from which on truncation exceeds cancellation, which is about eps over the step; up to `TRUNCATION_TO`."""
TRUNCATION_TO = 0.1
POINT = 1.0
"""Where the companion code differentiates."""
INTERVAL = (-2.0, 2.0)
TINY_STEPS = np.geomspace(1e-300, 1e-8, 293)
"""Steps at which a difference has no correct digit left; the last are near the smallest float64."""


def measure_differentiation(
    *,
    settings: DifferentiationSettings,
    functions: Output,
    errors: Output,
    best_steps: Output,
    kinked: Output,
    measures: Output,
) -> None:
    """Write orders, complex-step errors, best steps, errors of automatic differentiation, and its answers at kinks."""
    steps = np.logspace(-14, 0, settings.steps)
    points = np.linspace(*INTERVAL, settings.points)
    curves = {
        name: np.abs(rule(finite_differences.softplus, np.array([POINT]), steps) - expit(POINT))
        for name, rule in RULES.items()
    }
    pd.concat([pd.DataFrame({"rule": name, "step": steps, "error": curve}) for name, curve in curves.items()]).to_csv(
        errors, index=False
    )
    rows = []
    for name, curve in curves.items():
        window = (steps >= TRUNCATION_FROM[name]) & (steps <= TRUNCATION_TO)
        rows.append(Measure(quantity=f"order_{name}", value=statistics.order(steps[window], curve[window])))
        rows.append(Measure(quantity=f"smallest_{name}_error", value=float(curve.min())))

    tiny = finite_differences.complex_step(finite_differences.softplus, points[:, None], TINY_STEPS)
    small = max(float(curves["complex"][steps <= 1e-8].max()), float(np.abs(tiny - expit(points)[:, None]).max()))
    rows.append(Measure(quantity="largest_complex_error", value=small))

    factors, table = [], {"x": points}
    for name, optimum, power in (
        ("forward", finite_differences.forward_optimum, 1 / 2),
        ("central", finite_differences.central_optimum, 1 / 3),
    ):
        values = RULES[name](finite_differences.softplus, points[:, None], steps)
        best = finite_differences.best_steps(np.abs(values - expit(points)[:, None]), steps)
        factors.append(float(np.median(best)) / finite_differences.EPSILON**power)
        rows.append(Measure(quantity=f"median_best_{name}_step", value=float(np.median(best))))
        table |= {name: best, f"{name}_optimum": optimum(points)}
    rows.append(Measure(quantity="best_step_factor", value=max(max(one, 1 / one) for one in factors)))
    pd.DataFrame(table).to_csv(best_steps, index=False)

    automatic = jax.jit(jax.vmap(jax.grad(lambda x: jnp.log1p(jnp.exp(x)))))(jnp.asarray(points))
    relative = np.abs(np.asarray(automatic) / expit(points) - 1)
    rows.append(Measure(quantity="automatic_error", value=float(relative.max())))

    found = kinks.derivatives(jnp.array([kink.at for kink in kinks.KINKS]))
    missed = kinks.outside(found)
    columns = {"function": [kink.name for kink in kinks.KINKS], "at": [kink.at for kink in kinks.KINKS]}
    pd.DataFrame(columns | found._asdict() | {"outside": missed}).to_csv(kinked, index=False)
    rows.append(Measure(quantity="kinks_outside_subdifferential", value=float(missed.sum())))
    rows.append(Measure(quantity="kinks", value=float(len(missed))))
    write_measures(measures, rows)

    x = jnp.linspace(*INTERVAL, 401)
    shown = {"step": kinks.unit_step, "sparse sigmoid": kinks.sparse_sigmoid, "logistic": jax.nn.sigmoid}
    drawn = jax.jit(
        lambda x: {name: (one(x), jax.vmap(jax.grad(lambda u, one=one: one(u)))(x)) for name, one in shown.items()}
    )(x)
    pd.concat(
        [
            pd.DataFrame({"function": name, "x": x, "value": value, "derivative": derivative})
            for name, (value, derivative) in drawn.items()
        ]
    ).to_csv(functions, index=False)
