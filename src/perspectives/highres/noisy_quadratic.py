"""NNAG on a quadratic with additive noise, where every term of its bounds is known."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from perspectives.highres.nnag import completed_v, moved_x
from perspectives.highres.problems import Quadratic


class Descent(NamedTuple):
    """One run; entry j of each belongs to k = j + 1, and x_1 = x_0, since (29) starts with t_0 = s_0 = 0.

    `gap` is f(x_k) - f*, `smallest` is min_{i < k} |grad f(x_i)|^2 over i = 1 .. k - 1 (at k = 1, of x_0),
    `squared_distance` is |v_k - x*|^2.
    """

    gap: Float[Array, "k"]
    smallest: Float[Array, "k"]
    squared_distance: Float[Array, "k"]


def noisy_quadratic(dimensions: int) -> Quadratic:
    """Return the quadratic with eigenvalues (i / n)^2, L = 1, whose small eigenvalues make it nearly flat."""
    return Quadratic((jnp.arange(1, dimensions + 1) / dimensions) ** 2)


def descend(
    f: Quadratic, s: Float[Array, "k"], t: Float[Array, "k"], *, beta: float | None, key: Key[Array, ""]
) -> Descent:
    """Return NNAG (29) with `beta`, or (31) when it is None, from x_0 = (1, ..., 1), with noise of total variance 1.

    The noise e_k ~ N(0, I / n), so that E |e_k|^2 = sigma^2 = 1, is reused as (29) says: v_k and x_{k+1}
    see the same estimate at x_k.
    """
    dim = f.eigenvalues.shape[0]
    root = jnp.sqrt(f.smoothness)
    noise = jax.random.normal(key, (len(s), dim)) / jnp.sqrt(dim)

    def iterate(
        carry: tuple[Array, Array, Array], inputs: tuple[Array, Array, Array]
    ) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array]]:
        x, v, noise_here = carry
        s, t, noise_next = inputs
        gradient = f.eigenvalues * x
        record = (f(x), jnp.sum(gradient**2), jnp.sum(v**2))
        x = moved_x(x, v, gradient + noise_here, s, t, 1 / root if beta is None else beta / root)
        v = completed_v(v, f.eigenvalues * x + noise_next, s, t, s if beta is None else beta / root)
        return (x, v, noise_next), record

    start = jnp.ones(dim)
    _, (gap, squared, distance) = jax.lax.scan(iterate, (start, start, noise[0]), (s, t, jnp.roll(noise, -1, axis=0)))
    before = jnp.concatenate([squared[:1], squared[:-1]])
    return Descent(gap=gap, smallest=jax.lax.cummin(before), squared_distance=distance)
