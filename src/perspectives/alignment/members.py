"""The members of an arm: independent posteriors of one network, trained alike from starts of their own."""

from pathlib import Path
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key

from perspectives.alignment.architectures import Network, network
from perspectives.alignment.gaussians import Gaussians
from perspectives.alignment.posterior import MeanField, initial
from perspectives.alignment.priors import Prior, prior
from perspectives.alignment.settings import PosteriorSettings
from perspectives.alignment.variational import NegativeElbo, NegativeLogPosterior
from perspectives.numerics.batches import Epochs
from perspectives.numerics.progress import Progress, silent
from perspectives.numerics.training import fit
from perspectives.numerics.trees import named_arrays

IMAGES_BETWEEN_CHECKPOINTS = 2_000_000
"""Minutes of the largest network on a GPU; a training that is over sooner leaves none."""


class Member(NamedTuple):
    """A trained posterior, and the mean loss over the batches of each epoch."""

    posterior: Gaussians
    losses: Float[Array, "epochs"]


def epochs_between_checkpoints(images: int) -> int:
    """Return the epochs after which a training on so many images is saved; one of no more epochs never is."""
    return max(1, IMAGES_BETWEEN_CHECKPOINTS // images)


@eqx.filter_jit
def _beginning(settings: PosteriorSettings, model: Network) -> tuple[MeanField | Network, Prior]:
    """Return what is trained, as it begins, and its prior."""
    belief = prior(model, settings.prior, settings.prior_variance)
    return (initial(model, belief, settings.initial_deviation) if settings.inference == "vi" else model), belief


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
    # Two compiled programs, since operations one by one would be a dozen; the first is common to many arms.
    start, belief = _beginning(settings, eqx.filter_jit(network)(settings, key=model_key))
    weight = jnp.asarray(settings.temperature / len(labels), jnp.float32)
    batches = Epochs((images, labels), settings.batch)
    steps = settings.epochs * batches.steps
    objective = (NegativeElbo if settings.inference == "vi" else NegativeLogPosterior)(
        belief, weight, settings.augmentation
    )
    fitted = fit(
        start,
        objective,
        batches,
        optax.adam(optax.cosine_decay_schedule(settings.learning_rate, steps)),
        steps=steps,
        checkpoints=checkpoints,
        checkpoint_every=epochs_between_checkpoints(len(labels)),
        progress=progress,
        key=training_key,
    )
    found = fitted.model
    posterior = found.gaussians() if isinstance(found, MeanField) else Gaussians.point(named_arrays(found))
    return Member(posterior, fitted.record.loss)
