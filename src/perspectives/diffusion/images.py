"""Images: the network of the drift, batches, the loss and two estimates of bits per dimension.

Images are pixels in [0, 1] of a data set's levels, height, width, channels. What is learnt is the logit of dequantised
pixels. Training images may be flipped, test images never are: the released code flips CIFAR-10's test images too.
"""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, Shaped
from numpy import ndarray

from perspectives.diffusion.bits import bits_per_dim, dequantised, to_logit
from perspectives.diffusion.bounds import elbo
from perspectives.diffusion.denoising import DenoisingLoss
from perspectives.diffusion.networks import DriftScore, TimePerceptron
from perspectives.diffusion.proposals import PROPOSALS
from perspectives.diffusion.sde import END, VariancePreserving
from perspectives.diffusion.settings import ImageSettings
from perspectives.diffusion.unet import UNet
from perspectives.numerics.divergence import rademacher, value_and_probed_divergence
from perspectives.numerics.trees import with_arrays

SDE = VariancePreserving()
LEVELS = {"digits": 17, "fashion-mnist": 256, "mnist": 256, "cifar-10": 256}
EVALUATED_TOGETHER = 256
"""Images whose released estimate is one batch; the released code's test batch."""
NETWORK_BATCH = 512
"""Inputs of the network at once in the final bound."""

Image = Float[Array, "height width channels"]
Pixels = Float[Array, "n height width channels"]
Network = Callable[..., Any]
"""The drift a(y, s): a `UNet`, of whole batches, or a function of one example and its time."""


def drift_network(settings: ImageSettings, shape: tuple[int, ...], *, key: Key[Array, ""]) -> Network:
    """Return the network for images of `shape`, in float32: a U-Net takes batches, a perceptron single images."""
    if settings.network == "perceptron":
        return TimePerceptron(prod(shape), width=settings.width, depth=settings.depth, key=key)
    height, _, channels = shape
    return UNet(height, channels, channels=settings.channels, multipliers=settings.multipliers, key=key)


class OneByOne(eqx.Module):
    """A network of batches as one of single examples; under `jax.vmap` it is the network of batches again."""

    network: Callable[..., Any]

    def __call__(self, y: Float[Array, "*event"], s: Any) -> Float[Array, "*event"]:
        """Return the drift of one example."""
        return self.network(y[None], jnp.asarray(s, y.dtype)[None])[0]


def drift_of(network: Network) -> Network:
    """Return the network as a function of one image and its time."""
    return OneByOne(network) if isinstance(network, UNet) else network


def score_of(network: Network) -> DriftScore:
    """Return the score of one image that the network stands for."""
    return DriftScore(drift_of(network), SDE)


class ImageLoss(eqx.Module):
    """The denoising loss of the logit of images, dequantised with fresh noise and, if asked, flipped at random."""

    denoising: DenoisingLoss
    levels: int = eqx.field(static=True)
    flips: bool = eqx.field(static=True)

    def __call__(self, drift: Callable[..., Any], batch: Pixels, key: Key[Array, ""]) -> Float[Array, ""]:
        """Return the mean loss of a batch."""
        cell_key, flip_key, loss_key = jax.random.split(key, 3)
        if self.flips:
            flipped = jax.random.bernoulli(flip_key, 0.5, (len(batch), 1, 1, 1))
            batch = jnp.where(flipped, batch[:, :, ::-1], batch)
        noise = jax.random.uniform(cell_key, batch.shape, batch.dtype)
        y, _ = to_logit(dequantised(batch, self.levels, noise))
        return self.denoising(drift, y, loss_key)


def image_loss(settings: ImageSettings, dataset: str, proposal: str) -> ImageLoss:
    """Return the loss that a data set's network is trained with."""
    denoising = DenoisingLoss(SDE, PROPOSALS[proposal], settings.network == "unet")
    return ImageLoss(denoising, LEVELS[dataset], settings.flips)


def released_bits(network: Network, image: Image, levels: int, *, key: Key[Array, ""]) -> Float[Array, ""]:
    """Return the released code's estimate of an image's bits per dimension: one time, one probe, one path's end.

    **Source**: released code, `elbo_random_t_slice`: log p_0(y_T) - (div mu + |a|^2 / 2) at one uniform time, the
    divergence by a Rademacher probe. **Departs**: the released `log_normal` adds 1e-5 to a variance of 1.
    """
    cell_key, time_key, noise_key, probe_key, end_key = jax.random.split(key, 5)
    x, determinant = to_logit(dequantised(image, levels, jax.random.uniform(cell_key, image.shape, image.dtype)))
    s = END * jax.random.uniform(time_key, (), x.dtype)
    noise, end = (jax.random.normal(k, x.shape, x.dtype) for k in (noise_key, end_key))
    drift, probe = drift_of(network), rademacher(probe_key, x)
    a, divergence = value_and_probed_divergence(lambda y: drift(y, s), SDE.perturbed(s, x, noise), probe)
    # The probe's signs cancel in the divergence of f = r y: it is d r exactly.
    running = SDE.diffusion(s) * divergence - x.size * SDE.rate(s) + 0.5 * jnp.square(a).sum()
    bound = SDE.log_prior(SDE.perturbed(jnp.asarray(END, x.dtype), x, end)) - END * running
    return bits_per_dim(bound, determinant, x.size, levels)


class Bound(NamedTuple):
    """Bits per dimension of an image, and those of them that stopping at T costs at most: KL(q(Y_T | x), p_0)."""

    bits: Float[Array, "..."]
    terminal: Float[Array, "..."]


def bound_bits(network: Network, image: Image, levels: int, *, times: int, key: Key[Array, ""]) -> Bound:
    """Return an image's bits per dimension by the ELBO at stratified times, and what the end at T = 1 is of it."""
    cell_key, bound_key = jax.random.split(key)
    x, determinant = to_logit(dequantised(image, levels, jax.random.uniform(cell_key, image.shape, image.dtype)))
    bound = elbo(SDE, score_of(network), x, times=times, probed=True, key=bound_key)
    terminal = SDE.terminal_divergence(x) / (x.size * jnp.log(2.0))
    return Bound(bits_per_dim(bound, determinant, x.size, levels), terminal.astype(x.dtype))


class ReleasedEvaluation(eqx.Module):
    """Mean and standard error of the released estimate of the test images, with noise anew at each evaluation."""

    images: Pixels
    key: Key[Array, ""]
    levels: int = eqx.field(static=True)

    def __call__(self, network: Network) -> dict[str, Float[Array, ""]]:
        """Return `bits` and `error`.

        A training's measure knows no number of its round, so the weights themselves decide the noise: means over
        evaluations of one training average it out.
        """
        some = jax.tree.leaves(eqx.filter(network, eqx.is_inexact_array))[0].ravel()[:1].astype(jnp.float32)
        key = jax.random.fold_in(self.key, jax.lax.bitcast_convert_type(some, jnp.uint32)[0])
        keys = jax.random.split(key, len(self.images))

        def of(rows: Int[Array, "size"]) -> Float[Array, "size"]:
            return jax.vmap(lambda x, key: released_bits(network, x, self.levels, key=key))(
                self.images[rows], keys[rows]
            )

        bits = _in_chunks(of, len(self.images), EVALUATED_TOGETHER)
        return {"bits": bits.mean(), "error": bits.std() / len(bits) ** 0.5}


def _in_chunks(
    of: Callable[[Int[Array, "size"]], Float[Array, "size"]], count: int, size: int
) -> Float[Array, "{count}"]:
    """Return `of` rows 0 to `count`, in equal chunks of about `size`; rows that fill the last are dropped."""
    chunks = -(-count // size)
    if chunks == 1:  # no loop: library convolutions are slow in one on a CPU
        return of(jnp.arange(count))
    rows = jnp.arange(chunks * -(-count // chunks)) % count
    return jax.lax.map(of, rows.reshape(chunks, -1)).ravel()[:count]


@eqx.filter_jit
def _bounds_at(network: Network, images: Pixels, keys: Key[Array, "n"], levels: int, times: int) -> Bound:
    return jax.vmap(lambda x, key: bound_bits(network, x, levels, times=times, key=key))(images, keys)


def bounds_of_images(network: Network, images: Pixels, levels: int, *, times: int, key: Key[Array, ""]) -> Bound:
    """Return each image's `bound_bits`: the noise of an image is decided by `key` and its number alone."""
    size = max(1, min(len(images), NETWORK_BATCH // (2 * times)))
    keys = jax.random.split(key, len(images))
    found = []
    for start in range(0, len(images), size):
        rows = (start + jnp.arange(size)) % len(images)  # the last chunk is filled up: one program for all
        found.append(_bounds_at(network, images[rows], keys[rows], levels, times))
    return Bound(*(jnp.concatenate(leaves)[: len(images)] for leaves in zip(*found, strict=True)))


def restored(settings: ImageSettings, shape: tuple[int, ...], arrays: Mapping[str, Shaped[ndarray, "..."]]) -> Network:
    """Return the network with these arrays, named as `named_arrays` names them.

    **Raises**: ValueError when they are another network's.
    """
    like = eqx.filter_eval_shape(lambda key: drift_network(settings, shape, key=key), jax.random.key(0))
    return with_arrays(like, arrays)
