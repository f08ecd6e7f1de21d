"""A perceptron of (x, t) for the drift, and the score that a drift stands for."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float, Key

from perspectives.diffusion.score_matching import like
from perspectives.diffusion.sde import InferenceSde, Time


class TimePerceptron(eqx.Module):
    """A multilayer perceptron of an example, any shape, and its time, with swish between its layers.

    **Source**: the network of the swiss roll in a derivative of the authors' notebook: (x, t) concatenated, linear
    layers of PyTorch's default initialisation, the last one too.
    """

    layers: tuple[eqx.nn.Linear, ...]

    def __init__(self, size: int, *, width: int, depth: int, dtype: DTypeLike = jnp.float32, key: Key[Array, ""]):
        sizes = (size + 1, *[width] * depth, size)
        keys = jax.random.split(key, depth + 1)
        pairs = zip(sizes[:-1], sizes[1:], keys, strict=True)
        self.layers = tuple(eqx.nn.Linear(inner, outer, dtype=dtype, key=k) for inner, outer, k in pairs)

    def __call__(self, y: Float[Array, "*event"], s: Time) -> Float[Array, "*event"]:
        """Return the drift a(y, s) of one example."""
        x = jnp.append(y.ravel(), jnp.asarray(s, y.dtype))
        for layer in self.layers[:-1]:
            x = jax.nn.swish(layer(x))
        return self.layers[-1](x).reshape(y.shape)


class DriftScore(eqx.Module):
    """The score a / g of a network that gives the drift a = g score, as the released code has it.

    The drift stays bounded at s = 0, so that bounds need no truncation there. For equations with g(0) > 0: where g(0) =
    0, as in the sub-VP equation, the score at s = 0 is infinite.
    """

    drift: Callable[..., Any]
    sde: InferenceSde

    def __call__(self, y: Float[Array, "*event"], s: Time) -> Float[Array, "*event"]:
        """Return the score at y."""
        return like(self.drift(y, s), y) / self.sde.diffusion(s).astype(y.dtype)
