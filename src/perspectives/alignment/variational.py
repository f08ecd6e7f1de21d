"""What a posterior is trained on: the negative evidence lower bound, and its point-estimate counterpart."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key, PyTree

from perspectives.alignment.posterior import MeanField, perturbed
from perspectives.alignment.priors import Prior

Batch = tuple[Float[Array, "batch ..."], Int[Array, "batch"]]
"""Inputs, of three axes each when they are to be augmented, and class indices."""


class NegativeElbo(eqx.Module):
    """E_q mean cross-entropy + (T / N) KL(q || prior), in nats an example; one stochastic pass an example.

    `weight` is T / N. T scales the KL divergence alone: that is the variational posterior for the likelihood to the
    power 1/T under the untempered prior, which is not the posterior to the power 1/T.

    **Raises**: TypeError when it is given a model in place of a posterior over one.
    """

    prior: Prior
    weight: Float[Array, ""]
    augment: bool = eqx.field(static=True, default=False)

    def __call__(self, posterior: PyTree, batch: Batch, key: Key[Array, ""]) -> Float[Array, ""]:
        """Return the estimate on `batch`."""
        if not isinstance(posterior, MeanField):
            raise TypeError(
                f"expected a posterior, got a {type(posterior).__name__}: wrap it by `posterior.initial(model, prior, "
                "deviation)`, or train it as a point estimate with `NegativeLogPosterior`"
            )
        images, labels = batch
        augmenting, shared, own = jax.random.split(key, 3)
        if self.augment:
            images = flipped_and_shifted(images, key=augmenting)

        def logits(image: Float[Array, "..."], key: Key[Array, ""]) -> Float[Array, "classes"]:
            return perturbed(posterior, shared=shared, key=key)(image)

        keys = jax.random.split(own, len(labels))
        fit = optax.softmax_cross_entropy_with_integer_labels(jax.vmap(logits)(images, keys), labels).mean()
        return fit + self.weight * self.prior.divergence(posterior.mean, posterior.deviation)


class NegativeLogPosterior(eqx.Module):
    """Mean cross-entropy - (T / N) log prior, in nats an example: what mean-field inference becomes without deviations.

    `weight` is T / N.
    """

    prior: Prior
    weight: Float[Array, ""]
    augment: bool = eqx.field(static=True, default=False)

    def __call__(self, model: PyTree, batch: Batch, key: Key[Array, ""]) -> Float[Array, ""]:
        """Return the value on `batch`."""
        images, labels = batch
        if self.augment:
            images = flipped_and_shifted(images, key=key)
        fit = optax.softmax_cross_entropy_with_integer_labels(jax.vmap(model)(images), labels).mean()
        return fit + self.weight * self.prior.penalty(model)


def flipped_and_shifted(
    images: Float[Array, "batch height width channels"], *, key: Key[Array, ""], reach: int = 4
) -> Float[Array, "batch height width channels"]:
    """Return each image mirrored with probability 1/2 and shifted by up to `reach` pixels; zeros, the mean, come in.

    **Source**: He et al. 2016, section 4.2: 4 pixels and a horizontal flip, for CIFAR-10.
    """
    flips, shifts = jax.random.split(key)
    mirrored = jax.random.bernoulli(flips, shape=(len(images), 1, 1, 1))
    images = jnp.where(mirrored, images[:, :, ::-1], images)
    padded = jnp.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    starts = jax.random.randint(shifts, (len(images), 2), 0, 2 * reach + 1)

    def window(image: Float[Array, "..."], start: Int[Array, "2"]) -> Float[Array, "height width channels"]:
        return jax.lax.dynamic_slice(image, (start[0], start[1], 0), images.shape[1:])

    return jax.vmap(window)(padded, starts)
