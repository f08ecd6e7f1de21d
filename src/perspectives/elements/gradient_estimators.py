"""Estimators of d/dm E f(m + sigma Z), Z standard normal: where they aim, how far they scatter, how fast they converge.

The score-function estimators ask for values of f only. All have the form response * Z / sigma, and differ in the
response. The pathwise estimator asks for f's derivative.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

Scalar = Float[Array, ""]
Number = Scalar | float
Function = Callable[[Any], Any]
Response = Callable[[Function, Number, Number, Scalar], Scalar]

QUADRATURE_POINTS = 40
"""Exact for polynomials up to degree 79; second moments of the estimators for u^3 are of degree 8."""


def plain(f: Function, mean: Number, sigma: Number, z: Scalar) -> Scalar:
    """Return f(u), u = mean + sigma z."""
    return f(mean + sigma * z)


def forward_difference(f: Function, mean: Number, sigma: Number, z: Scalar) -> Scalar:
    """Return f(u) - f(mean): f(mean) times the score has mean 0, a control variate. One more evaluation in all."""
    return f(mean + sigma * z) - f(mean)


def central_difference(f: Function, mean: Number, sigma: Number, z: Scalar) -> Scalar:
    """Return (f(u) - f(2 mean - u)) / 2: an antithetic pair. Two evaluations a draw."""
    return (f(mean + sigma * z) - f(mean - sigma * z)) / 2


RESPONSES: dict[str, Response] = {"plain": plain, "forward": forward_difference, "central": central_difference}
PATHWISE = "pathwise"
ESTIMATORS = (*RESPONSES, PATHWISE)


def estimate(name: str, f: Function, mean: Number, sigma: Number, z: Scalar) -> Scalar:
    """Return one draw's estimate of the smoothed derivative.

    **Source**: Williams 1992 and Salimans et al. 2017 for E[response(Z) Z] / sigma; Kingma and Welling 2014 for the
    pathwise E[f'(mean + sigma Z)]. Blondel and Roulet, chapter Smoothing by integration (not checked).
    """
    if name == PATHWISE:
        return jax.grad(f)(mean + sigma * z)
    return RESPONSES[name](f, mean, sigma, z) * z / sigma


class Moments(NamedTuple):
    """Mean and standard deviation of one draw's estimate."""

    mean: Float[Array, "..."]
    deviation: Float[Array, "..."]


def expectation(values: Callable[[Scalar], Scalar]) -> Scalar:
    """Return E values(Z) by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE_POINTS)
    return jnp.asarray(weights / weights.sum()) @ jax.vmap(values)(jnp.asarray(nodes))


def moments(name: str, f: Function, mean: Number, sigma: Number) -> Moments:
    """Return mean and standard deviation of `estimate` by quadrature."""
    draw = partial(estimate, name, f, mean, sigma)
    average = expectation(draw)
    return Moments(average, jnp.sqrt(expectation(lambda z: (draw(z) - average) ** 2)))


def deviation_in_dimensions(
    name: str, f: Function, mean: Number, sigma: Number, dimensions: Float[Array, "sizes"]
) -> Float[Array, "sizes"]:
    """Return the standard deviation of the first component's estimate for the sum of f over `dimensions` coordinates.

    All coordinates have one mean. Let A be the response to the first alone and B the sum of the others, which knows
    nothing of Z_1: E[((A + B) Z_1)^2] = E[A^2 Z_1^2] + 2 E[A Z_1^2] E[B] + E[B^2]. The score function scatters with
    the whole sum, the pathwise derivative with the one term that has u_1 in it.
    """
    single = moments(name, f, mean, sigma)
    if name == PATHWISE:
        return jnp.full(dimensions.shape, single.deviation)

    def moment(response_power: int, z_power: int) -> Scalar:
        return expectation(lambda z: RESPONSES[name](f, mean, sigma, z) ** response_power * z**z_power)

    others = dimensions - 1
    mean_of_others = others * moment(1, 0)
    square_of_others = others * (moment(2, 0) - moment(1, 0) ** 2) + mean_of_others**2
    second = moment(2, 2) + 2 * moment(1, 2) * mean_of_others + square_of_others
    return jnp.sqrt(second / sigma**2 - single.mean**2)


def sample_means(
    f: Function, mean: float, sigma: float, sizes: Sequence[int], repetitions: int, *, key: Key[Array, ""]
) -> Float[np.ndarray, "estimators sizes repetitions"]:
    """Return means of `sizes` draws, `repetitions` times, with the same noise for all of `ESTIMATORS`.

    Each size has draws of its own, so that errors of different sizes are independent.
    """
    noise = jax.random.normal(key, (repetitions, sum(sizes)))

    @jax.jit
    def of(noise: Float[Array, "repetitions draws"]) -> Float[Array, "estimators repetitions draws"]:
        return jnp.stack([jax.vmap(jax.vmap(partial(estimate, one, f, mean, sigma)))(noise) for one in ESTIMATORS])

    first = np.cumsum([0, *sizes[:-1]])
    return np.moveaxis(np.add.reduceat(np.asarray(of(noise)), first, axis=2) / np.asarray(sizes), 1, 2)
