"""Layers of networks of sequences, and the convolutional network that predicts fitness, as oracle too.

Maps are (n, positions, channels). A convolution is one matrix product of shifted slices, since library convolutions
inside `lax.scan` are several times slower on a CPU. Weights start as PyTorch's do, which the released networks use.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Float64, Int, Key, UInt8
from numpy import ndarray

from perspectives.numerics.progress import Progress, silent
from perspectives.numerics.training import fit
from perspectives.protein.sequences import ALPHABET, Tokens
from perspectives.protein.settings import PredictorSettings

LETTERS = len(ALPHABET)
KERNEL = 5
"""Positions that a feature of the predictor sees."""
CHANNELS = 256
"""Of the convolution; the layer after it has twice as many."""

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


class ConvolutionPredictor(eqx.Module):
    """Fitness of one-hot sequences, or of distributions over residues at each position.

    **Source**: released code, `BaseCNN`: a convolution of five positions to 256 channels, a linear layer to 512 with
    ReLU, the largest over positions, a linear layer; no activation after the convolution. That layer and the next are
    therefore one linear map, and ReLU commutes with the maximum: written so, it takes a third of the work.
    """

    convolution: Convolution
    hidden: Dense
    out: Dense

    def __init__(self, *, key: Key[Array, ""]):
        first, second, third = jax.random.split(key, 3)
        self.convolution = Convolution(LETTERS, CHANNELS, size=KERNEL, key=first)
        self.hidden = Dense(CHANNELS, 2 * CHANNELS, key=second)
        self.out = Dense(2 * CHANNELS, 1, key=third)

    def __call__(self, x: Float[Array, "n length 20"]) -> Float[Array, "n"]:
        """Return the fitness of each sequence."""
        weight = self.convolution.weight.reshape(-1, CHANNELS) @ self.hidden.weight
        bias = self.hidden(self.convolution.bias)
        largest = (slices(x, KERNEL) @ weight).max(1)
        return self.out(jax.nn.relu(largest + bias))[:, 0]


class Rows(NamedTuple):
    """Sequences and their fitness."""

    tokens: UInt8[Array, "n length"]
    scores: Float[Array, "n"]


def squared_error(model: ConvolutionPredictor, batch: Rows, key: Key[Array, ""]) -> Float[Array, ""]:
    """Return the mean squared error of the fitness of a batch."""
    predicted = model(jax.nn.one_hot(batch.tokens, LETTERS, dtype=jnp.float32))
    return jnp.square(predicted - batch.scores).mean()


def sampling_weights(scores: Float64[ndarray, "n"]) -> Float64[ndarray, "n"]:
    """Return how likely each row is to be drawn for a batch; they sum to one.

    **Source**: released code of GGS, `weighted_sampling`: 1 / (score - least score + 1). Low fitness is drawn more
    often.
    """
    weights = 1 / (scores - scores.min() + 1)
    return weights / weights.sum()


class WeightedRows(eqx.Module):
    """Batches of `size` rows drawn with replacement, some more likely than others.

    **Departs**: an epoch has as many batches as in the released code, but its last one is no smaller than the others.
    """

    rows: Rows
    likely: Float[Array, "n"]
    size: int = eqx.field(static=True)

    @property
    def steps(self) -> int:
        """Return the number of batches in which all rows would fit."""
        return -(-len(self.likely) // self.size)

    def draw(self, key: Key[Array, ""]) -> Int[Array, "steps size"]:
        """Return the rows of each batch of an epoch."""
        return jax.random.choice(key, len(self.likely), (self.steps, self.size), p=self.likely)

    def take(self, drawn: Int[Array, "size"]) -> Rows:
        """Return the rows `drawn`."""
        return Rows(self.rows.tokens[drawn], self.rows.scores[drawn])


def fitted_predictor(
    tokens: Tokens,
    scores: Float64[ndarray, "n"],
    settings: PredictorSettings,
    *,
    epochs: int | None = None,
    progress: Progress = silent,
    key: Key[Array, ""],
) -> ConvolutionPredictor:
    """Return the network trained on rows of tokens and fitness, for the settings' epochs or for `epochs`.

    **Source**: released code of GGS: Adam, whose `weight_decay` is added to the gradient as PyTorch's Adam has it, and
    batches drawn by `sampling_weights`.
    """
    model_key, fit_key = jax.random.split(key)
    rows = Rows(jnp.asarray(tokens), jnp.asarray(scores, jnp.float32))
    batches = WeightedRows(rows, jnp.asarray(sampling_weights(np.asarray(scores)), jnp.float32), settings.batch)
    return fit(
        eqx.filter_jit(lambda key: ConvolutionPredictor(key=key))(model_key),
        squared_error,
        batches,
        optax.chain(optax.add_decayed_weights(settings.weight_decay), optax.adam(settings.learning_rate)),
        steps=batches.steps * (epochs or settings.epochs),
        progress=progress,
        key=fit_key,
    ).model
