"""The maximum of scores with Gumbel noise: exact values, and optax's estimates of them."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key
from optax.perturbations import Gumbel, make_perturbed_fun

Scores = Float[Array, "classes"]


class Perturbed(NamedTuple):
    """The expected indicator of the argument of the maximum, the expected maximum, and their derivatives by scores."""

    argmax: Float[Array, "*batches classes"]
    maximum: Float[Array, "*batches"]
    argmax_jacobian: Float[Array, "*batches classes classes"]
    maximum_gradient: Float[Array, "*batches classes"]


def hard(scores: Scores) -> tuple[Float[Array, "classes"], Float[Array, ""]]:
    """Return the indicator of the largest of `scores`, and the largest: what is smoothed."""
    return jax.nn.one_hot(jnp.argmax(scores), len(scores), dtype=scores.dtype), jnp.max(scores)


def exact(scores: Scores) -> Perturbed:
    """Return what noise of the centred Gumbel distribution makes of `hard` in the mean.

    **Source**: the Gumbel-max theorem (Gumbel 1954): softmax and log-sum-exp; their derivatives by `jax.jacobian`.
    """
    return Perturbed(
        jax.nn.softmax(scores),
        jax.nn.logsumexp(scores),
        jax.jacobian(jax.nn.softmax)(scores),
        jax.grad(jax.nn.logsumexp)(scores),
    )


@partial(jax.jit, static_argnames=("draws", "batches"))
def estimated(scores: Scores, *, draws: int, batches: int, key: Key[Array, ""]) -> Perturbed:
    """Return estimates of `exact`, one a batch of `draws` / `batches` draws, so that their spread says what to expect.

    **Source**: Berthet et al. 2020 by `optax.perturbations`, whose derivatives are score-function estimates with a
    baseline. Its noise has mean 0.577, Euler's constant, which is taken off the maximum.
    """
    function: Any = make_perturbed_fun(hard, num_samples=draws // batches, sigma=1.0, noise=Gumbel())  # pyright: ignore

    def of_batch(key: Key[Array, ""]) -> Perturbed:
        argmax, maximum = function(key, scores)
        jacobian, gradient = jax.jacfwd(function, argnums=1)(key, scores)
        return Perturbed(argmax, maximum - np.euler_gamma, jacobian, gradient)

    return jax.lax.map(of_batch, jax.random.split(key, batches))


def density(z: Float[np.ndarray, "points"]) -> Float[np.ndarray, "points"]:
    """Return the density of the centred Gumbel distribution: mean 0, mode minus Euler's constant."""
    shifted = z + np.euler_gamma
    return np.exp(-shifted - np.exp(-shifted))
