"""Exponential families in their natural parameter: p(y) = h(y) exp(<theta, t(y)> - A(theta)).

A is the log-partition function. Its gradient is the mean and its Hessian the covariance of the statistic t(Y); both are
taken by automatic differentiation.

**Source**: Blondel and Roulet, chapter Probabilistic learning (not checked); Wainwright and Jordan 2008, section 3
(not checked).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln, logsumexp
from jaxtyping import Array, Float, Real

Parameter = Float[Array, "k"]
Observation = Real[Array, ""]
Scalar = Float[Array, ""]


class Family(NamedTuple):
    """Log-partition A of the natural parameter, in nats, the statistic t and the logarithm of the base measure h."""

    log_partition: Callable[[Parameter], Scalar]
    statistic: Callable[[Observation], Real[Array, "k"]]
    log_base: Callable[[Observation], Scalar]


OUTCOMES = 3
"""Outcomes of the categorical family, as in the companion code."""


def _zero(_: Observation) -> Scalar:
    return jnp.zeros(())


FAMILIES = {
    "Bernoulli": Family(lambda theta: jnp.logaddexp(0.0, theta[0]), jnp.atleast_1d, _zero),
    "categorical": Family(logsumexp, lambda y: jax.nn.one_hot(y, OUTCOMES, dtype=jnp.result_type(float)), _zero),
    "Gaussian": Family(
        lambda theta: theta[0] ** 2 / 2, jnp.atleast_1d, lambda y: -(y**2) / 2 - jnp.log(2 * jnp.pi) / 2
    ),
    "Poisson": Family(lambda theta: jnp.exp(theta[0]), jnp.atleast_1d, lambda y: -gammaln(y + 1)),
}
"""The companion's families by name; theta is the logit, the scores, the mean at unit variance, the log-rate."""


def mean(family: Family, theta: Parameter) -> Parameter:
    """Return the mean of the statistic, the gradient of the log-partition function."""
    return jax.grad(family.log_partition)(theta)


def covariance(family: Family, theta: Parameter) -> Float[Array, "k k"]:
    """Return the covariance of the statistic, the Hessian of the log-partition function."""
    return jax.hessian(family.log_partition)(theta)


def negative_log_likelihood(family: Family, theta: Parameter, y: Observation) -> Scalar:
    """Return -log p(y) = A(theta) - <theta, t(y)> - log h(y) in nats: convex in theta, with gradient mean - t(y)."""
    return family.log_partition(theta) - theta @ family.statistic(y) - family.log_base(y)
