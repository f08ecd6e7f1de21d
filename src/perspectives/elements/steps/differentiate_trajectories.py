"""Differentiate a loss through solvers of the Lotka-Volterra equations, by four adjoints and at several sizes."""

import jax.numpy as jnp
import numpy as np
import pandas as pd

from perspectives.elements.adjoints import BACKSOLVE, DIRECT, FORWARD, RECURSIVE, gradient
from perspectives.elements.lotka_volterra import (
    NAMES,
    STARTS,
    adaptive_states,
    euler_states,
    observation_times,
    observed,
    trajectory,
)
from perspectives.elements.settings import IntegrationSettings
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.workbench.step import Output

TOLERANCES = tuple(10.0**-k for k in range(3, 14))
"""Relative and absolute, of the adaptive solver. The last one is the reference for the others."""
STEPS = (0.02, 0.01, 0.005, 0.0025, 0.00125)
"""Of Euler's method; periods last about ten. The companion's step, 1e-3, lies just below."""
SOLVERS = {"tsit5": (adaptive_states, TOLERANCES), "euler": (euler_states, STEPS)}
RUNS = (
    ("euler", RECURSIVE),
    ("euler", BACKSOLVE),
    ("tsit5", RECURSIVE),
    ("tsit5", DIRECT),
    ("tsit5", FORWARD),
    ("tsit5", BACKSOLVE),
)
AT = "w1"
"""Parameters at which the loss is differentiated: at the true ones its gradient is little but noise."""


def differentiate_trajectories(
    *, settings: IntegrationSettings, seed: int, gradients: Output, errors: Output, progress: Progress
) -> None:
    """Write gradients by solver, adjoint and size, and the errors of Euler's trajectories by step."""
    times = observation_times(settings.horizon, settings.observations)
    observations = observed(times, settings.noise, key=stream(seed, "elements.integration.noise"))
    parameters = jnp.asarray(STARTS[AT])
    parts, states = [], {}
    for done, (solver, adjoint) in enumerate(RUNS):
        progress(done, len(RUNS))
        solve, sizes = SOLVERS[solver]
        found, states[solver, adjoint] = gradient(solve, adjoint, parameters, times, observations, jnp.asarray(sizes))
        columns = dict(zip(NAMES, np.asarray(found).T, strict=True))
        parts.append(pd.DataFrame({"solver": solver, "adjoint": adjoint, "size": sizes, **columns}))
    pd.concat(parts).to_csv(gradients, index=False)
    difference = states["euler", RECURSIVE] - trajectory(parameters, times)
    largest = np.asarray(jnp.max(jnp.linalg.norm(difference, axis=2), axis=1))
    pd.DataFrame({"step": STEPS, "error": largest}).to_csv(errors, index=False)
    progress(1, 1)
