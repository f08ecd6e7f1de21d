"""How fast methods converge: on a quadratic against the spectral radius of their iteration, and the kinds of rates."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

Objective = Callable[[Float[Array, ""]], Float[Array, ""]]

CURVATURES = (0.1, 1.0)
"""Eigenvalues of the companion code's quadratic, sum_i c_i w_i^2 / 2, least at 0."""
START = (-0.75, 0.25)
BEST_STEP = 2 / (CURVATURES[0] + CURVATURES[-1])
"""Gradient descent's, at which slowest and fastest direction shrink alike; Polyak 1964."""
STABILITY_LIMIT = 2 / CURVATURES[-1]
"""Step from which gradient descent diverges; with momentum m it is 1 + m times that."""


def quadratic(w: Float[Array, "2"]) -> Float[Array, ""]:
    """Return the companion code's objective at `w`."""
    return jnp.sum(jnp.array(CURVATURES) * w**2) / 2


def descend(step: Float[Array, ""], momentum: Float[Array, ""], count: int) -> Float[Array, "{count}+1 2"]:
    """Return the start and `count` iterates of gradient descent with heavy-ball momentum, by optax."""
    method = optax.sgd(step, momentum)
    start = jnp.array(START)

    def iterate(carry, _):
        w, state = carry
        updates, state = method.update(jax.grad(quadratic)(w), state)
        return (w + updates, state), w + updates

    _, iterates = jax.lax.scan(iterate, (start, method.init(start)), length=count)
    return jnp.concatenate([start[None], iterates])


def spectral_radius(step: float, momentum: float) -> float:
    """Return the largest |z| with z^2 - (1 + momentum - step c) z + momentum = 0 for a curvature c.

    These z are the eigenvalues of one iteration (w_k, w_{k-1}) -> (w_{k+1}, w_k).

    **Source**: Polyak 1964, Some methods of speeding up the convergence of iteration methods.
    """
    return max(float(np.abs(np.roots([1, -(1 + momentum - step * c), momentum])).max()) for c in CURVATURES)


def measured_rate(distances: Float[np.ndarray, "iterates"], over: int = 100) -> float:
    """Return the factor by which an iteration shrinks the distance, the geometric mean over the last `over` of them."""
    return float((distances[-1] / distances[-1 - over]) ** (1 / over))


class LineSearched(NamedTuple):
    """Iterates of L-BFGS and the gradients that had been taken by the time each was known."""

    iterates: Float[Array, "count 2"]
    gradients: Int[Array, "count"]


def limited_memory(count: int) -> LineSearched:
    """Return `count` iterates of optax's L-BFGS with its zoom line search, each trial of which takes one gradient."""
    method = optax.lbfgs()
    value_and_gradient = optax.value_and_grad_from_state(quadratic)
    start = jnp.array(START)

    def iterate(carry, _):
        w, state = carry
        value, gradient = value_and_gradient(w, state=state)
        updates, state = method.update(gradient, state, w, value=value, grad=gradient, value_fn=quadratic)
        searched: Any = state
        return (w + updates, state), (w + updates, searched[-1].info.num_linesearch_steps)

    _, (iterates, trials) = jax.lax.scan(iterate, (start, method.init(start)), length=count)
    return LineSearched(iterates, 1 + jnp.cumsum(trials))


def newton(function: Objective, start: float, count: int) -> Float[Array, "{count}"]:
    """Return `count` iterates w - f'(w) / f''(w) of Newton's method in one dimension, after `start`."""
    slope = jax.grad(function)

    def iterate(w: Float[Array, ""], _: None) -> tuple[Float[Array, ""], Float[Array, ""]]:
        w = w - slope(w) / jax.grad(slope)(w)
        return w, w

    return jax.lax.scan(iterate, jnp.asarray(start), length=count)[1]


def quartic_descent(start: float, step: float, count: int) -> Float[Array, "{count}"]:
    """Return `count` iterates of gradient descent on w^4 / 4, which fall like 1 / sqrt(2 step t): sublinearly."""

    def iterate(w: Float[Array, ""], _: None) -> tuple[Float[Array, ""], Float[Array, ""]]:
        w = w - step * w**3
        return w, w

    return jax.lax.scan(iterate, jnp.asarray(start), length=count)[1]


class Rate(NamedTuple):
    """The logarithm of a rate R(t) and the limit of its progress ratio R(t) / R(t - 1)."""

    logarithm: Callable[[Float[np.ndarray, "times"]], Float[np.ndarray, "times"]]
    limit: float

    def progress(self, t: Float[np.ndarray, "times"]) -> Float[np.ndarray, "times"]:
        """Return R(t) / R(t - 1) by logarithms: e^(-t^2) itself is zero in float64 from t = 28 on."""
        return np.exp(self.logarithm(t) - self.logarithm(t - 1))


RATES = {
    "1/sqrt(t)": Rate(lambda t: -np.log(t) / 2, 1.0),
    "1/t": Rate(lambda t: -np.log(t), 1.0),
    "1/t^2": Rate(lambda t: -2 * np.log(t), 1.0),
    "exp(-t)": Rate(lambda t: -t, float(np.exp(-1))),
    "exp(-t^2)": Rate(lambda t: -(t**2), 0.0),
}
"""Three sublinear rates, a linear and a superlinear one. **Source**: the companion code, plot_convergence_rates."""
