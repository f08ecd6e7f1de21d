"""Prior distributions over a network's arrays, one scale an array, so that they are blind to permutations of units."""

import math
from typing import Any, Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.stats import norm
from jaxtyping import Array, Float, PyTree

from perspectives.numerics.trees import is_inexact

Family = Literal["fan_in", "isotropic", "laplace"]


class Prior(eqx.Module):
    """Independent centred Gaussian or Laplace distributions; `deviation` has one standard deviation for each array."""

    deviation: PyTree[Float[Array, ""]]
    laplace: bool = eqx.field(static=True, default=False)

    def divergence(self, mean: PyTree, deviation: PyTree) -> Float[Array, ""]:
        """Return KL(N(mean, deviation^2) || prior) in nats, summed over all arrays.

        **Source**: Gaussian: log(p / s) + (s^2 + m^2) / (2 p^2) - 1/2. Laplace of standard deviation p, scale
        b = p / sqrt(2): log(2 b) + E|x| / b - log(s sqrt(2 pi e)), where E|x| is the mean of the folded Gaussian,
        s sqrt(2 / pi) exp(-m^2 / (2 s^2)) + m (1 - 2 Phi(-m / s)).
        """
        one = _laplace_divergence if self.laplace else _gaussian_divergence
        return _total(one, self.deviation, mean, deviation)

    def penalty(self, point: PyTree) -> Float[Array, ""]:
        """Return -log p(point) in nats, up to a constant: what a point estimate pays.

        **Source**: x^2 / (2 p^2) for the Gaussian, |x| / b for the Laplace distribution.
        """

        def one(prior: Float[Array, ""], x: Float[Array, "..."]) -> Float[Array, ""]:
            return jnp.sum(jnp.abs(x)) * jnp.sqrt(2.0) / prior if self.laplace else jnp.sum(x**2) / (2 * prior**2)

        return _total(one, self.deviation, point)


def prior(model: PyTree, family: Family, variance: float) -> Prior:
    """Return the prior of `family` over the inexact arrays of `model`.

    "fan_in" is Gaussian with variance / fan-in for arrays of two or more axes, all but the first making the fan-in, and
    `variance` for the rest, biases and scales: with variance 2 He et al.'s (2015) initial distribution. "isotropic" is
    Gaussian with `variance` throughout. "laplace" has the variances of "fan_in". **Raises**: ValueError for another
    family or a variance that is not positive.
    """
    if family not in get_args(Family) or not variance > 0:
        raise ValueError(f"a prior of family {family!r} and variance {variance}: one of {get_args(Family)}, above 0")

    def deviation(array: Any) -> Float[Array, ""]:
        fan_in = math.prod(array.shape[1:]) if array.ndim > 1 and family != "isotropic" else 1
        return jnp.sqrt(jnp.asarray(variance / fan_in, array.dtype))

    return Prior(jax.tree.map(deviation, eqx.filter(model, is_inexact)), laplace=family == "laplace")


def _total(one: Any, deviation: PyTree, *rest: PyTree) -> Float[Array, ""]:
    rest = tuple(eqx.filter(tree, eqx.is_inexact_array) for tree in rest)
    return jax.tree.reduce(jnp.add, jax.tree.map(one, deviation, *rest))


def _gaussian_divergence(
    prior: Float[Array, ""], mean: Float[Array, "..."], deviation: Float[Array, "..."]
) -> Float[Array, ""]:
    quadratic = (deviation**2 + mean**2) / (2 * prior**2)
    return jnp.sum(jnp.log(prior) - jnp.log(deviation) + quadratic - 0.5)


def _laplace_divergence(
    prior: Float[Array, ""], mean: Float[Array, "..."], deviation: Float[Array, "..."]
) -> Float[Array, ""]:
    scale = prior / jnp.sqrt(2.0)
    ratio = mean / deviation
    folded = deviation * jnp.sqrt(2 / jnp.pi) * jnp.exp(-(ratio**2) / 2) + mean * (1 - 2 * norm.cdf(-ratio))
    entropy = jnp.log(deviation) + 0.5 * jnp.log(2 * jnp.pi * jnp.e)
    return jnp.sum(jnp.log(2 * scale) + folded / scale - entropy)
