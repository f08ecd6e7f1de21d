"""Measure a density as an expectation over paths: by step, and by share of the optimal change of drift."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float, Key

from perspectives.diffusion.mixtures import ExactScore, GaussianMixture, marginal, two_modes
from perspectives.diffusion.path_weights import (
    PathWeights,
    ScaledShift,
    difference_error,
    log_mean_exp,
    path_weights,
    shifted_paths,
)
from perspectives.diffusion.plug_in import PlugIn
from perspectives.diffusion.sde import END, VariancePreserving
from perspectives.diffusion.settings import LaboratorySettings
from perspectives.numerics.streams import stream
from perspectives.workbench.arrays import write_groups
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

POINT = 0.5
"""Where the density is estimated: on the inner slope of the larger mode."""
SHARES = (1.0, 0.8, 0.5, 0.0)
"""Of the optimal change of drift; 0 is the Feynman-Kac formula alone."""
DRAWN = 12
"""Paths in the figure."""
DRAWN_STEPS = 200
BINS = 120


def measure_path_weights(
    *, settings: LaboratorySettings, seed: int, estimates: Output, curves: Output, measures: Output
) -> None:
    """Write estimates with their errors by steps and share; histograms of log weights, and paths, for the figure."""
    sde, mixture = VariancePreserving(), two_modes()
    plug_in = PlugIn(sde, ExactScore(mixture, sde))
    truth = float(mixture.log_density(jnp.array([POINT])))
    start = jnp.full((settings.paths, 1), POINT)
    key = stream(seed, "diffusion/path_weights")

    def simulate(steps: int, share: float) -> PathWeights:
        # One key for all shares: they are compared at one number of steps. Numbers of steps have streams of their own.
        shift = ScaledShift(sde, plug_in.score, jnp.asarray(share))
        grid = jnp.linspace(0.0, END, steps + 1)
        return path_weights(plug_in, shift, start, grid, key=jax.random.fold_in(key, steps))

    coarse, middle, finest = settings.finest // 16, settings.finest // 4, settings.finest
    found = {(steps, share): simulate(steps, share) for steps in (coarse, middle, finest) for share in SHARES}
    table = pd.DataFrame([_row(*which, weights, truth) for which, weights in found.items()])
    table.to_csv(estimates, index=False, float_format="%.9g")

    write_groups(
        curves,
        {
            "histogram": _histograms(found),
            "density": _density(mixture, sde),
            "paths": _paths(plug_in, key=stream(seed, "diffusion/path_weights/drawn")),
        },
    )

    rows = {(steps, share): row for (steps, share), row in zip(found, table.to_dict("records"), strict=True)}
    errors = {steps: abs(rows[steps, 1.0]["log_mean_exp"] - truth) for steps in (coarse, middle, finest)}
    z = {
        share: abs(rows[middle, share]["log_mean_exp"] - rows[middle, 1.0]["log_mean_exp"])
        / float(difference_error(found[middle, share].log_weight, found[middle, 1.0].log_weight))
        for share in (0.8, 0.5)
    }
    write_measures(
        measures,
        [
            Measure(quantity="feynman_kac_error", value=errors[finest]),
            Measure(quantity="feynman_kac_error_ratio", value=errors[middle] / errors[finest]),
            Measure(quantity="feynman_kac_standard_error", value=rows[finest, 1.0]["standard_error"]),
            Measure(quantity="largest_girsanov_z", value=max(z.values())),
            *(Measure(quantity=f"girsanov_z_{share:g}", value=value) for share, value in z.items()),
            Measure(
                quantity="weight_deviation_ratio",
                value=rows[middle, 1.0]["deviation"] / rows[finest, 1.0]["deviation"],
            ),
            *(
                Measure(quantity=f"effective_share_{share:g}", value=rows[finest, share]["effective_share"])
                for share in SHARES
            ),
            *(Measure(quantity=f"bound_gap_{share:g}", value=rows[finest, share]["bound"] - truth) for share in SHARES),
        ],
    )


def _row(steps: int, share: float, weights: PathWeights, truth: float) -> dict[str, Any]:
    estimate = log_mean_exp(weights.log_weight)
    bound = np.asarray(weights.bound)
    return {
        "steps": steps,
        "share": share,
        "truth": truth,
        "log_mean_exp": float(estimate.value),
        "standard_error": float(estimate.error),
        "effective_share": float(estimate.effective_share),
        "deviation": float(np.std(weights.log_weight)),
        "mean_log_weight": float(np.mean(weights.log_weight)),
        "bound": float(bound.mean()),
        "bound_standard_error": float(bound.std() / len(bound) ** 0.5),
    }


def _histograms(found: dict[tuple[int, float], PathWeights]) -> dict[str, np.ndarray]:
    """Return densities of log weights within [-8, 4], which is where those that count are."""
    edges = np.linspace(-8.0, 4.0, BINS + 1)
    counts = [np.histogram(weights.log_weight, edges)[0] / len(weights.log_weight) for weights in found.values()]
    steps, shares = (np.array(values) for values in zip(*found, strict=True))
    return {"steps": steps, "shares": shares, "edges": edges, "density": np.array(counts) / (edges[1] - edges[0])}


def _density(mixture: GaussianMixture, sde: VariancePreserving) -> dict[str, np.ndarray]:
    """Return the marginals q_s(y), what the optimal shift makes paths start from the data follow."""
    s, y = jnp.linspace(0.0, END, 81), jnp.linspace(-4.0, 4.0, 161)

    def at(s: Float[Array, ""]) -> Float[Array, "y"]:
        return jnp.exp(jax.vmap(marginal(mixture, sde, s).log_density)(y[:, None]))

    return {"s": np.asarray(s), "y": np.asarray(y), "density": np.asarray(jax.jit(jax.vmap(at))(s))}


def _paths(plug_in: PlugIn, *, key: Key[Array, ""]) -> dict[str, np.ndarray]:
    times = jnp.linspace(0.0, END, DRAWN_STEPS + 1)
    start = jnp.full((DRAWN, 1), POINT)
    drawn = [
        shifted_paths(plug_in, ScaledShift(plug_in.sde, plug_in.score, jnp.asarray(share)), start, times, key=key)
        for share in SHARES
    ]
    return {"s": np.asarray(times), "shares": np.array(SHARES), "y": np.stack(drawn)[..., 0]}
