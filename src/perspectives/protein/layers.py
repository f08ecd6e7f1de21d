"""Layers of networks of sequences.

Maps are (n, positions, channels). A convolution is one matrix product of shifted slices, since library convolutions
inside `lax.scan` are several times slower on a CPU. Weights start as PyTorch's do, which the released networks use.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

Codes = Float[Array, "n latent"]
Maps = Float[Array, "n positions channels"]


def uniform(rows: int, columns: int, *, fan: int, key: Key[Array, ""]) -> Float[Array, "{rows} {columns}"]:
    """Return numbers uniform on +-1 / sqrt(`fan`): how PyTorch starts weights and biases."""
    bound = fan**-0.5
    return jax.random.uniform(key, (rows, columns), jnp.float32, -bound, bound)


def slices(x: Maps, size: int, *, stride: int = 1, border: int = 0) -> Float[Array, "n _ _"]:
    """Return at every `stride`-th position the `size` neighbours from there on, one after another, as channels.

    There are `border` zeros before the first position and after the last.
    """
    padded = jnp.pad(x, ((0, 0), (border, border), (0, 0))) if border else x
    last = padded.shape[1] - size
    return jnp.concatenate([padded[:, first : first + last + 1 : stride] for first in range(size)], -1)


class Dense(eqx.Module):
    """A linear layer on the last axis; on maps it is a convolution of one position."""

    weight: Float[Array, "inputs outputs"]
    bias: Float[Array, "outputs"] | None

    def __init__(self, inputs: int, outputs: int, *, biased: bool = True, key: Key[Array, ""]):
        # One draw gives both, since each compiled draw takes as long to compile as a layer.
        both = uniform(inputs + 1, outputs, fan=inputs, key=key)
        self.weight, self.bias = both[:-1], both[-1] if biased else None

    def __call__(self, x: Float[Array, "*shape inputs"]) -> Float[Array, "*shape outputs"]:
        """Return x W + b."""
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


class Convolution(eqx.Module):
    """A cross-correlation along positions, of every `stride`-th, with `border` zeros at either end."""

    weight: Float[Array, "size inputs outputs"]
    bias: Float[Array, "outputs"]
    stride: int = eqx.field(static=True)
    border: int = eqx.field(static=True)

    def __init__(self, inputs: int, outputs: int, *, size: int, stride: int = 1, border: int = 0, key: Key[Array, ""]):
        both = uniform(size * inputs + 1, outputs, fan=size * inputs, key=key)
        self.weight, self.bias = both[:-1].reshape(size, inputs, outputs), both[-1]
        self.stride, self.border = stride, border

    def __call__(self, x: Maps) -> Float[Array, "n _ outputs"]:
        """Return the maps."""
        size, inputs, outputs = self.weight.shape
        flat = self.weight.reshape(size * inputs, outputs)
        return slices(x, size, stride=self.stride, border=self.border) @ flat + self.bias
