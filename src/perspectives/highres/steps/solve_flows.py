"""Solve the ODEs (10), (14) and (19) on one ridge logistic regression."""

import jax
import jax.numpy as jnp
import numpy as np

from perspectives.highres import flows
from perspectives.highres.problems import planted_logistic
from perspectives.highres.settings import FlowSettings
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.workbench.step import Output

START = 2.0
"""Every coordinate of the starting point."""


def solve_flows(*, settings: FlowSettings, seed: int, trajectories: Output, progress: Progress) -> None:
    """Write the trajectories of (10), (14) and (19) at s = 1/L from rest, with their problem."""
    key = stream(seed, "highres.flows.problem")
    problem = planted_logistic(settings.samples, settings.dimensions, settings.ridge, key=key)
    start = jnp.full(settings.dimensions, START)
    s = 1 / problem.smoothness
    h = jnp.sqrt(s)
    odes = {
        "ode_10": (flows.first_choice(h), settings.horizon),
        "ode_14": (flows.second_choice(h), settings.horizon),
        "ode_19": (flows.StronglyConvexFlow(h, settings.ridge), settings.horizon_strongly_convex),
    }
    arrays: dict[str, jax.Array] = {
        "features": problem.features,
        "labels": problem.labels,
        "ridge": problem.ridge,
        "s": s,
    }
    for done, (name, (flow, horizon)) in enumerate(odes.items()):
        progress(done, len(odes))
        times = jnp.linspace(0.0, horizon, settings.points)
        motion = flows.solve(flow, problem, start, times)
        arrays[f"{name}_times"] = times
        arrays[f"{name}_x"] = motion.states.x
        arrays[f"{name}_v"] = motion.states.v
        arrays[f"{name}_steps"] = motion.steps
    np.savez(trajectories, allow_pickle=False, **{name: np.asarray(values) for name, values in arrays.items()})
    progress(len(odes), len(odes))
