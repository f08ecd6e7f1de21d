"""Derivatives of the validation loss in the logarithm of the kernel width, through the inner minimisation.

With the inner solution w(h) of F(w, h) = 0, the hypergradient is dL/dh = L_h + L_w dw/dh. *Implicit* differentiation
has dw/dh = -F_w^-1 F_h from the condition F = 0 alone, *unrolled* differentiation follows the iterations that led to w.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optimistix as optx
from jaxtyping import Array, Float, Int

from perspectives.elements.kernel_ridge import (
    Regression,
    Scalar,
    Weights,
    exact_weights,
    inner_objective,
    system,
    validation_loss,
)

TOLERANCE = 1e-14
"""Relative and absolute, at which inner iterations stop: a step of rounding's own size."""
OUTER_TOLERANCE = 1e-8
"""Relative and absolute, of the logarithm of the width and of the validation loss."""
MAX_STEPS = 8192
DIRECT, IMPLICIT, UNROLLED, QUASI_NEWTON = "direct", "implicit", "unrolled", "bfgs"


def step_size(log_width: Scalar, regression: Regression) -> Scalar:
    """Return 1 over the largest row sum of K + ridge I, which bounds its eigenvalues; taken for a constant.

    A step that varied with the width would change the iterates on the way, but not where they lead.
    """
    return jax.lax.stop_gradient(1 / jnp.max(jnp.sum(system(log_width, regression), axis=1)))


def descent_step(weights: Weights, log_width: Scalar, regression: Regression) -> Weights:
    """Return the weights after one step of gradient descent on the inner objective."""
    gradient = system(log_width, regression) @ weights - regression.outputs
    return weights - step_size(log_width, regression) * gradient


def _fixed_point(log_width: Scalar, regression: Regression, adjoint: optx.AbstractAdjoint) -> optx.Solution:
    return optx.fixed_point(
        lambda weights, width: descent_step(weights, width, regression),
        optx.FixedPointIteration(TOLERANCE, TOLERANCE),
        jnp.zeros_like(regression.outputs),
        log_width,
        max_steps=MAX_STEPS,
        adjoint=adjoint,
        throw=False,
    )


def _implicit(log_width: Scalar, regression: Regression) -> Weights:
    return _fixed_point(log_width, regression, optx.ImplicitAdjoint()).value


def _unrolled(log_width: Scalar, regression: Regression) -> Weights:
    return _fixed_point(log_width, regression, optx.RecursiveCheckpointAdjoint()).value


def _quasi_newton(log_width: Scalar, regression: Regression) -> Weights:
    return optx.minimise(
        lambda weights, width: inner_objective(weights, width, regression),
        optx.BFGS(TOLERANCE, TOLERANCE),
        jnp.zeros_like(regression.outputs),
        log_width,
        max_steps=MAX_STEPS,
        adjoint=optx.ImplicitAdjoint(),
        throw=False,
    ).value


INNER_SOLVERS: dict[str, Callable[[Scalar, Regression], Weights]] = {
    DIRECT: exact_weights,
    IMPLICIT: _implicit,
    UNROLLED: _unrolled,
    QUASI_NEWTON: _quasi_newton,
}
"""Cholesky's factorisation; descent differentiated implicitly, and step by step; BFGS differentiated implicitly."""


def outer_loss(name: str, log_width: Scalar, regression: Regression) -> Scalar:
    """Return the validation loss at the inner solution of the solver `name`; its derivative is the hypergradient."""
    return validation_loss(INNER_SOLVERS[name](log_width, regression), log_width, regression)


class Truncated(NamedTuple):
    """Hypergradients, and derivatives of the weights, at the inner iterates after 0, 1, ... steps from zero."""

    hypergradients: Float[Array, "iterates"]
    derivatives: Float[Array, "iterates train"]


def truncated(log_width: Scalar, regression: Regression, steps: int) -> tuple[Truncated, Truncated]:
    """Return what implicit and unrolled differentiation give when the inner descent is cut short.

    Implicit differentiation takes each iterate for the solution: L_h - L_w (K + ridge I)^-1 (dK/dh) w. The unrolled
    derivative is carried along in forward mode, which gives that of every iterate in one pass; reverse mode would give
    the same numbers.

    **Source**: Blondel and Roulet, chapter Differentiating through optimization (not checked); Ji, Yang and Liang 2021
    compare the two.
    """
    matrix, slope = jax.jvp(lambda width: system(width, regression), (log_width,), (jnp.ones_like(log_width),))

    def advance(carry: tuple[Weights, Weights], _: None) -> tuple[tuple[Weights, Weights], tuple[Weights, Weights]]:
        weights, derivative = carry
        tangents = (derivative, jnp.ones_like(log_width))
        following = jax.jvp(lambda w, width: descent_step(w, width, regression), (weights, log_width), tangents)
        return following, carry

    zeros = jnp.zeros_like(regression.outputs)
    _, (weights, unrolled) = jax.lax.scan(advance, (zeros, zeros), None, length=steps + 1)
    implicit = -jnp.linalg.solve(matrix, slope @ weights.T).T
    by_weights, by_width = jax.vmap(lambda w: jax.grad(validation_loss, (0, 1))(w, log_width, regression))(weights)

    def joined(derivatives: Float[Array, "iterates train"]) -> Truncated:
        return Truncated(by_width + jnp.sum(by_weights * derivatives, axis=1), derivatives)

    return joined(implicit), joined(unrolled)


def weight_derivative(log_width: Scalar, regression: Regression) -> Weights:
    """Return the derivative of the exact inner solution."""
    return jax.jvp(lambda width: exact_weights(width, regression), (log_width,), (jnp.ones_like(log_width),))[1]


def envelope_derivatives(log_width: Scalar, regression: Regression) -> tuple[Scalar, Scalar]:
    """Return the derivative of the inner minimum, and the partial derivative of the inner objective at the minimiser.

    **Source**: the envelope theorem, also Danskin 1967: they are equal, since the other derivative vanishes there.
    """

    def minimum(width: Scalar) -> Scalar:
        return inner_objective(exact_weights(width, regression), width, regression)

    at = exact_weights(log_width, regression)
    return jax.grad(minimum)(log_width), jax.grad(inner_objective, 1)(at, log_width, regression)


def best_log_width(log_start: Scalar, regression: Regression) -> tuple[Scalar, Int[Array, ""]]:
    """Return where descent on the hypergradient ends, by BFGS from `log_start`, and the steps that it took."""
    solution = optx.minimise(
        lambda log_width, _: outer_loss(DIRECT, log_width, regression),
        optx.BFGS(OUTER_TOLERANCE, OUTER_TOLERANCE),
        log_start,
        max_steps=MAX_STEPS,
        throw=False,
    )
    return solution.value, solution.stats["num_steps"]
