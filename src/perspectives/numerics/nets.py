"""Small classifiers as equinox modules: a perceptron and a LeNet-like convolutional network.

Both take a batch of images, images first, and return logits. Inside, the batch is the *last* axis: patches, pooling and
their gradients are then copies and maxima of contiguous runs of numbers, about twice as fast on a CPU as with channels
last. There are no library convolutions, since inside `lax.scan` they are several times slower on a CPU than in a plain
step.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float, Key


def convolve_patches(
    x: Float[Array, "channels height width batch"], kernel: Float[Array, "out channels size size"]
) -> Float[Array, "out _ _ batch"]:
    """Return the valid cross-correlation of `x` with `kernel`, as one matrix product.

    With column patches p[(j, c), h, w] = x[c, h, w + j], the product sum_{j, c} kernel[o, c, i, j] p[(j, c), h, w] is
    what row i of the kernel contributes; these contributions, shifted by i rows and summed, are the convolution.
    Patches along one axis only need a fifth of the memory of full 5 x 5 patches.
    """
    out, channels, size, _ = kernel.shape
    _, height, width, batch = x.shape
    rows, columns = height - size + 1, width - size + 1
    patches = jnp.concatenate([x[:, :, j : j + columns] for j in range(size)])
    weights = kernel.transpose(2, 0, 3, 1).reshape(size * out, size * channels)
    by_row = (weights @ patches.reshape(size * channels, -1)).reshape(size, out, height, columns, batch)
    return sum((by_row[i, :, i : i + rows] for i in range(1, size)), by_row[0, :, :rows])


def max_pool(x: Float[Array, "channels height width batch"]) -> Float[Array, "channels _ _ batch"]:
    """Return the largest value of each 2 x 2 square; height and width must be even."""
    channels, height, width, batch = x.shape
    return x.reshape(channels, height // 2, 2, width // 2, 2, batch).max((2, 4))


class Dense(eqx.Module):
    """An affine map of features, batch last."""

    weight: Float[Array, "out features"]
    bias: Float[Array, "out"]

    def __init__(self, features: int, out: int, *, dtype: DTypeLike = jnp.float32, key: Key[Array, ""]):
        self.weight, self.bias = _uniform((out, features), features, dtype, key=key)

    def __call__(self, x: Float[Array, "features batch"]) -> Float[Array, "out batch"]:
        """Return weight x + bias."""
        return self.weight @ x + self.bias[:, None]


class Convolution(eqx.Module):
    """A valid convolution by patches, batch last."""

    kernel: Float[Array, "out channels size size"]
    bias: Float[Array, "out"]

    def __init__(self, channels: int, out: int, *, size: int = 5, dtype: DTypeLike = jnp.float32, key: Key[Array, ""]):
        self.kernel, self.bias = _uniform((out, channels, size, size), channels * size * size, dtype, key=key)

    def __call__(self, x: Float[Array, "channels height width batch"]) -> Float[Array, "out _ _ batch"]:
        """Return the convolution plus bias."""
        return convolve_patches(x, self.kernel) + self.bias[:, None, None, None]


class Perceptron(eqx.Module):
    """A multilayer perceptron with ReLU between its layers and none after the last."""

    layers: tuple[Dense, ...]

    def __init__(self, sizes: Sequence[int], *, dtype: DTypeLike = jnp.float32, key: Key[Array, ""]):
        keys = jax.random.split(key, len(sizes) - 1)
        pairs = zip(sizes[:-1], sizes[1:], keys, strict=True)
        self.layers = tuple(Dense(features, out, dtype=dtype, key=k) for features, out, k in pairs)

    def __call__(self, images: Float[Array, "batch *shape"]) -> Float[Array, "batch classes"]:
        """Return the logits of `images`, whose pixels are taken in order."""
        return _through(self.layers, images.reshape(len(images), -1).T).T


class LeNet(eqx.Module):
    """Convolutions 5 x 5 to 6 and 16 channels, each with ReLU and 2 x 2 max-pooling, then a perceptron.

    **Source**: the network of the PyTorch tutorial on CIFAR-10. Hidden layers of 120 and 84 units; no ReLU after the
    last layer. Features are flattened in the order channel, row, column, as PyTorch does.
    """

    convolutions: tuple[Convolution, Convolution]
    layers: tuple[Dense, ...]

    def __init__(
        self,
        channels: int,
        side: int,
        *,
        classes: int = 10,
        dtype: DTypeLike = jnp.float32,
        key: Key[Array, ""],
    ):
        first, second, third = jax.random.split(key, 3)
        self.convolutions = (
            Convolution(channels, 6, dtype=dtype, key=first),
            Convolution(6, 16, dtype=dtype, key=second),
        )
        features = 16 * (((side - 4) // 2 - 4) // 2) ** 2
        self.layers = Perceptron((features, 120, 84, classes), dtype=dtype, key=third).layers

    def __call__(self, images: Float[Array, "batch side side channels"]) -> Float[Array, "batch classes"]:
        """Return the logits of `images`."""
        x = images.transpose(3, 1, 2, 0)
        for convolution in self.convolutions:
            x = max_pool(jax.nn.relu(convolution(x)))
        return _through(self.layers, x.reshape(-1, len(images))).T


def _through(layers: Sequence[Dense], x: Float[Array, "features batch"]) -> Float[Array, "out batch"]:
    for layer in layers[:-1]:
        x = jax.nn.relu(layer(x))
    return layers[-1](x)


def _uniform(
    shape: tuple[int, ...], fan_in: int, dtype: DTypeLike, *, key: Key[Array, ""]
) -> tuple[Float[Array, "..."], Float[Array, "out"]]:
    """Return weights and biases uniform on +-1 / sqrt(fan_in): PyTorch's default, which the papers' networks use.

    One draw gives both, since each compiled draw takes as long to compile as a layer.
    """
    bound = fan_in**-0.5
    both = jax.random.uniform(key, (shape[0], fan_in + 1), dtype, -bound, bound)
    return both[:, :-1].reshape(shape), both[:, -1]
