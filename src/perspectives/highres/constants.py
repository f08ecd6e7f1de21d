"""Theorem 3.1: the constants 12 and 2 of Nesterov's method, and the discrete Lyapunov function that proves them.

The theorem speaks of scheme (21) from v_0 = x_0; its x_{k+1} is Nesterov's x_k.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from perspectives.highres.discretisation import semi_implicit
from perspectives.highres.problems import Problem
from perspectives.numerics.statistics import slope


class Descent(NamedTuple):
    """What Theorem 3.1 speaks of, along the indices k = 0, 1, ... of (21)."""

    gap: Float[Array, "states"]
    squared_gradient: Float[Array, "states"]
    squared_distance: Float[Array, "states"]


@eqx.filter_jit
def descent(
    problem: Problem, s: Float[Array, ""], start: Float[Array, "dim"], minimiser: Float[Array, "dim"], iterations: int
) -> Descent:
    """Return f(x_k) - f*, |grad f(x_k)|^2 and |v_k - x*|^2 for k = 0, ..., `iterations`."""
    states = semi_implicit(jax.grad(problem), s, start, iterations)
    return Descent(
        gap=jax.vmap(lambda x: problem.gap(x, minimiser))(states.x),
        squared_gradient=jnp.sum(jax.vmap(jax.grad(problem))(states.x) ** 2, axis=1),
        squared_distance=jnp.sum((states.v - minimiser) ** 2, axis=1),
    )


def smallest_squared_gradient(squared_gradient: Float[np.ndarray, "states"]) -> Float[np.ndarray, "iterations"]:
    """Return min over i < k of |grad f(x_i)|^2 for k = 1, 2, ..."""
    return np.minimum.accumulate(squared_gradient)[:-1]


def gradient_bound(
    k: Int[np.ndarray, "iterations"], s: float, squared_distance: float
) -> Float[np.ndarray, "iterations"]:
    """Return 12 |x_0 - x*|^2 / (k^3 s^2), the bound on the smallest squared gradient below k. **Source**: Theorem 3.1.

    The proof sums i(i+2) to k where its telescope ends at k - 1. With the right end the sum is (k-1) k (2k+5) / 6, at
    least k^3 / 3 from k = 2 on, and k = 1 is smoothness alone: the constant 12 stands.
    """
    return 12 * squared_distance / (k.astype(float) ** 3 * s**2)


def gap_bound(k: Int[np.ndarray, "iterations"], s: float, squared_distance: float) -> Float[np.ndarray, "iterations"]:
    """Return 2 |x_0 - x*|^2 / (s k (k+2)), the bound on f(x_k) - f*. **Source**: Theorem 3.1."""
    return 2 * squared_distance / (s * k.astype(float) * (k + 2))


def discrete_lyapunov(
    s: float, gap: Float[np.ndarray, "states"], squared_distance: Float[np.ndarray, "states"]
) -> Float[np.ndarray, "states"]:
    """Return epsilon(k) = s k (k+2) / 4 (f(x_k) - f*) + 1/2 |v_k - x*|^2. **Source**: proof of Theorem 3.1."""
    k = np.arange(len(gap))
    return s * k * (k + 2) / 4 * gap + 0.5 * squared_distance


def lyapunov_violation(
    s: float,
    gap: Float[np.ndarray, "states"],
    squared_gradient: Float[np.ndarray, "states"],
    squared_distance: Float[np.ndarray, "states"],
) -> float:
    """Return the largest epsilon(k+1) - epsilon(k) + s^2 k (k+2) / 8 |grad f(x_k)|^2, over epsilon(0).

    **Source**: proof of Theorem 3.1, where this is never positive.
    """
    epsilon = discrete_lyapunov(s, gap, squared_distance)
    k = np.arange(len(gap) - 1)
    return float(np.max(np.diff(epsilon) + s**2 * k * (k + 2) / 8 * squared_gradient[:-1]) / epsilon[0])


def bootstrapped_slope(
    x: Float[np.ndarray, "points"], y: Float[np.ndarray, "points"], resamples: int, *, key: Key[Array, ""]
) -> tuple[float, float, float]:
    """Return the least-squares slope of `y` against `x` and the 95 % interval over resampled points.

    The points of one run are no sample of anything: the interval says how far the slope hangs on the choice of points.
    """
    draws = np.asarray(jax.random.randint(key, (resamples, len(x)), 0, len(x)))
    slopes = [slope(x[draw], y[draw]) for draw in draws]
    low, high = np.quantile(slopes, [0.025, 0.975])
    return slope(x, y), float(low), float(high)
