"""The swiss roll in the plane: samples, and its density at every time of an inference SDE by quadrature.

Positions u in [0, 1] along a spiral, uniform, and normal noise: the density is an integral over u of normal densities,
and stays one under a linear SDE.
"""

from math import log, pi

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jaxtyping import Array, DTypeLike, Float, Key

from perspectives.diffusion.networks import TimePerceptron
from perspectives.diffusion.sde import InferenceSde, Time
from perspectives.diffusion.settings import SwissRollSettings

SCALE = 5.0
"""Coordinates are divided by it: a derivative of the authors' notebook."""
DEVIATION = 0.5 / SCALE
"""Of the noise in a coordinate: 0.5 before scaling, from the same place."""
NODES = 4000
"""Of the midpoint rule in u: 0.007 apart along the outermost winding, where the noise deviates by 0.1."""
ROUND = 100
"""Steps of Adam in one compiled round."""


def spiral(u: Float[Array, "*shape"]) -> Float[Array, "*shape 2"]:
    """Return the point of the spiral without noise at position `u` in [0, 1].

    **Source**: scikit-learn's `make_swiss_roll`, coordinates 0 and 2: t (cos t, sin t), t = 3 pi (1 + 2 u) / 2, over
    `SCALE`.
    """
    t = 1.5 * pi * (1 + 2 * u)
    return jnp.stack([t * jnp.cos(t), t * jnp.sin(t)], axis=-1) / SCALE


def sample(number: int, *, dtype: DTypeLike = jnp.float32, key: Key[Array, ""]) -> Float[Array, "number 2"]:
    """Return independent points of the roll."""
    position_key, noise_key = jax.random.split(key)
    u = jax.random.uniform(position_key, (number,), dtype)
    return spiral(u) + DEVIATION * jax.random.normal(noise_key, (number, 2), dtype)


def log_density(x: Float[Array, "2"], sde: InferenceSde, s: Time = 0.0) -> Float[Array, ""]:
    """Return log q_s(x) in nats, the density of Y_s from the roll; that of the roll itself at s = 0.

    **Source**: the integral over u of N(x; m spiral(u), m^2 `DEVIATION`^2 + v), by the midpoint rule with `NODES`.
    """
    m, variance = sde.mean_factor(s), (sde.mean_factor(s) * DEVIATION) ** 2 + sde.variance(s)
    u = (jnp.arange(NODES, dtype=x.dtype) + 0.5) / NODES
    square = jnp.square(x - m * spiral(u)).sum(1)
    return logsumexp(-0.5 * square / variance) - log(NODES) - jnp.log(2 * pi * variance)


def coordinate_density(x: Float[Array, ""], sde: InferenceSde, s: Time) -> Float[Array, ""]:
    """Return the density at `x` of the first coordinate of Y_s from the roll."""
    m, variance = sde.mean_factor(s), (sde.mean_factor(s) * DEVIATION) ** 2 + sde.variance(s)
    u = (jnp.arange(NODES, dtype=x.dtype) + 0.5) / NODES
    square = jnp.square(x - m * spiral(u)[:, 0])
    return jnp.exp(-0.5 * square / variance).mean() / jnp.sqrt(2 * pi * variance)


def network(settings: SwissRollSettings, *, key: Key[Array, ""]) -> TimePerceptron:
    """Return the network for the drift of the roll, untrained, in float32."""
    return TimePerceptron(2, width=settings.width, depth=settings.depth, key=key)
