"""The U-Net of the released code for the drift a(y, s) of images: that of Ho et al. (2020), time in [0, 1] as it is.

Whole batches, channels last. Written for a CPU too: 1 x 1 convolutions are matrix products, and group normalisation
sums over pixels channel by channel before it looks at groups, with a derivative that needs two such sums.
"""

from math import log

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.nn import swish
from jaxtyping import Array, DTypeLike, Float, Key

GROUPS = 32
"""Groups of channels that are normalised together."""
FLOOR = 1e-6
"""What normalisation adds to a variance; the released code's `eps`."""
BLOCKS = 2
"""Residual blocks of a resolution on the way down; one more on the way up."""
ATTENTION_HEIGHTS = (16,)
"""Heights of maps at which every block is followed by attention."""
LONGEST_PERIOD = 10_000.0
"""Of the sinusoids that embed a time, over 2 pi."""
ZERO_SCALE = 1e-10
"""The variance scale of weights that should start at zero."""

Images = Float[Array, "n height width channels"]
Embedding = Float[Array, "n embedding"]


def embedded(s: Float[Array, "n"], size: int) -> Float[Array, "n {size}"]:
    """Return sines and cosines of times at `size` / 2 frequencies each, from 1 down to 1 / `LONGEST_PERIOD`.

    **Source**: released code, `get_sinusoidal_positional_embedding`, which is given times in [0, 1] where Ho et al.
    have up to 1000 of them: all but the first few sines are then nearly linear in s.
    """
    half = size // 2
    frequencies = jnp.exp(-log(LONGEST_PERIOD) / (half - 1) * jnp.arange(half, dtype=s.dtype))
    angles = s[:, None] * frequencies
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], -1)


def _uniform(
    shape: tuple[int, ...], outputs: int, scale: float, dtype: DTypeLike, key: Key[Array, ""]
) -> Float[Array, "..."]:
    """Return weights of variance `scale` / fan out.

    **Source**: released code, `variance_scaling_init_`, which asks for the mean of fan in and fan out as Ho et al. do,
    but whose `_calculate_correct_fan` returns the fan out.
    """
    bound = (3 * scale / outputs) ** 0.5
    return jax.random.uniform(key, shape, dtype, -bound, bound)


class Dense(eqx.Module):
    """A linear layer on the last axis; on maps it is a 1 x 1 convolution."""

    weight: Float[Array, "inputs outputs"]
    bias: Float[Array, "outputs"]

    def __init__(self, inputs: int, outputs: int, *, scale: float = 1.0, dtype: DTypeLike, key: Key[Array, ""]):
        self.weight = _uniform((inputs, outputs), outputs, scale, dtype, key)
        self.bias = jnp.zeros(outputs, dtype)

    def __call__(self, x: Float[Array, "*shape inputs"]) -> Float[Array, "*shape outputs"]:
        """Return x W + b."""
        # As one matrix: of several axes, XLA's CPU backend takes three times as long for the derivative by the weights.
        flat = x.reshape(-1, x.shape[-1]) @ self.weight
        return flat.reshape(*x.shape[:-1], -1) + self.bias


class Convolution(eqx.Module):
    """A 3 x 3 convolution with a border of zeros, each pixel's or every other's."""

    weight: Float[Array, "3 3 inputs outputs"]
    bias: Float[Array, "outputs"]
    stride: int = eqx.field(static=True)

    def __init__(
        self, inputs: int, outputs: int, *, stride: int = 1, scale: float = 1.0, dtype: DTypeLike, key: Key[Array, ""]
    ):
        self.weight = _uniform((3, 3, inputs, outputs), 9 * outputs, scale, dtype, key)
        self.bias = jnp.zeros(outputs, dtype)
        self.stride = stride

    def __call__(self, x: Images) -> Float[Array, "n _ _ outputs"]:
        """Return the maps."""
        return _convolved(x, self.weight, ((1, 1), (1, 1)), self.stride) + self.bias


def _convolved(
    x: Images, weight: Float[Array, "rows columns inputs outputs"], border: tuple, stride: int = 1
) -> Float[Array, "n _ _ outputs"]:
    axes = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, weight, (stride, stride), border, dimension_numbers=axes)


def _over_groups(sums: Float[Array, "n 1 channels"]) -> Float[Array, "n 1 channels"]:
    """Return for each channel the mean over its group."""
    n, _, channels = sums.shape
    means = sums.reshape(n, 1, GROUPS, channels // GROUPS).mean(-1)
    return jnp.repeat(means, channels // GROUPS, -1)


@jax.custom_jvp
def group_norm(
    y: Float[Array, "n pixels channels"], gain: Float[Array, "channels"], offset: Float[Array, "channels"]
) -> Float[Array, "n pixels channels"]:
    """Return y, normalised over pixels and groups of neighbouring channels, times `gain` plus `offset`.

    Its derivative is written out: reversed, it takes two sums over pixels, where automatic differentiation keeps and
    passes over several arrays of y's size.
    """
    return _normalised(y)[0] * gain + offset


def _normalised(
    y: Float[Array, "n pixels channels"],
) -> tuple[Float[Array, "n pixels channels"], Float[Array, "n 1 channels"]]:
    """Return y normalised, and one over its deviation."""
    centred = y - _over_groups(y.mean(1, keepdims=True))
    inverse = jax.lax.rsqrt(_over_groups(jnp.square(centred).mean(1, keepdims=True)) + FLOOR)
    return centred * inverse, inverse


@group_norm.defjvp
def _group_norm_jvp(primals: tuple, tangents: tuple) -> tuple:
    y, gain, offset = primals
    y_dot, gain_dot, offset_dot = tangents
    normal, inverse = _normalised(y)
    scale = inverse * gain
    # Everything but scale * y_dot is constant over pixels, or is so times `normal`.
    constant = offset_dot - scale * _over_groups(y_dot.mean(1, keepdims=True))
    slope = gain_dot - scale * _over_groups((normal * y_dot).mean(1, keepdims=True))
    return normal * gain + offset, scale * y_dot + constant + normal * slope


class GroupNorm(eqx.Module):
    """Group normalisation with a gain and an offset for each channel."""

    gain: Float[Array, "channels"]
    offset: Float[Array, "channels"]

    def __init__(self, channels: int, *, dtype: DTypeLike):
        if channels % GROUPS:
            raise ValueError(f"{channels} channels are no multiple of the {GROUPS} groups")
        self.gain, self.offset = jnp.ones(channels, dtype), jnp.zeros(channels, dtype)

    def __call__(self, x: Images) -> Images:
        """Return the normalised maps."""
        n, height, width, channels = x.shape
        return group_norm(x.reshape(n, height * width, channels), self.gain, self.offset).reshape(x.shape)


class Residual(eqx.Module):
    """Two convolutions, the time in between, and a shortcut."""

    first_norm: GroupNorm
    first: Convolution
    time: Dense
    second_norm: GroupNorm
    second: Convolution
    shortcut: Dense | None

    def __init__(self, inputs: int, outputs: int, embedding: int, *, dtype: DTypeLike, key: Key[Array, ""]):
        first, time, second, shortcut = jax.random.split(key, 4)
        self.first_norm = GroupNorm(inputs, dtype=dtype)
        self.first = Convolution(inputs, outputs, dtype=dtype, key=first)
        self.time = Dense(embedding, outputs, dtype=dtype, key=time)
        self.second_norm = GroupNorm(outputs, dtype=dtype)
        self.second = Convolution(outputs, outputs, scale=ZERO_SCALE, dtype=dtype, key=second)
        self.shortcut = Dense(inputs, outputs, dtype=dtype, key=shortcut) if inputs != outputs else None

    def __call__(self, x: Images, active: Embedding) -> Float[Array, "n height width outputs"]:
        """Return the maps; `active` is swish of the embedded time."""
        h = self.first(swish(self.first_norm(x))) + self.time(active)[:, None, None]
        h = self.second(swish(self.second_norm(h)))
        return (x if self.shortcut is None else self.shortcut(x)) + h


class Attention(eqx.Module):
    """Attention of all pixels to all, one head, added to its input."""

    norm: GroupNorm
    query: Dense
    key: Dense
    value: Dense
    out: Dense

    def __init__(self, channels: int, *, dtype: DTypeLike, key: Key[Array, ""]):
        keys = jax.random.split(key, 4)
        self.norm = GroupNorm(channels, dtype=dtype)
        self.query, self.key, self.value = (Dense(channels, channels, dtype=dtype, key=k) for k in keys[:3])
        self.out = Dense(channels, channels, scale=ZERO_SCALE, dtype=dtype, key=keys[3])

    def __call__(self, x: Images) -> Images:
        """Return the maps."""
        n, height, width, channels = x.shape
        h = self.norm(x).reshape(n, height * width, channels)
        attended = _attended(self.query(h), self.key(h), self.value(h))
        return x + self.out(attended).reshape(x.shape)


def _attended(
    query: Float[Array, "n pixels channels"],
    key: Float[Array, "n pixels channels"],
    value: Float[Array, "n pixels channels"],
) -> Float[Array, "n pixels channels"]:
    """Return each pixel's mean of the values, weighted by softmax of query . key / sqrt(channels).

    On a CPU image by image, weights computed again for the derivative: those of one image stay in its second cache.
    Keys and values are turned before, since their derivatives then are products with the weights, and not with the
    weights turned, which take more than twice as long.
    """

    def one(image: tuple[Array, Array, Array]) -> Array:
        query, key, value = image
        weights = jax.nn.softmax(query @ key, -1)
        return jnp.einsum("qk,ck->qc", weights, value)

    images = query * query.shape[-1] ** -0.5, jnp.swapaxes(key, 1, 2), jnp.swapaxes(value, 1, 2)
    return jax.lax.map(jax.checkpoint(one), images) if jax.default_backend() == "cpu" else jax.vmap(one)(images)


class Level(eqx.Module):
    """What happens at one resolution: residual blocks, attention after each or after none, a change of resolution."""

    blocks: tuple[Residual, ...]
    attentions: tuple[Attention | None, ...]
    resample: Convolution | None

    def __init__(
        self,
        inputs: list[int],
        outputs: int,
        embedding: int,
        *,
        attends: bool,
        stride: int | None,
        dtype: DTypeLike,
        key: Key[Array, ""],
    ):
        *keys, last = jax.random.split(key, 2 * len(inputs) + 1)
        self.blocks = tuple(
            Residual(channels, outputs, embedding, dtype=dtype, key=k)
            for channels, k in zip(inputs, keys[::2], strict=True)
        )
        self.attentions = tuple(Attention(outputs, dtype=dtype, key=k) if attends else None for k in keys[1::2])
        self.resample = Convolution(outputs, outputs, stride=stride, dtype=dtype, key=last) if stride else None

    def block(self, number: int, x: Images, active: Embedding) -> Float[Array, "n height width outputs"]:
        """Return the maps after block `number` and its attention."""
        h, attention = self.blocks[number](x, active), self.attentions[number]
        return h if attention is None else attention(h)


class UNet(eqx.Module):
    """A U-Net of whole batches of square images and their times.

    **Source**: released code, `lib/models/unet.py`, as `train_img.py` calls it: two residual blocks a resolution,
    attention at height 16 and in the middle, 3 x 3 convolutions of stride 2 down and after doubling up, no dropout,
    last convolutions starting at zero. **Raises**: ValueError when `multipliers` ask for more halvings than the height
    allows.
    """

    embedding: tuple[Dense, Dense]
    begin: Convolution
    down: tuple[Level, ...]
    middle: tuple[Residual, Attention, Residual]
    up: tuple[Level, ...]
    norm: GroupNorm
    end: Convolution

    def __init__(
        self,
        height: int,
        image_channels: int,
        *,
        channels: int,
        multipliers: tuple[int, ...],
        dtype: DTypeLike = jnp.float32,
        key: Key[Array, ""],
    ):
        last = len(multipliers) - 1
        if height % 2**last:
            raise ValueError(f"height {height} cannot be halved {last} times; lower the number of multipliers")
        keys = iter(jax.random.split(key, 2 * len(multipliers) + 7))
        size = 4 * channels
        self.embedding = (
            Dense(channels, size, dtype=dtype, key=next(keys)),
            Dense(size, size, dtype=dtype, key=next(keys)),
        )
        self.begin = Convolution(image_channels, channels, dtype=dtype, key=next(keys))
        now, kept, down, up = channels, [channels], [], []
        for number, multiplier in enumerate(multipliers):
            outputs, attends = channels * multiplier, height // 2**number in ATTENTION_HEIGHTS
            inputs = [now, *[outputs] * (BLOCKS - 1)]
            stride = 2 if number < last else None
            down.append(Level(inputs, outputs, size, attends=attends, stride=stride, dtype=dtype, key=next(keys)))
            kept += [outputs] * (BLOCKS + (number < last))
            now = outputs
        self.down = tuple(down)
        self.middle = (
            Residual(now, now, size, dtype=dtype, key=next(keys)),
            Attention(now, dtype=dtype, key=next(keys)),
            Residual(now, now, size, dtype=dtype, key=next(keys)),
        )
        for number, multiplier in reversed(list(enumerate(multipliers))):
            outputs, attends = channels * multiplier, height // 2**number in ATTENTION_HEIGHTS
            inputs = [before + kept.pop() for before in (now, *[outputs] * BLOCKS)]
            stride = 1 if number else None
            up.append(Level(inputs, outputs, size, attends=attends, stride=stride, dtype=dtype, key=next(keys)))
            now = outputs
        self.up = tuple(up)
        self.norm = GroupNorm(now, dtype=dtype)
        self.end = Convolution(now, image_channels, scale=ZERO_SCALE, dtype=dtype, key=next(keys))

    def __call__(self, y: Images, s: Float[Array, "n"]) -> Images:
        """Return the drift a(y, s) of each image at its time."""
        first, second = self.embedding
        active = swish(second(swish(first(embedded(s.astype(y.dtype), first.weight.shape[0])))))
        kept = [self.begin(y)]
        for level in self.down:
            for number in range(BLOCKS):
                kept.append(level.block(number, kept[-1], active))
            if level.resample is not None:
                kept.append(level.resample(kept[-1]))
        before, attention, after = self.middle
        h = after(attention(before(kept[-1], active)), active)
        for level in self.up:
            for number in range(BLOCKS + 1):
                h = level.block(number, jnp.concatenate([h, kept.pop()], -1), active)
            if level.resample is not None:
                h = upsampled(level.resample, h)
        return self.end(swish(self.norm(h)))


PHASES = ((1, 0, 0), (0, 1, 1)), ((1, 1, 0), (0, 0, 1))
"""Which rows of a 3 x 3 kernel meet the first and the second row of small pixels, at even and at odd large ones."""


def upsampled(convolution: Convolution, x: Images) -> Float[Array, "n _ _ outputs"]:
    """Return the convolution of maps of twice the height and width, each pixel of x four times.

    Each quarter of the large pixels, even or odd in row and column, meets four small pixels alone, by sums of the
    kernel: four ninths of the products.
    """
    n, height, width, _ = x.shape
    phases = jnp.asarray(PHASES, x.dtype)
    kernels = jnp.einsum("pra,qsb,abio->pqrsio", phases, phases, convolution.weight)
    rows = [
        jnp.stack([_convolved(x, kernels[p, q], ((1 - p, p), (1 - q, q))) for q in (0, 1)], 3)
        for p in (0, 1)
    ]  # fmt: skip
    return jnp.stack(rows, 2).reshape(n, 2 * height, 2 * width, -1) + convolution.bias
