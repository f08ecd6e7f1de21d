"""Gradients from one Jacobian-vector product with a random direction, and descent by them.

ghat = (grad f . v) v has mean E[v v^T] grad f, so it is unbiased just when E[v v^T] = I; it costs one forward pass,
whatever the dimension d. Its second moment is what the saving is paid with.

Source: Baydin, Pearlmutter, Syme, Wood and Torr 2022, Gradients without Backpropagation; Blondel and Roulet, chapter
Optimization basics (not checked).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

Vector = Float[Array, "dim"]
Objective = Callable[[Vector], Float[Array, ""]]
Directions = Float[Array, "draws dim"]
Law = Callable[[Key[Array, ""], int, int], Directions]


def gaussian(key: Key[Array, ""], draws: int, dimension: int) -> Directions:
    """Return standard normal directions: E[v v^T] = I, E|ghat|^2 = (d + 2) |g|^2."""
    return jax.random.normal(key, (draws, dimension))


def rademacher(key: Key[Array, ""], draws: int, dimension: int) -> Directions:
    """Return directions of independent signs: E[v v^T] = I, E|ghat|^2 = d |g|^2."""
    return jax.random.rademacher(key, (draws, dimension), jnp.result_type(float))


def coordinate(key: Key[Array, ""], draws: int, dimension: int) -> Directions:
    """Return unit vectors along uniformly drawn coordinates: E[v v^T] = I / d, E|ghat|^2 = |g|^2 / d.

    **Source**: the companion code, optimization_basics/plot_foward_sgd.
    """
    return jax.nn.one_hot(jax.random.randint(key, (draws,), 0, dimension), dimension)


def scaled_coordinate(key: Key[Array, ""], draws: int, dimension: int) -> Directions:
    """Return the directions of `coordinate` times sqrt(d): E[v v^T] = I, E|ghat|^2 = d |g|^2.

    **Departs**: from the companion code, to be unbiased.
    """
    return jnp.sqrt(dimension) * coordinate(key, draws, dimension)


LAWS: dict[str, Law] = {
    "gaussian": gaussian,
    "rademacher": rademacher,
    "coordinate": coordinate,
    "scaled coordinate": scaled_coordinate,
}


def mean_factor(law: str, dimension: int) -> float:
    """Return c of E[v v^T] = c I."""
    return 1 / dimension if law == "coordinate" else 1.0


def second_moment(law: str, dimension: int) -> float:
    """Return E|ghat|^2 / |g|^2."""
    moments = {"gaussian": dimension + 2, "coordinate": 1 / dimension}
    return float(moments.get(law, dimension))


def forward_gradient(objective: Objective, w: Vector, direction: Vector) -> Vector:
    """Return (grad f(w) . v) v by forward mode, where v is `direction`."""
    return jax.jvp(objective, (w,), (direction,))[1] * direction


class Moments(NamedTuple):
    """Sample moments of the forward gradient by law: of each coordinate, and of the squared norm."""

    mean: Float[Array, "laws dim"]
    standard_error: Float[Array, "laws dim"]
    squared_norm: Float[Array, "laws"]


def moments(objective: Objective, w: Vector, laws: Sequence[str], draws: int, *, key: Key[Array, ""]) -> Moments:
    """Return the moments over `draws` directions, drawn in a hundred batches so that few are in memory at once.

    The laws share their keys, as arms of one comparison.
    """
    batches, size = 100, draws // 100
    estimate = jax.vmap(jax.vmap(partial(forward_gradient, objective, w)))

    def sums(key: Key[Array, ""]) -> tuple[Float[Array, "laws dim"], Float[Array, "laws dim"]]:
        found = estimate(jnp.stack([LAWS[law](key, size, w.shape[0]) for law in laws]))
        return found.sum(1), (found**2).sum(1)

    totals, squares = jax.lax.map(sums, jax.random.split(key, batches))
    count = batches * size
    mean, square = totals.sum(0) / count, squares.sum(0) / count
    return Moments(mean, jnp.sqrt((square - mean**2) / (count - 1)), square.sum(1))


def descend(
    objective: Objective, start: Vector, step: Float[Array, ""], directions: Float[Array, "count dim"]
) -> Float[Array, "count+1 dim"]:
    """Return `start` and the iterates of descent by the forward gradients along `directions`."""

    def iterate(w: Vector, direction: Vector) -> tuple[Vector, Vector]:
        w = w - step * forward_gradient(objective, w, direction)
        return w, w

    return jnp.concatenate([start[None], jax.lax.scan(iterate, start, directions)[1]])


def reverse_descend(objective: Objective, start: Vector, step: float, count: int) -> Float[Array, "{count}+1 dim"]:
    """Return `start` and `count` iterates of gradient descent, by reverse mode."""

    def iterate(w: Vector, _: None) -> tuple[Vector, Vector]:
        w = w - step * jax.grad(objective)(w)
        return w, w

    _, iterates = jax.lax.scan(iterate, start, length=count)
    return jnp.concatenate([start[None], iterates])
