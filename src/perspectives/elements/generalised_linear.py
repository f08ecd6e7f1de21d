"""Generalised linear models: the natural parameter of an exponential family is linear in the features."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import lineax
from jaxtyping import Array, Float

from perspectives.elements.exponential_families import Family, mean


class Fit(NamedTuple):
    """Weights, the Hessian of the loss there, and the largest entry of its gradient at each iterate, from zero on."""

    weights: Float[Array, "dim"]
    hessian: Float[Array, "dim dim"]
    gradients: Float[Array, "iterates"]


def loss(
    family: Family, features: Float[Array, "n dim"], targets: Float[Array, "n"], weights: Float[Array, "dim"]
) -> Float[Array, ""]:
    """Return the mean of A(x . w) - y (x . w) over samples, the negative log-likelihood up to a constant, in nats."""
    parameters = features @ weights
    return jnp.mean(jax.vmap(family.log_partition)(parameters[:, None]) - targets * parameters)


def newton_fit(family: Family, features: Float[Array, "n dim"], targets: Float[Array, "n"], *, steps: int = 12) -> Fit:
    """Return the weights after `steps` of Newton's method on the loss, from zero.

    No line search: from zero, where the loss is of order one, it converges on the data of this study. The number of
    steps is fixed, so that the record shows how the digits double.
    """

    def objective(weights: Float[Array, "dim"]) -> Float[Array, ""]:
        return loss(family, features, targets, weights)

    def step(weights: Float[Array, "dim"], _: None) -> tuple[Float[Array, "dim"], tuple[Array, Array, Array]]:
        gradient, hessian = jax.grad(objective)(weights), jax.hessian(objective)(weights)
        operator = lineax.MatrixLinearOperator(hessian, lineax.positive_semidefinite_tag)
        change = lineax.linear_solve(operator, gradient, lineax.Cholesky()).value
        return weights - change, (weights, hessian, jnp.max(jnp.abs(gradient)))

    # the last step is taken for the record only
    _, (weights, hessians, gradients) = jax.lax.scan(step, jnp.zeros(features.shape[1]), length=steps + 1)
    return Fit(weights[-1], hessians[-1], gradients)


def standard_errors(fit: Fit, samples: int) -> Float[Array, "dim"]:
    """Return the standard errors of fitted weights: roots of the diagonal of Fisher's information, inverted.

    The information is the number of samples times the Hessian of the loss, as the parameter is the natural one.
    """
    return jnp.sqrt(jnp.diag(jnp.linalg.inv(fit.hessian)) / samples)


def moment_residual(
    family: Family, features: Float[Array, "n dim"], targets: Float[Array, "n"], weights: Float[Array, "dim"]
) -> Float[Array, "dim"]:
    """Return the mean of (y - model's mean) x over samples: zero at the maximum of the likelihood."""
    model = jax.vmap(lambda parameter: mean(family, parameter[None])[0])(features @ weights)
    return jnp.mean((targets - model)[:, None] * features, axis=0)
