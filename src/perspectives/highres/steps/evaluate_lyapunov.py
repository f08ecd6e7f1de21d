"""Measure how the Lyapunov functions fall along the saved trajectories."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from perspectives.highres import flows, lyapunov
from perspectives.highres.problems import LogisticRegression, newton_minimiser
from perspectives.numerics.statistics import slope
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output

RESOLVED = 1e-9
"""The rate is fitted where the gap is above this part of the first: below, the solver's tolerance is seen."""


def evaluate_lyapunov(*, trajectories: Input, measures: Output, curves: Output) -> None:
    """Write the largest relative increase of each Lyapunov function, the fitted rate of (19), and all curves."""
    with np.load(trajectories, allow_pickle=False) as saved:
        arrays = {name: jnp.asarray(saved[name]) for name in saved.files}
    problem = LogisticRegression(arrays["features"], arrays["labels"], arrays["ridge"])
    minimiser = newton_minimiser(problem)
    h, mu = jnp.sqrt(arrays["s"]), arrays["ridge"]
    odes = {
        "ode_10": flows.first_choice(h),
        "ode_14": flows.second_choice(h),
        "ode_19": flows.StronglyConvexFlow(h, mu),
    }
    rows, tables = [], []
    for name, flow in odes.items():
        times, x, v = (arrays[f"{name}_{part}"] for part in ("times", "x", "v"))
        gap = jax.vmap(lambda x: problem.gap(x, minimiser))(x)
        if isinstance(flow, flows.ConvexFlow):
            weight = jax.vmap(lambda t, flow=flow: lyapunov.gap_weight(flow, t))(times)
            epsilon = jax.vmap(
                lambda t, v, gap, flow=flow: lyapunov.convex_lyapunov(flow, t, v, minimiser, gap)
            )(times, v, gap)  # fmt: skip
        else:
            weight = jnp.exp(jnp.sqrt(mu) * times)
            epsilon = jax.vmap(
                lambda t, x, v, gap, flow=flow: lyapunov.strongly_convex_lyapunov(flow, t, x, v, minimiser, gap)
            )(times, x, v, gap)  # fmt: skip
            resolved = np.asarray(gap > RESOLVED * gap[0])
            rate = -slope(np.asarray(times)[resolved], np.log(np.asarray(gap)[resolved]))
            rows += [
                Measure(quantity=f"rate_over_guarantee_{name}", value=rate / float(jnp.sqrt(mu))),
                Measure(quantity=f"rate_{name}", value=rate),
            ]
        rows += [
            Measure(quantity=f"relative_increase_{name}", value=float(jnp.max(jnp.diff(epsilon) / epsilon[:-1]))),
            Measure(quantity=f"gap_over_guarantee_{name}", value=float(jnp.max(weight * gap) / epsilon[0])),
            Measure(quantity=f"solver_steps_{name}", value=float(arrays[f"{name}_steps"])),
        ]
        tables.append(
            pd.DataFrame(
                {
                    "ode": name,
                    "time": times,
                    "lyapunov": epsilon / epsilon[0],
                    "gap": gap,
                    "guarantee": epsilon[0] / weight,
                }
            )
        )
    write_measures(measures, rows)
    pd.concat(tables).to_csv(curves, index=False)
