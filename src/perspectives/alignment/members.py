"""The members of an arm: independent posteriors of one network, trained alike from starts of their own."""

from pathlib import Path
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key

from perspectives.alignment.arms import CLASSES, SHAPES
from perspectives.alignment.gaussians import Gaussians
from perspectives.alignment.networks import Perceptron, ResNet20, perceptron
from perspectives.alignment.posterior import MeanField, initial
from perspectives.alignment.priors import prior
from perspectives.alignment.settings import NetworkSettings, PosteriorSettings
from perspectives.alignment.variational import NegativeElbo, NegativeLogPosterior
from perspectives.numerics.progress import Progress, silent
from perspectives.numerics.training import Epochs, fit
from perspectives.numerics.trees import named_arrays

IMAGES_BETWEEN_CHECKPOINTS = 2_000_000
"""Minutes of the largest network on a GPU; a training that is over sooner leaves none."""


class Member(NamedTuple):
    """A trained posterior, and the mean loss over the batches of each epoch."""

    posterior: Gaussians
    losses: Float[Array, "epochs"]


def network(settings: NetworkSettings, *, key: Key[Array, ""]) -> Perceptron | ResNet20:
    """Return the untrained network of an arm."""
    height, width, channels = SHAPES[settings.dataset]
    if settings.network == "resnet20":
        return ResNet20(settings.width, CLASSES, channels, key=key)
    return perceptron(height * width * channels, settings.width, settings.depth, CLASSES, key=key)


def prior_deviations(settings: PosteriorSettings, *, key: Key[Array, ""]) -> dict[str, float]:
    """Return the prior's standard deviation for each array of an arm's network."""
    model = jax.eval_shape(lambda key: network(settings, key=key), key)
    scales = prior(model, settings.prior, settings.prior_variance).deviation
    return {name: float(scale) for name, scale in named_arrays(scales).items()}


def trained(
    settings: PosteriorSettings,
    images: Float[Array, "n height width channels"],
    labels: Int[Array, "n"],
    *,
    checkpoints: Path | None = None,
    progress: Progress = silent,
    key: Key[Array, ""],
) -> Member:
    """Return a member: its network drawn, then its posterior or point estimate fitted by Adam with a cosine schedule.

    **Raises**: ValueError when training diverged to numbers that are not finite.
    """
    model_key, training_key = jax.random.split(key)
    model = eqx.filter_jit(network)(settings, key=model_key)
    belief = prior(model, settings.prior, settings.prior_variance)
    weight = jnp.asarray(settings.temperature / len(labels), jnp.float32)
    batches = Epochs((images, labels), settings.batch)
    steps = settings.epochs * batches.steps
    start, objective = (
        (initial(model, belief, settings.initial_deviation), NegativeElbo(belief, weight, settings.augmentation))
        if settings.inference == "vi"
        else (model, NegativeLogPosterior(belief, weight, settings.augmentation))
    )
    fitted = fit(
        start,
        objective,
        batches,
        optax.adam(optax.cosine_decay_schedule(settings.learning_rate, steps)),
        steps=steps,
        checkpoints=checkpoints,
        checkpoint_every=max(1, IMAGES_BETWEEN_CHECKPOINTS // len(labels)),
        progress=progress,
        key=training_key,
    )
    found = fitted.model
    posterior = found.gaussians() if isinstance(found, MeanField) else Gaussians.point(named_arrays(found))
    return Member(posterior, fitted.record.loss)
