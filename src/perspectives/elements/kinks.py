"""What automatic differentiation answers where a program has a kink, and the one-sided derivatives there.

All functions are made of lines, so that a difference quotient with a step of a power of two is the one-sided derivative
itself. Some are smooth functions written with kinked parts: their one-sided derivatives agree.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

Scalar = Float[Array, ""]

STEP = 2.0**-20


class Kink(NamedTuple):
    """A function of one number and the place of its kink."""

    name: str
    function: Callable[[Scalar], Scalar]
    at: float


def unit_step(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return 1 where x >= 0 and 0 elsewhere."""
    return jnp.where(x >= 0, 1.0, 0.0)


def sparse_sigmoid(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return (max(x + 1, 0) + min(1 - x, 0)) / 2: 0 up to -1, 1 from 1 on, a line between.

    **Source**: the companion code, differentiation/plot_continuous_differentiable.
    """
    return (jnp.maximum(x + 1, 0) + jnp.minimum(1 - x, 0)) / 2


KINKS = (
    Kink("relu(x)", jax.nn.relu, 0.0),
    Kink("maximum(x, 0)", lambda x: jnp.maximum(x, 0), 0.0),
    Kink("max of (x, -x)", lambda x: jnp.max(jnp.stack([x, -x])), 0.0),
    Kink("abs(x)", jnp.abs, 0.0),
    Kink("leaky_relu(x)", jax.nn.leaky_relu, 0.0),
    Kink("sparse sigmoid", sparse_sigmoid, -1.0),
    Kink("hard_tanh(x)", jax.nn.hard_tanh, 1.0),
    Kink("clip(x, -1, 1)", lambda x: jnp.clip(x, -1, 1), 1.0),
    Kink("soft threshold", lambda x: jnp.sign(x) * jax.nn.relu(jnp.abs(x) - 1), 1.0),
    Kink("sqrt(x²)", lambda x: jnp.sqrt(x**2), 0.0),
    Kink("norm of (x,)", lambda x: jnp.linalg.norm(x[None]), 0.0),
    Kink("relu(x) − relu(−x)", lambda x: jax.nn.relu(x) - jax.nn.relu(-x), 0.0),
    Kink("relu(−x) + x − relu(x)", lambda x: jax.nn.relu(-x) + x - jax.nn.relu(x), 0.0),
    Kink("where(x = 0, 0, x)", lambda x: jnp.where(x == 0, 0.0, x), 0.0),
)
"""Common kinks, each once; then roots of squares; then three programs of smooth functions, the first two after
Bolte and Pauwels 2020, Conservative set valued fields, section 1."""


class Derivatives(NamedTuple):
    """The one-sided derivatives at each kink and what automatic differentiation says there."""

    left: Float[Array, "kinks"]
    right: Float[Array, "kinks"]
    automatic: Float[Array, "kinks"]


@jax.jit
def derivatives(at: Float[Array, "kinks"]) -> Derivatives:
    """Return the derivatives of the functions of `KINKS` at `at`."""
    rows = []
    for (_, function, _), x in zip(KINKS, at, strict=True):
        # Reverse mode; the value at the kink is subtracted on both sides, so a jump would show as a huge quotient.
        value = function(x)
        left, right = (value - function(x - STEP)) / STEP, (function(x + STEP) - value) / STEP
        rows.append((left, right, jax.grad(function)(x)))
    return Derivatives(*(jnp.stack(column) for column in zip(*rows, strict=True)))


def outside(found: Derivatives, tolerance: float = 1e-9) -> Bool[np.ndarray, "kinks"]:
    """Return whether `automatic` is none of the two one-sided derivatives, nor between them; NaN is not.

    Between the two lies Clarke's subdifferential of a function of one variable. The tolerance is for quotients, whose
    values are rounded at 1 and not at `STEP`.
    """
    left, right, automatic = map(np.asarray, found)
    low, high = np.minimum(left, right) - tolerance, np.maximum(left, right) + tolerance
    return ~((low <= automatic) & (automatic <= high))
