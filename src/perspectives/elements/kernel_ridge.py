"""Kernel ridge regression on a line: the inner problem of the search for a kernel width."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Array, Float, Key

Scalar = Float[Array, ""]
Weights = Float[Array, "train"]

TRUE_WIDTH = 0.2
"""Kernel width of the functions that data are drawn from. **Source**: companion, plot_bilevel_regression."""
EXTENT = 2.0
"""Length of the interval of inputs. **Source**: companion, as above."""
NOISE = 1.0
"""Standard deviation of the noise of training outputs; those for validation have none. **Source**: as above."""


class Regression(NamedTuple):
    """Inputs and outputs to train on and to validate with, and the ridge that is added to the kernel matrix."""

    inputs: Float[Array, "train"]
    outputs: Float[Array, "train"]
    validation_inputs: Float[Array, "validation"]
    validation_outputs: Float[Array, "validation"]
    ridge: Scalar


def kernel(a: Float[Array, "a"], b: Float[Array, "b"], log_width: Scalar) -> Float[Array, "a b"]:
    """Return exp(-(a_i - b_j)^2 / (2 width^2))."""
    return jnp.exp(-((a[:, None] - b) ** 2) / (2 * jnp.exp(2 * log_width)))


def drawn(samples: int, training: int, ridge: float, *, key: Key[Array, ""]) -> Regression:
    """Return a regression whose outputs are K z, K the kernel matrix at the true width and z standard normal.

    **Source**: companion, plot_bilevel_regression, `make_data`.
    """
    of_inputs, of_function, of_noise = jax.random.split(key, 3)
    inputs = EXTENT * jax.random.uniform(of_inputs, (samples,))
    outputs = kernel(inputs, inputs, jnp.log(TRUE_WIDTH)) @ jax.random.normal(of_function, (samples,))
    noisy = outputs + NOISE * jax.random.normal(of_noise, (samples,))
    return Regression(inputs[:training], noisy[:training], inputs[training:], outputs[training:], jnp.asarray(ridge))


def system(log_width: Scalar, regression: Regression) -> Float[Array, "train train"]:
    """Return K + ridge I, the matrix of the inner problem."""
    inputs = regression.inputs
    return kernel(inputs, inputs, log_width) + regression.ridge * jnp.eye(len(inputs))


def inner_objective(weights: Weights, log_width: Scalar, regression: Regression) -> Scalar:
    """Return w^T (K + ridge I) w / 2 - w^T y, whose minimiser has the weights of kernel ridge regression.

    **Departs**: the usual objective is |y - K w|^2 / 2 + ridge w^T K w / 2, with the same minimiser, worse conditioned
    by a factor K.
    """
    return weights @ (system(log_width, regression) @ weights) / 2 - weights @ regression.outputs


def exact_weights(log_width: Scalar, regression: Regression) -> Weights:
    """Return (K + ridge I)^-1 y, by Cholesky's factorisation."""
    operator = lx.MatrixLinearOperator(system(log_width, regression), lx.positive_semidefinite_tag)
    return lx.linear_solve(operator, regression.outputs, lx.Cholesky()).value


def predictions(
    at: Float[Array, "points"], weights: Weights, log_width: Scalar, regression: Regression
) -> Float[Array, "points"]:
    """Return sum_i w_i k(x, x_i) for each x of `at`."""
    return kernel(at, regression.inputs, log_width) @ weights


def validation_loss(weights: Weights, log_width: Scalar, regression: Regression) -> Scalar:
    """Return the mean squared error on the validation points, half of it: the outer objective."""
    found = predictions(regression.validation_inputs, weights, log_width, regression)
    return jnp.mean((found - regression.validation_outputs) ** 2) / 2
