"""Variational autoencoders of sequences: the released one, of convolutions, and a perceptron for GB1."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, UInt8
from numpy import ndarray

from perspectives.protein.layers import Codes, Convolution, Dense, Maps, uniform
from perspectives.protein.sequences import LETTERS, Tokens
from perspectives.protein.settings import AutoencoderSettings

EMBEDDING = 64
"""Numbers that a residue becomes in the released autoencoder."""
ENCODER_CHANNELS = (128, 64, 32)
DECODER_CHANNELS = (64, 128)
HALVED = 4
"""By how much its encoder divides the positions: the length is filled up to a multiple."""
PERCEPTRON_WIDTHS = (256, 128)
ENCODED_TOGETHER = 512
"""Sequences that are encoded or decoded at once."""

OneHots = Float[Array, "n length 20"]


class Doubling(eqx.Module):
    """A transposed convolution of three positions to twice as many: PyTorch's with stride 2, padding 1 and 1 more out.

    Position 2 m of the result is x_m W_1, position 2 m + 1 is x_m W_2 + x_(m + 1) W_0.
    """

    weight: Float[Array, "3 inputs outputs"]
    bias: Float[Array, "outputs"]

    def __init__(self, inputs: int, outputs: int, *, key: Key[Array, ""]):
        both = uniform(3 * inputs + 1, outputs, fan=3 * outputs, key=key)  # PyTorch takes the outputs for inputs here
        self.weight, self.bias = both[:-1].reshape(3, inputs, outputs), both[-1]

    def __call__(self, x: Maps) -> Float[Array, "n _ outputs"]:
        """Return the maps."""
        n, positions, _ = x.shape
        before, here, after = self.weight
        following = jnp.pad(x[:, 1:], ((0, 0), (0, 1), (0, 0)))
        odd = jnp.concatenate([x, following], -1) @ jnp.concatenate([after, before])
        return jnp.stack([x @ here, odd], 2).reshape(n, 2 * positions, -1) + self.bias


class ConvolutionAutoencoder(eqx.Module):
    """The released autoencoder.

    **Source**: released code, `vae.py`: an embedding of residues, three convolutions of three positions with ReLU, the
    last two of every other position, a linear layer each for mean and log-variance; in reverse order transposed
    convolutions, without an activation after the last, and a linear layer to logits. Sequences are filled up with
    residue 0, whose logits are dropped; which token the authors use for it is not released.
    **Departs**: features are flattened position by position and not channel by channel; released weights are reordered.
    """

    embedding: Float[Array, "20 channels"]
    encoder: tuple[Convolution, ...]
    mean: Dense
    log_variance: Dense
    begin: Dense
    decoder: tuple[Doubling, Doubling, Convolution]
    out: Dense
    length: int = eqx.field(static=True)

    def __init__(self, length: int, latent: int, *, key: Key[Array, ""]):
        keys = iter(jax.random.split(key, 11))
        self.length = length
        features = -(-length // HALVED) * ENCODER_CHANNELS[-1]
        self.embedding = jax.random.normal(next(keys), (LETTERS, EMBEDDING), jnp.float32)
        inputs = (EMBEDDING, *ENCODER_CHANNELS[:-1])
        self.encoder = tuple(
            Convolution(before, after, size=3, stride=stride, border=1, key=next(keys))
            for before, after, stride in zip(inputs, ENCODER_CHANNELS, (1, 2, 2), strict=True)
        )
        self.mean = Dense(features, latent, key=next(keys))
        self.log_variance = Dense(features, latent, key=next(keys))
        self.begin = Dense(latent, features, key=next(keys))
        narrow, wide = DECODER_CHANNELS
        self.decoder = (
            Doubling(ENCODER_CHANNELS[-1], narrow, key=next(keys)),
            Doubling(narrow, wide, key=next(keys)),
            # With stride 1 a transposed convolution is one with its kernel turned round.
            Convolution(wide, EMBEDDING, size=3, border=1, key=next(keys)),
        )
        self.out = Dense(EMBEDDING, LETTERS, key=next(keys))

    @property
    def latent(self) -> int:
        """Return the number of latent dimensions."""
        return self.mean.weight.shape[1]

    def encode(self, x: OneHots) -> tuple[Codes, Codes]:
        """Return mean and log-variance of the code of each sequence."""
        filling = jnp.zeros((LETTERS,), x.dtype).at[0].set(1)
        missing = -self.length % HALVED
        filled = jnp.concatenate([x, jnp.broadcast_to(filling, (len(x), missing, LETTERS))], 1)
        h = filled @ self.embedding
        for layer in self.encoder:
            h = jax.nn.relu(layer(h))
        h = h.reshape(len(x), -1)
        return self.mean(h), self.log_variance(h)

    def decode(self, z: Codes) -> OneHots:
        """Return logits of the residues at each position."""
        h = jax.nn.relu(self.begin(z)).reshape(len(z), -1, ENCODER_CHANNELS[-1])
        for layer in self.decoder[:-1]:
            h = jax.nn.relu(layer(h))
        return self.out(self.decoder[-1](h)[:, : self.length])


def _before_relu(inputs: int, outputs: int, *, fan: int, key: Key[Array, ""]) -> Dense:
    """Return a layer that starts with weights of variance 2 / `fan` and no bias.

    **Source**: He et al. 2015, for layers followed by ReLU: what passes through keeps its mean square.
    """
    layer = Dense(inputs, outputs, key=key)
    scale = (6 * inputs / fan) ** 0.5  # from PyTorch's variance 1 / (3 inputs)
    return eqx.tree_at(lambda d: (d.weight, d.bias), layer, (scale * layer.weight, jnp.zeros(outputs, jnp.float32)))


class PerceptronAutoencoder(eqx.Module):
    """Hidden layers of 256 and 128 units with ReLU, and the same in reverse; our own, for a laptop.

    Hidden layers start as `_before_relu` says, and the first counts only inputs that are one, a residue a position.
    With PyTorch's start two mutations among 55 residues hardly reach the code: on GB1 the wild type was still all that
    had been learnt after 2000 steps.
    """

    encoder: tuple[Dense, Dense]
    mean: Dense
    log_variance: Dense
    decoder: tuple[Dense, Dense]
    out: Dense
    length: int = eqx.field(static=True)

    def __init__(self, length: int, latent: int, *, key: Key[Array, ""]):
        keys = jax.random.split(key, 7)
        wide, narrow = PERCEPTRON_WIDTHS
        self.length = length
        self.encoder = (
            _before_relu(LETTERS * length, wide, fan=length, key=keys[0]),
            _before_relu(wide, narrow, fan=wide, key=keys[1]),
        )
        self.mean, self.log_variance = Dense(narrow, latent, key=keys[2]), Dense(narrow, latent, key=keys[3])
        self.decoder = (
            _before_relu(latent, narrow, fan=latent, key=keys[4]),
            _before_relu(narrow, wide, fan=narrow, key=keys[5]),
        )
        self.out = Dense(wide, LETTERS * length, key=keys[6])

    @property
    def latent(self) -> int:
        """Return the number of latent dimensions."""
        return self.mean.weight.shape[1]

    def encode(self, x: OneHots) -> tuple[Codes, Codes]:
        """Return mean and log-variance of the code of each sequence."""
        h = x.reshape(len(x), -1)
        for layer in self.encoder:
            h = jax.nn.relu(layer(h))
        return self.mean(h), self.log_variance(h)

    def decode(self, z: Codes) -> OneHots:
        """Return logits of the residues at each position."""
        h = z
        for layer in self.decoder:
            h = jax.nn.relu(layer(h))
        return self.out(h).reshape(len(z), self.length, LETTERS)


Autoencoder = ConvolutionAutoencoder | PerceptronAutoencoder


def autoencoder_for(settings: AutoencoderSettings, length: int, *, latent: int, key: Key[Array, ""]) -> Autoencoder:
    """Return a new autoencoder of sequences of `length` residues."""
    kind = ConvolutionAutoencoder if settings.network == "convolutions" else PerceptronAutoencoder
    return kind(length, latent, key=key)


def divergence(mean: Codes, log_variance: Codes) -> Float[Array, "n"]:
    """Return KL(N(mean, variance) | N(0, I)) of each code, in nats."""
    return 0.5 * (jnp.square(mean) + jnp.exp(log_variance) - 1 - log_variance).sum(-1)


class AutoencoderLoss(eqx.Module):
    """The mean cross-entropy of a token, plus beta times the divergence of a code, averaged over sequences.

    Which sums and means the authors take was not released: a mean over positions and a sum over latent dimensions are
    ours. Positions that only fill a sequence up are not in the loss.
    """

    weight: float = eqx.field(static=True)

    def __call__(self, model: Autoencoder, batch: UInt8[Array, "n length"], key: Key[Array, ""]) -> Float[Array, ""]:
        """Return the loss of a batch of tokens, with one draw of each code."""
        x = jax.nn.one_hot(batch, LETTERS, dtype=jnp.float32)
        mean, log_variance = model.encode(x)
        z = mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape, mean.dtype)
        cross_entropy = -(jax.nn.log_softmax(model.decode(z)) * x).sum(-1).mean()
        return cross_entropy + self.weight * divergence(mean, log_variance).mean()


class Encoded(NamedTuple):
    """Means and standard deviations of codes."""

    mean: Float[ndarray, "n latent"]
    deviation: Float[ndarray, "n latent"]


@eqx.filter_jit
def _encode(model: Autoencoder, tokens: UInt8[Array, "n length"]) -> tuple[Codes, Codes]:
    mean, log_variance = model.encode(jax.nn.one_hot(tokens, LETTERS, dtype=jnp.float32))
    return mean, jnp.exp(0.5 * log_variance)


@eqx.filter_jit
def _decode(model: Autoencoder, z: Codes) -> Int[Array, "n length"]:
    return model.decode(z).argmax(-1)


def encoded_codes(model: Autoencoder, tokens: Tokens) -> Encoded:
    """Return the codes of sequences."""
    parts = [_encode(model, part) for part in _equal_parts(tokens)]
    return Encoded(*(np.concatenate([np.asarray(p) for p in leaf])[: len(tokens)] for leaf in zip(*parts, strict=True)))


def decoded_tokens(model: Autoencoder, codes: Float[ndarray, "n latent"]) -> Tokens:
    """Return the likeliest sequence of each code."""
    parts = [np.asarray(_decode(model, part), np.uint8) for part in _equal_parts(codes)]
    return np.concatenate(parts)[: len(codes)]


def _equal_parts(rows: ndarray) -> list[Array]:
    """Return rows in parts of one size, the last filled up from the first rows: one compiled program does for all."""
    size = min(len(rows), ENCODED_TOGETHER)
    return [jnp.asarray(rows[(start + np.arange(size)) % len(rows)]) for start in range(0, len(rows), size)]


def commonest(tokens: Tokens) -> UInt8[ndarray, "length"]:
    """Return the commonest residue at each position; of equally common ones the first of the alphabet."""
    counts = (tokens[:, :, None] == np.arange(LETTERS, dtype=np.uint8)).sum(0)
    return counts.argmax(1).astype(np.uint8)


def reconstruction_quality(model: Autoencoder, tokens: Tokens) -> dict[str, float]:
    """Return how much of sequences survives their mean code, as shares, and the mean posterior deviation.

    `token_accuracy` is of residues, `exact` of whole sequences, `mutation_recall` of residues that are not the
    commonest at their position: those an autoencoder that had learnt only the wild type would lose. It is NaN when
    there are none.
    """
    codes = encoded_codes(model, tokens)
    right: Bool[ndarray, "n length"] = decoded_tokens(model, codes.mean) == tokens
    mutated = tokens != commonest(tokens)
    return {
        "token_accuracy": float(right.mean()),
        "exact": float(right.all(1).mean()),
        "mutation_recall": float(right[mutated].mean()) if mutated.any() else float("nan"),
        "posterior_deviation": float(codes.deviation.mean()),
    }
