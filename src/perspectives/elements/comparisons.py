"""Soft comparisons of two numbers: probabilities that one with noise is greater, and how nearly they are equal."""

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm
from jaxtyping import Array, Float

Numbers = Float[Array, "*shape"] | float


def hard_greater(u: Numbers, v: Numbers) -> Numbers:
    """Return 1 where `u` >= `v`, else 0."""
    return jnp.where(u >= v, 1.0, 0.0)


def hard_equal(u: Numbers, v: Numbers) -> Numbers:
    """Return 1 where `u` = `v`, else 0: both are at least the other."""
    return hard_greater(u, v) * hard_greater(v, u)


def logistic_greater(u: Numbers, v: Numbers) -> Numbers:
    """Return P(u + noise >= v) with logistic noise, 1 / (1 + exp(v - u))."""
    return jax.nn.sigmoid(u - v)


def gaussian_greater(u: Numbers, v: Numbers) -> Numbers:
    """Return P(u + noise >= v) with standard normal noise."""
    return norm.cdf(u - v)


def logistic_equal(u: Numbers, v: Numbers) -> Numbers:
    """Return the logistic density at u - v over its value at 0: sech^2((u - v) / 2), 1 where they are equal.

    It is also 4 P(u + noise >= v) P(v + noise >= u): both are soft-greater, up to the factor.

    **Source**: Blondel and Roulet, chapter Control flows (not checked); plot_compa_ops has 4 / (2 + e^t + e^-t).
    """
    return 4 * jax.nn.sigmoid(u - v) * jax.nn.sigmoid(v - u)


def gaussian_equal(u: Numbers, v: Numbers) -> Numbers:
    """Return the normal density at u - v over its value at 0."""
    return jnp.exp(-((u - v) ** 2) / 2)


def companion_logistic_equal(u: Numbers, v: Numbers) -> Numbers:
    """Return what plot_soft_comparison draws as the logistic equality: sech(u - v).

    **Source**: its kernel is e^t / (1 + (e^t)^2), with one bracket misplaced in the density e^t / (1 + e^t)^2.
    """
    return 1 / jnp.cosh(u - v)


def gaussian_order(mean: Numbers, other: Numbers) -> Numbers:
    """Return P(U > V), U and V normal, independent, of variance 1: a soft comparison of means, of width sqrt 2."""
    return norm.cdf((mean - other) / jnp.sqrt(2.0))
