"""Fit the Lotka-Volterra parameters from two wrong starts, over all observations at once and over growing windows."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from perspectives.elements.lotka_volterra import NAMES, STARTS, TRUTH, observation_times, observed, trajectory
from perspectives.elements.settings import IntegrationSettings
from perspectives.elements.trajectory_fit import fit
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.workbench.step import Output

WINDOWS = (0.1, 0.2, 0.4, 1.0)
"""Shares of the observations that one fit after another sees, each from where the one before ended."""
SCHEDULES = {"whole": (1.0,), "growing": WINDOWS}
FINE = 5
"""Drawn times between two observations."""
GROWTHS = np.linspace(0.05, 0.8, 301)
"""Values of the prey's growth along which losses are drawn, the other parameters being true."""


def fit_trajectories(
    *,
    settings: IntegrationSettings,
    seed: int,
    fits: Output,
    trajectories: Output,
    landscapes: Output,
    progress: Progress,
) -> None:
    """Write fits by start, parametrisation, schedule and window; trajectories with the data; losses along a line."""
    times = observation_times(settings.horizon, settings.observations)
    observations = observed(times, settings.noise, key=stream(seed, "elements.integration.noise"))
    runs = [
        (start, parametrisation, schedule)
        for start in STARTS
        for parametrisation in ("raw", "log")
        for schedule in SCHEDULES
    ]
    rows, ends = [], {}
    for done, (start, parametrisation, schedule) in enumerate(runs):
        progress(done, len(runs))
        parameters, logarithmic = jnp.asarray(STARTS[start]), jnp.asarray(parametrisation == "log")
        for share in SCHEDULES[schedule]:
            count = round(share * settings.observations)
            weights = jnp.where(jnp.arange(len(times)) < count, 1.0, 0.0)
            found = fit(parameters, logarithmic, times, observations, weights)
            parameters = found.parameters
            errors = dict(zip([f"error_{name}" for name in NAMES], found.standard_errors.tolist(), strict=True))
            values = dict(zip(NAMES, parameters.tolist(), strict=True))
            how = {
                "mean_square": float(found.mean_square),
                "steps": int(found.steps),
                "converged": int(found.converged),
            }
            at = {"start": start, "parametrisation": parametrisation, "schedule": schedule, "window": count}
            rows.append({**at, **values, **errors, **how})
        ends[f"{start} {parametrisation} {schedule}"] = parameters
    pd.DataFrame(rows).to_csv(fits, index=False)

    fine = times[1] / FINE * jnp.arange(FINE * len(times))  # each observation is at one of these
    named = {"truth": jnp.asarray(TRUTH), **{name: jnp.asarray(start) for name, start in STARTS.items()}, **ends}
    along = jnp.asarray(TRUTH) + jnp.asarray(GROWTHS - TRUTH[0])[:, None] * jnp.eye(4)[0]
    swept = jnp.concatenate([jnp.stack(list(named.values())), along])
    states = np.asarray(jax.vmap(trajectory, in_axes=(0, None))(swept, fine))
    parts = [
        pd.DataFrame({"series": name, "t": np.asarray(fine), "x": one[:, 0], "y": one[:, 1]})
        for name, one in zip(named, states, strict=False)
    ]
    data = np.asarray(observations)
    parts.append(pd.DataFrame({"series": "observed", "t": np.asarray(times), "x": data[:, 0], "y": data[:, 1]}))
    pd.concat(parts).to_csv(trajectories, index=False)

    squares = np.mean((states[len(named) :, ::FINE] - data) ** 2, axis=2)
    parts = []
    for share in WINDOWS:
        count = round(share * settings.observations)
        parts.append(pd.DataFrame({"window": count, "a": GROWTHS, "mean_square": squares[:, :count].mean(axis=1)}))
    pd.concat(parts).to_csv(landscapes, index=False)
    progress(1, 1)
