"""Soft branches: a conditional smoothed as a whole or comparison by comparison, and the moments of what it returns."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Points = Float[Array, "points"]
Scalar = Float[Array, ""] | float
Sigmoid = Callable[[Points], Points]


def indicator(x: Points) -> Points:
    """Return 1 where -1 <= x < 1, else 0: two comparisons joined by an and."""
    return jnp.where(x >= -1, 1.0, 0.0) * jnp.where(x < 1, 1.0, 0.0)


def local_smoothing(sigmoid: Sigmoid, x: Points, sigma: Scalar) -> Points:
    """Return the indicator with each comparison softened, and the product for and.

    The product is right for comparisons that are independent. These two see the same noise.
    """
    return sigmoid((x + 1) / sigma) * sigmoid((1 - x) / sigma)


def global_smoothing(sigmoid: Sigmoid, x: Points, sigma: Scalar) -> Points:
    """Return the expected indicator of x + sigma Z, where `sigmoid` is the cumulative distribution of Z.

    It falls short of the local one by P(Z < (-1 - x) / sigma) P(Z >= (1 - x) / sigma), for symmetric Z.
    """
    return sigmoid((1 - x) / sigma) - sigmoid((-1 - x) / sigma)


def expected_indicator(x: Points, sigma: Scalar, noise: Float[Array, "values"]) -> Points:
    """Return the mean of the hard program over `noise`; at quantiles of equal weight its two jumps cost 1 / values."""
    return jax.lax.map(lambda one: jnp.mean(indicator(one + sigma * noise)), x)


class Mixture(NamedTuple):
    """The probability of each branch (rows) and what it returns, by input (columns): no shift, down, up."""

    probabilities: Float[Array, "branches points"]
    outcomes: Float[Array, "branches points"]


def soft_threshold(x: Points, threshold: Scalar) -> Points:
    """Return `x` moved towards 0 by `threshold`, or 0 when it is nearer than that."""
    return jnp.sign(x) * jnp.maximum(jnp.abs(x) - threshold, 0.0)


def _outcomes(x: Points, threshold: Scalar) -> Float[Array, "branches points"]:
    return jnp.stack([jnp.zeros_like(x), x - threshold, x + threshold])


def threshold_by_argmax(x: Points, threshold: Scalar) -> Mixture:
    """Return the branches of soft thresholding weighted by the softmax of their margins."""
    margins = jnp.stack([threshold - jnp.abs(x), x - threshold, -x - threshold])
    return Mixture(jax.nn.softmax(margins, axis=0), _outcomes(x, threshold))


def threshold_by_steps(x: Points, threshold: Scalar) -> Mixture:
    """Return the branches weighted by logistic steps, the middle one smoothed as a whole: weights sum to one."""
    sigmoid = jax.nn.sigmoid
    middle = sigmoid(threshold - x) - sigmoid(-threshold - x)
    return Mixture(jnp.stack([middle, sigmoid(x - threshold), sigmoid(-x - threshold)]), _outcomes(x, threshold))


def companion_threshold_by_steps(x: Points, threshold: Scalar) -> Mixture:
    """Return what plot_soft_thresholding has with an option: the middle branch smoothed comparison by comparison.

    Its weights sum to more than one, by the product in `global_smoothing`.
    """
    by_steps = threshold_by_steps(x, threshold)
    middle = jax.nn.sigmoid(x + threshold) * jax.nn.sigmoid(threshold - x)
    return by_steps._replace(probabilities=by_steps.probabilities.at[0].set(middle))


class Moments(NamedTuple):
    """Mean and variance of what a soft conditional returns."""

    mean: Points
    variance: Points


def moments(mixture: Mixture) -> Moments:
    """Return mean and variance by the law of total variance: each outcome counts with its branch's probability."""
    mean = jnp.sum(mixture.probabilities * mixture.outcomes, axis=0)
    return Moments(mean, jnp.sum(mixture.probabilities * (mixture.outcomes - mean) ** 2, axis=0))


def companion_moments(mixture: Mixture) -> Moments:
    """Return plot_soft_thresholding's mean and variance, which is the plain mean of squared deviations."""
    mean = jnp.sum(mixture.probabilities * mixture.outcomes, axis=0)
    return Moments(mean, jnp.mean((mixture.outcomes - mean) ** 2, axis=0))


def order_frequencies(
    gaps: Float[np.ndarray, "gaps"], noise: Float[np.ndarray, "draws 2"]
) -> Float[np.ndarray, "gaps"]:
    """Return how often U > V over the draws, for normal U and V of variance 1 whose means differ by each of `gaps`."""
    differences = np.sort(noise[:, 1] - noise[:, 0])
    return np.searchsorted(differences, gaps) / len(differences)
