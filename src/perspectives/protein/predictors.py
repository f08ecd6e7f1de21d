"""The convolutional network that predicts fitness, as oracle too, and how it is fitted."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Float64, Key, UInt8
from numpy import ndarray

from perspectives.numerics.batches import Weighted
from perspectives.numerics.progress import Progress, silent
from perspectives.numerics.training import fit
from perspectives.protein.layers import Convolution, Dense, slices
from perspectives.protein.sequences import LETTERS, Tokens
from perspectives.protein.settings import FitSettings

KERNEL = 5
"""Positions that a feature of the predictor sees."""
CHANNELS = 256
"""Of the convolution; the layer after it has twice as many."""


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


def fitted_predictor(
    tokens: Tokens,
    scores: Float64[ndarray, "n"],
    settings: FitSettings,
    *,
    epochs: int | None = None,
    progress: Progress = silent,
    key: Key[Array, ""],
) -> ConvolutionPredictor:
    """Return the network trained on rows of tokens and fitness, for the settings' epochs or for `epochs`.

    **Source**: released code of GGS: Adam, whose `weight_decay` is added to the gradient as PyTorch's Adam has it, and
    batches drawn by `sampling_weights`. **Departs**: an epoch has as many batches, but its last is no smaller than the
    others.
    """
    model_key, fit_key = jax.random.split(key)
    rows = Rows(jnp.asarray(tokens), jnp.asarray(scores, jnp.float32))
    likely = jnp.asarray(sampling_weights(np.asarray(scores)), jnp.float32)
    batches = Weighted(rows, likely, settings.batch, -(-len(tokens) // settings.batch))
    return fit(
        eqx.filter_jit(lambda key: ConvolutionPredictor(key=key))(model_key),
        squared_error,
        batches,
        optax.chain(optax.add_decayed_weights(settings.weight_decay), optax.adam(settings.learning_rate)),
        steps=batches.steps * (epochs or settings.epochs),
        progress=progress,
        key=fit_key,
    ).model
