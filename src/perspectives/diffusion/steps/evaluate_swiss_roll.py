"""Evaluate trained drifts of the swiss roll: bounds, likelihoods by the ODE, and the truth."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from perspectives.diffusion.bounds import elbo
from perspectives.diffusion.likelihood import flow_log_likelihood
from perspectives.diffusion.networks import DriftScore
from perspectives.diffusion.sde import VariancePreserving
from perspectives.diffusion.settings import SwissRollSettings
from perspectives.diffusion.swiss_roll import log_density, network, sample
from perspectives.numerics.streams import stream
from perspectives.numerics.trees import with_arrays
from perspectives.workbench.arrays import read_groups, write_groups
from perspectives.workbench.step import Input, Output

POINTS_AT_ONCE = 4
"""Points whose bounds are one batch: with their times some thousand evaluations, which fit a processor's cache."""
SOLVES_AT_ONCE = 250
"""Points solved in one batch, which takes as many steps as its slowest."""
HALF_WIDTH = 3.3
"""Of the square that is drawn; the roll lies within."""
CELLS = 88


def evaluate_swiss_roll(*, settings: SwissRollSettings, seed: int, weights: Input, evaluation: Output) -> None:
    """Write ELBO by seed and point, for averaged and last weights; likelihoods by the ODE for averaged ones; the truth.

    All of it in nats. Points and noise are the same for both proposals and all seeds. The first seed's likelihood is
    written on a grid too.
    """
    sde = VariancePreserving()
    make = jax.vmap(lambda key: network(settings, key=key))
    template = jax.eval_shape(make, jax.random.split(jax.random.key(0), settings.seeds))
    point_key, noise_key = jax.random.split(stream(seed, "diffusion/swiss_roll/evaluation"))
    x = sample(settings.points, key=point_key)
    keys = jax.random.split(noise_key, settings.points)

    @jax.jit
    def bounds(stacked: Any, x: Float[Array, "points 2"], keys: Key[Array, "points"]) -> Float[Array, "seeds points"]:
        def of(drift: Any) -> Float[Array, "points"]:
            at = DriftScore(drift, sde)
            one = lambda now: elbo(sde, at, now[0], times=settings.times, key=now[1])  # noqa: E731
            return jax.lax.map(one, (x, keys), batch_size=POINTS_AT_ONCE)

        return jax.lax.map(of, stacked)

    @jax.jit
    def likelihoods(stacked: Any, x: Float[Array, "points 2"]) -> Float[Array, "seeds points"]:
        def of(drift: Any) -> Float[Array, "points"]:
            at = DriftScore(drift, sde)
            one = lambda now: flow_log_likelihood(sde, at, now).log_likelihood  # noqa: E731
            return jax.lax.map(one, x, batch_size=SOLVES_AT_ONCE)

        return jax.lax.map(of, stacked)

    @jax.jit
    def truth(x: Float[Array, "points 2"]) -> Float[Array, "points"]:
        return jax.lax.map(lambda x: log_density(x, sde), x.astype(jnp.float64), batch_size=SOLVES_AT_ONCE)

    saved = {name: with_arrays(template, arrays) for name, arrays in read_groups(weights).items()}
    centres = (jnp.arange(CELLS, dtype=jnp.float32) + 0.5) * (2 * HALF_WIDTH / CELLS) - HALF_WIDTH
    grid = jnp.stack(jnp.meshgrid(centres, centres, indexing="ij"), axis=-1).reshape(-1, 2)
    first = jax.tree.map(lambda array: array[:1], saved["average"])
    shape = (CELLS, CELLS)
    found = {
        "points": {
            "x": x,
            "truth": truth(x),
            "flow": likelihoods(saved["average"], x),
            **{f"elbo_{name}": bounds(drifts, x, keys) for name, drifts in saved.items()},
        },
        "grid": {
            "centres": centres,
            "truth": truth(grid).reshape(shape),
            "flow": likelihoods(first, grid).reshape(shape),
        },
    }
    write_groups(evaluation, jax.tree.map(np.asarray, found))
