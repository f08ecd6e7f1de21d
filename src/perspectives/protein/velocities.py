"""Velocities v(z, t) of latent codes: the released one-dimensional U-Net, and a perceptron for a laptop.

Both take whole batches of codes, and one time for all of them or a time each. In the U-Net a code is a map of one
channel, its dimensions the positions.
"""

from math import log, pi

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.nn import silu
from jaxtyping import Array, Float, Key

from perspectives.protein.layers import Codes, Convolution, Dense, Maps
from perspectives.protein.settings import PriorSettings

WIDTH = 8
"""Channels of the U-Net's first level, and numbers that embed a time."""
EMBEDDED = 4 * WIDTH
"""Of an embedded time after its perceptron."""
CHANNELS = ((WIDTH, WIDTH), (WIDTH, 2 * WIDTH))
"""Channels of each level, and of the next one."""
HEADS = 4
HEAD_CHANNELS = 32
LONGEST_PERIOD = 10_000.0
"""Of the sinusoids that embed a time, over 2 pi."""
FREQUENCIES = 8
"""Of sines, and of cosines, that tell the perceptron the time; our own choice."""
FLOOR = 1e-24
"""The least squared norm that normalisation divides by; the square of PyTorch's."""

Embedding = Float[Array, "m embedding"]
"""Of one time for all codes, or a time each: m is 1 or n."""
Time = float | Float[Array, ""] | Float[Array, "n"]


class RootMeanSquare(eqx.Module):
    """Channels of a position scaled to a root mean square of 1, times a gain.

    **Source**: released code, `RMSNorm`.
    """

    gain: Float[Array, "channels"]

    def __init__(self, channels: int):
        self.gain = jnp.ones(channels, jnp.float32)

    def __call__(self, x: Maps) -> Maps:
        """Return the normalised maps."""
        squared = jnp.square(x).sum(-1, keepdims=True)
        return x * jax.lax.rsqrt(jnp.maximum(squared, FLOOR)) * (self.gain * x.shape[-1] ** 0.5)


class Residual(eqx.Module):
    """Two convolutions, each normalised, the first scaled and shifted by the time, and a shortcut.

    **Source**: released code, `ResnetBlock`. `fitness` would scale and shift the second by a fitness that is never
    given: it is among the released weights and has no effect.
    """

    first: Convolution
    first_norm: RootMeanSquare
    second: Convolution
    second_norm: RootMeanSquare
    time: Dense
    fitness: Dense
    shortcut: Dense | None

    def __init__(self, inputs: int, outputs: int, *, key: Key[Array, ""]):
        keys = jax.random.split(key, 5)
        self.first = Convolution(inputs, outputs, size=3, border=1, key=keys[0])
        self.first_norm = RootMeanSquare(outputs)
        self.second = Convolution(outputs, outputs, size=3, border=1, key=keys[1])
        self.second_norm = RootMeanSquare(outputs)
        self.time = Dense(EMBEDDED, 2 * outputs, key=keys[2])
        self.fitness = Dense(EMBEDDED, 2 * outputs, key=keys[3])
        self.shortcut = Dense(inputs, outputs, key=keys[4]) if inputs != outputs else None

    def __call__(self, x: Maps, active: Embedding) -> Float[Array, "n positions outputs"]:
        """Return the maps; `active` is silu of the embedded time."""
        scale, shift = jnp.split(self.time(active)[:, None], 2, -1)
        h = silu(self.first_norm(self.first(x)) * (scale + 1) + shift)
        h = silu(self.second_norm(self.second(h)))
        return h + (x if self.shortcut is None else self.shortcut(x))


class Attention(eqx.Module):
    """Attention of all positions to all, four heads, normalised before and added to its input.

    The linear one takes the softmax of queries over features and of keys over positions, and normalises what comes out.
    **Source**: released code, `PreNorm` with `Attention` or `LinearAttention`.
    **Departs**: the linear one multiplies queries by keys first, not keys by values. The result is the same, and with
    fewer positions than channels of a head it is less work.
    """

    norm: RootMeanSquare
    mix: Dense
    out: Dense
    out_norm: RootMeanSquare | None

    def __init__(self, channels: int, *, linear: bool, key: Key[Array, ""]):
        first, second = jax.random.split(key)
        self.norm = RootMeanSquare(channels)
        self.mix = Dense(channels, 3 * HEADS * HEAD_CHANNELS, biased=False, key=first)
        self.out = Dense(HEADS * HEAD_CHANNELS, channels, key=second)
        self.out_norm = RootMeanSquare(channels) if linear else None

    def __call__(self, x: Maps) -> Maps:
        """Return the maps."""
        n, positions, _ = x.shape
        mixed = self.mix(self.norm(x)).reshape(n, positions, 3, HEADS, HEAD_CHANNELS)
        query, key, value = mixed.transpose(2, 0, 3, 1, 4)
        if self.out_norm is None:
            weights = jax.nn.softmax(_products(query * HEAD_CHANNELS**-0.5, key), -1)
            return x + self.out(_gathered(weights, value))
        weights = _products(jax.nn.softmax(query, -1) * HEAD_CHANNELS**-0.5, jax.nn.softmax(key, 2))
        return x + self.out_norm(self.out(_gathered(weights, value)))


Heads = Float[Array, "n heads positions channels"]


def _products(query: Heads, key: Heads) -> Float[Array, "n heads positions positions"]:
    return jnp.einsum("nhqc,nhkc->nhqk", query, key)


def _gathered(
    weights: Float[Array, "n heads positions positions"], value: Heads
) -> Float[Array, "n positions features"]:
    """Return at each position the weighted values of all, head after head."""
    n, _, positions, _ = value.shape
    return jnp.einsum("nhqk,nhkc->nhqc", weights, value).swapaxes(1, 2).reshape(n, positions, -1)


class Level(eqx.Module):
    """What happens at one resolution: two residual blocks, linear attention, a convolution that may change it."""

    first: Residual
    second: Residual
    attention: Attention
    resample: Convolution

    def __init__(self, inputs: int, channels: int, resample: Convolution, *, key: Key[Array, ""]):
        keys = jax.random.split(key, 3)
        self.first = Residual(inputs, channels, key=keys[0])
        self.second = Residual(inputs, channels, key=keys[1])
        self.attention = Attention(channels, linear=True, key=keys[2])
        self.resample = resample


class UNet(eqx.Module):
    """The released velocity, for an even number of latent dimensions.

    **Source**: released code, `Unet1D(dim=8, dim_mults=(1, 2), channels=1)`. Time in [0, 1] is embedded as it is.
    `fitness` is among the released weights and has no effect, see `Residual`.
    """

    time: tuple[Dense, Dense]
    fitness: tuple[Dense, Dense]
    begin: Convolution
    down: tuple[Level, ...]
    middle: tuple[Residual, Attention, Residual]
    up: tuple[Level, ...]
    final: Residual
    end: Dense

    def __init__(self, *, key: Key[Array, ""]):
        keys = iter(jax.random.split(key, 18))
        self.time = (Dense(WIDTH, EMBEDDED, key=next(keys)), Dense(EMBEDDED, EMBEDDED, key=next(keys)))
        self.fitness = (Dense(1, EMBEDDED, key=next(keys)), Dense(EMBEDDED, EMBEDDED, key=next(keys)))
        self.begin = Convolution(1, WIDTH, size=7, border=3, key=next(keys))
        last = len(CHANNELS) - 1
        down, up = [], []
        for number, (here, below) in enumerate(CHANNELS):
            size, stride = (4, 2) if number < last else (3, 1)
            resample = Convolution(here, below, size=size, stride=stride, border=1, key=next(keys))
            down.append(Level(here, here, resample, key=next(keys)))
        for here, below in reversed(CHANNELS):
            resample = Convolution(below, here, size=3, border=1, key=next(keys))
            up.append(Level(here + below, below, resample, key=next(keys)))
        self.down, self.up = tuple(down), tuple(up)
        lowest = CHANNELS[-1][1]
        self.middle = (
            Residual(lowest, lowest, key=next(keys)),
            Attention(lowest, linear=False, key=next(keys)),
            Residual(lowest, lowest, key=next(keys)),
        )
        self.final = Residual(2 * WIDTH, WIDTH, key=next(keys))
        self.end = Dense(WIDTH, 1, key=next(keys))

    def __call__(self, z: Codes, t: Time) -> Codes:
        """Return the velocity of each code at its time, or at the one time."""
        first, second = self.time
        active = silu(second(jax.nn.gelu(first(embedded(t, WIDTH, z)), approximate=False)))
        start = h = self.begin(z[..., None])
        kept = []
        for level in self.down:
            h = level.first(h, active)
            kept.append(h)
            h = level.attention(level.second(h, active))
            kept.append(h)
            h = level.resample(h)
        before, attention, after = self.middle
        h = after(attention(before(h, active)), active)
        for number, level in enumerate(self.up):
            h = level.first(jnp.concatenate([h, kept.pop()], -1), active)
            h = level.attention(level.second(jnp.concatenate([h, kept.pop()], -1), active))
            if number < len(self.up) - 1:
                h = jnp.repeat(h, 2, 1)
            h = level.resample(h)
        return self.end(self.final(jnp.concatenate([h, start], -1), active))[..., 0]


def embedded(t: Time, size: int, z: Codes) -> Embedding:
    """Return sines and cosines of times at `size` / 2 frequencies each, from 1 down to 1 / `LONGEST_PERIOD`.

    **Source**: released code, `SinusoidalPosEmb`.
    """
    half = size // 2
    frequencies = jnp.exp(-log(LONGEST_PERIOD) / (half - 1) * jnp.arange(half, dtype=z.dtype))
    angles = jnp.atleast_1d(jnp.asarray(t, z.dtype))[:, None] * frequencies
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], -1)


class ResidualPerceptron(eqx.Module):
    """A perceptron of a code and sines and cosines of its time, with silu; hidden layers but the first add to theirs.

    Our own, for a laptop: the U-Net costs ten times as much.
    """

    begin: Dense
    hidden: tuple[Dense, ...]
    end: Dense

    def __init__(self, latent: int, *, width: int, depth: int, key: Key[Array, ""]):
        keys = jax.random.split(key, depth + 1)
        self.begin = Dense(latent + 2 * FREQUENCIES, width, key=keys[0])
        self.hidden = tuple(Dense(width, width, key=k) for k in keys[1:-1])
        self.end = Dense(width, latent, key=keys[-1])

    def __call__(self, z: Codes, t: Time) -> Codes:
        """Return the velocity of each code at its time, or at the one time."""
        angles = jnp.atleast_1d(jnp.asarray(t, z.dtype))[:, None] * (pi * jnp.arange(1, FREQUENCIES + 1, dtype=z.dtype))
        times = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], -1)
        h = silu(self.begin(jnp.concatenate([z, jnp.broadcast_to(times, (len(z), 2 * FREQUENCIES))], -1)))
        for layer in self.hidden:
            h = h + silu(layer(h))
        return self.end(h)


VelocityNetwork = UNet | ResidualPerceptron


def velocity_for(settings: PriorSettings, *, latent: int, key: Key[Array, ""]) -> VelocityNetwork:
    """Return a new velocity of codes of `latent` dimensions.

    **Raises**: ValueError when the U-Net cannot halve them.
    """
    if settings.network == "perceptron":
        return ResidualPerceptron(latent, width=settings.width, depth=settings.depth, key=key)
    if latent % 2:
        raise ValueError(f"latent = {latent} is odd, which the U-Net of the prior cannot halve; set an even number")
    return UNet(key=key)
