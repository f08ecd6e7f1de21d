"""The networks of the study: a perceptron, and a residual network with filter response normalisation.

Each takes one image, as it is stored, and returns logits; `jax.vmap` makes a batch of it.
"""

from collections.abc import Callable
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, DTypeLike, Float, Key, Num

Model = TypeVar("Model", bound=eqx.Module)
Layer = TypeVar("Layer", eqx.nn.Linear, eqx.nn.Conv2d)

RESPONSE_FLOOR = 1e-6
"""What filter response normalisation adds to a mean square: Singh & Krishnan 2020, for maps of more than one pixel."""

STAGES = (1, 2, 4)
"""Channels of the stages of a ResNet for CIFAR-10, over those of the first: He et al. 2016, section 4.2."""

BLOCKS_PER_STAGE = 3
"""Depth 6 n + 2 = 20."""


def of_zeros(make: Callable[[], Model]) -> Model:
    """Return what `make` returns with zeros in its arrays, for whom structure and shapes are enough.

    Nothing is drawn then: the operations of an initial ResNet20, one by one, take eight seconds to compile.
    """
    return jax.tree.map(
        lambda leaf: np.zeros(leaf.shape, leaf.dtype) if isinstance(leaf, jax.ShapeDtypeStruct) else leaf,
        eqx.filter_eval_shape(make),
    )


class Perceptron(eqx.Module):
    """Layers with ReLU between them and none after the last."""

    layers: tuple[eqx.nn.Linear, ...]

    def __call__(self, image: Num[Array, "..."]) -> Float[Array, "classes"]:
        """Return the logits of an image of any shape, whose pixels are taken in order."""
        return self.leave(self.enter(image))

    def enter(self, image: Num[Array, "..."]) -> Float[Array, "units"]:
        """Return the first layer's output, which is linear in the network's arrays, unlike all after it."""
        return self.layers[0](image.ravel())

    def leave(self, x: Float[Array, "units"]) -> Float[Array, "classes"]:
        """Return the logits that follow from the first layer's output."""
        for layer in self.layers[1:]:
            x = layer(jax.nn.relu(x))
        return x


def perceptron(
    features: int, width: int, depth: int, classes: int, *, key: Key[Array, ""], dtype: DTypeLike = jnp.float32
) -> Perceptron:
    """Return a perceptron with `depth` hidden layers of `width` units: He-normal weights and biases of zero."""
    sizes = (features, *[width] * depth, classes)
    keys = jax.random.split(key, depth + 1)
    shapes = zip(sizes[:-1], sizes[1:], keys, strict=True)
    return Perceptron(tuple(_linear(inputs, units, dtype, key) for inputs, units, key in shapes))


class FilterResponseNorm(eqx.Module):
    """Filter response normalisation with its thresholded linear unit, per channel.

    **Source**: Singh & Krishnan 2020, equations 1-3 (numbers not checked): nu2 = mean over pixels of x^2,
    y = gamma x / sqrt(nu2 + |eps|) + beta, result max(y, tau).
    **Departs**: eps is a constant, as the authors advise for maps of more than one pixel.
    """

    gamma: Float[Array, "channels"]
    beta: Float[Array, "channels"]
    tau: Float[Array, "channels"]

    def __init__(self, channels: int, *, dtype: DTypeLike = jnp.float32):
        self.gamma = jnp.ones(channels, dtype)
        self.beta = jnp.zeros(channels, dtype)
        self.tau = jnp.zeros(channels, dtype)

    def __call__(self, x: Float[Array, "channels height width"]) -> Float[Array, "channels height width"]:
        """Return the normalised maps, cut off below at tau."""
        scale = jax.lax.rsqrt(jnp.mean(jnp.square(x), (1, 2), keepdims=True) + RESPONSE_FLOOR)
        gamma, beta, tau = (vector[:, None, None] for vector in (self.gamma, self.beta, self.tau))
        return jnp.maximum(gamma * x * scale + beta, tau)


class NormalisedConvolution(eqx.Module):
    """A convolution without bias, then filter response normalisation."""

    convolution: eqx.nn.Conv2d
    norm: FilterResponseNorm

    def __init__(
        self, channels: int, out: int, size: int, stride: int, *, key: Key[Array, ""], dtype: DTypeLike = jnp.float32
    ):
        padding = (size - 1) // 2
        self.convolution = _he_normal(
            lambda key: eqx.nn.Conv2d(channels, out, size, stride, padding, use_bias=False, dtype=dtype, key=key), key
        )
        self.norm = FilterResponseNorm(out, dtype=dtype)

    def __call__(self, x: Float[Array, "channels height width"]) -> Float[Array, "out _ _"]:
        """Return the normalised maps."""
        return self.norm(self.convolution(x))


class Block(eqx.Module):
    """Two convolutions and a shortcut: the identity, or a 1 x 1 convolution where channels or pixels change."""

    first: NormalisedConvolution
    second: NormalisedConvolution
    shortcut: NormalisedConvolution | None

    def __init__(self, channels: int, out: int, stride: int, *, key: Key[Array, ""], dtype: DTypeLike = jnp.float32):
        first, second, shortcut = jax.random.split(key, 3)
        self.first = NormalisedConvolution(channels, out, 3, stride, key=first, dtype=dtype)
        self.second = NormalisedConvolution(out, out, 3, 1, key=second, dtype=dtype)
        projects = stride > 1 or channels != out
        self.shortcut = NormalisedConvolution(channels, out, 1, stride, key=shortcut, dtype=dtype) if projects else None

    def __call__(self, x: Float[Array, "channels height width"]) -> Float[Array, "out _ _"]:
        """Return ReLU of the sum of both ways."""
        y = self.second(jax.nn.relu(self.first(x)))
        return jax.nn.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet20(eqx.Module):
    """The residual network of depth 20 for 32 x 32 images, with filter response normalisation.

    **Source**: He et al. 2016, section 4.2: a convolution, three stages of three blocks with 16, 32 and 64 channels,
    the second and third stage starting with stride 2, the mean over pixels, a linear head. Normalisation, ReLU and
    shortcuts as `make_resnet20_frn_fn` in google-research/bnn_hmc, the code of Izmailov et al. 2021: every convolution,
    those of shortcuts included, is followed by normalisation with its own threshold; ReLU follows the first convolution
    of a block and the sum. So where tau < 0 ahead of a ReLU, tau has no effect. Channels times a width, as
    git-re-basin does.
    **Departs**: convolutions have no biases, as in He et al. but not in that code, where they do; stride 2 pads by one
    on each side, as He et al.'s, where that code pads at the end only. Biases of the head are zero at first.
    """

    stem: NormalisedConvolution
    blocks: tuple[Block, ...]
    head: eqx.nn.Linear

    def __init__(
        self,
        width: int,
        classes: int = 10,
        channels: int = 3,
        *,
        key: Key[Array, ""],
        dtype: DTypeLike = jnp.float32,
    ):
        outs = [16 * width * stage for stage in STAGES for _ in range(BLOCKS_PER_STAGE)]
        ins = [outs[0], *outs[:-1]]
        stem, head, *keys = jax.random.split(key, 2 + len(outs))
        self.stem = NormalisedConvolution(channels, outs[0], 3, 1, key=stem, dtype=dtype)
        self.blocks = tuple(
            Block(before, after, after // before, key=key, dtype=dtype)
            for before, after, key in zip(ins, outs, keys, strict=True)
        )
        self.head = _linear(outs[-1], classes, dtype, head)

    def __call__(self, image: Float[Array, "height width channels"]) -> Float[Array, "classes"]:
        """Return the logits of an image, channels last as images are stored."""
        x = jax.nn.relu(self.stem(jnp.transpose(image, (2, 0, 1))))
        for block in self.blocks:
            x = block(x)
        return self.head(jnp.mean(x, (1, 2)))


class Vgg(eqx.Module):
    """Convolutions 3 x 3 with ReLU and 2 x 2 max-pooling, flattened into a hidden layer and a head: a short VGG.

    **Source**: Simonyan and Zisserman 2015, cut short: one convolution before each pooling. It is here for its
    symmetries: channels go on as runs of pixels in the columns of the hidden layer.
    """

    convolutions: tuple[eqx.nn.Conv2d, ...]
    hidden: eqx.nn.Linear
    head: eqx.nn.Linear

    def __init__(
        self,
        shape: tuple[int, int, int],
        channels: tuple[int, ...],
        units: int,
        classes: int,
        *,
        key: Key[Array, ""],
        dtype: DTypeLike = jnp.float32,
    ):
        height, width, colours = shape
        hidden, head, *keys = jax.random.split(key, 2 + len(channels))
        pairs = zip((colours, *channels[:-1]), channels, keys, strict=True)
        self.convolutions = tuple(_convolution(before, after, dtype, key) for before, after, key in pairs)
        halved = 2 ** len(channels)
        self.hidden = _linear(channels[-1] * (height // halved) * (width // halved), units, dtype, hidden)
        self.head = _linear(units, classes, dtype, head)

    def __call__(self, image: Float[Array, "height width channels"]) -> Float[Array, "classes"]:
        """Return the logits of an image, channels last as images are stored."""
        x = jnp.transpose(image, (2, 0, 1))
        for convolution in self.convolutions:
            x = eqx.nn.MaxPool2d(2, 2)(jax.nn.relu(convolution(x)))
        return self.head(jax.nn.relu(self.hidden(x.ravel())))


def _linear(features: int, out: int, dtype: DTypeLike, key: Key[Array, ""]) -> eqx.nn.Linear:
    layer = _he_normal(lambda key: eqx.nn.Linear(features, out, dtype=dtype, key=key), key)
    return eqx.tree_at(lambda layer: layer.bias, layer, jnp.zeros(out, dtype))


def _convolution(channels: int, out: int, dtype: DTypeLike, key: Key[Array, ""]) -> eqx.nn.Conv2d:
    layer = _he_normal(lambda key: eqx.nn.Conv2d(channels, out, 3, 1, 1, dtype=dtype, key=key), key)
    return eqx.tree_at(lambda layer: layer.bias, layer, jnp.zeros((out, 1, 1), dtype))


def _he_normal(make: Callable[[Key[Array, ""]], Layer], key: Key[Array, ""]) -> Layer:
    """Return a layer with weights of variance 2 / fan-in, He et al. 2015, from a Gaussian cut off at two deviations.

    The layer's own draw, which takes as long to compile, is not made.
    """
    layer = eqx.filter_eval_shape(make, key)
    draw = jax.nn.initializers.he_normal(in_axis=1, out_axis=0)
    return eqx.tree_at(lambda layer: layer.weight, layer, draw(key, layer.weight.shape, layer.weight.dtype))
