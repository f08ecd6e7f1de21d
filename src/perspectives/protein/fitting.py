"""Fit the generative models to sequences: what training steps and the models of one's own data share."""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Key, PyTree, Shaped
from numpy import ndarray

from perspectives.numerics.batches import Passes
from perspectives.numerics.progress import Progress, silent
from perspectives.numerics.training import Fitted, fit
from perspectives.protein.autoencoders import Autoencoder, AutoencoderLoss, autoencoder_for, encoded_codes
from perspectives.protein.flow_matching import FlowMatchingLoss, Posterior
from perspectives.protein.sequences import Tokens
from perspectives.protein.settings import AutoencoderSettings, PriorSettings
from perspectives.protein.velocities import velocity_for

ROUNDS_BETWEEN_CHECKPOINTS = 10
LONGEST_ROUND = 100
"""Steps of a round at most: one loss is noted for each."""


def passes(data: PyTree[Shaped[Array, "rows ..."]], size: int, *, steps: int) -> Passes:
    """Return batches whose rounds are the longest, of `LONGEST_ROUND` steps at most, that divide `steps`."""
    longest = max(length for length in range(1, min(steps, LONGEST_ROUND) + 1) if steps % length == 0)
    return Passes(data, size, longest)


def loss_rows(losses: Shaped[ndarray, "rounds"], steps: int) -> list[dict[str, Any]]:
    """Return the mean loss of each round beside the number of steps at its end."""
    each = steps // len(losses)
    return [{"step": each * (number + 1), "loss": float(loss)} for number, loss in enumerate(losses)]


def fitted_autoencoder(
    settings: AutoencoderSettings,
    tokens: Tokens,
    *,
    checkpoints: Path | None = None,
    progress: Progress = silent,
    key: Key[Array, ""],
) -> Fitted:
    """Return the autoencoder trained on all rows, and its record."""
    model_key, fit_key = jax.random.split(key)
    make = eqx.filter_jit(lambda key: autoencoder_for(settings, tokens.shape[1], latent=settings.latent, key=key))
    return fit(
        make(model_key),
        AutoencoderLoss(settings.divergence_weight),
        passes(jnp.asarray(tokens), settings.batch, steps=settings.steps),
        optax.adamw(settings.learning_rate, weight_decay=settings.weight_decay),
        steps=settings.steps,
        checkpoints=checkpoints,
        checkpoint_every=ROUNDS_BETWEEN_CHECKPOINTS,
        progress=progress,
        key=fit_key,
    )


def fitted_prior(
    settings: PriorSettings,
    autoencoder: Autoencoder,
    tokens: Tokens,
    *,
    checkpoints: Path | None = None,
    progress: Progress = silent,
    key: Key[Array, ""],
) -> Fitted:
    """Return the velocity trained on the codes of all rows, and its record.

    Priors of draws and of means start from the same weights and see the same rows at the same times.

    **Raises**: ValueError when the network cannot take codes of that many dimensions.
    """
    model_key, fit_key = jax.random.split(key)
    codes = encoded_codes(autoencoder, tokens)
    return fit(
        eqx.filter_jit(lambda key: velocity_for(settings, latent=autoencoder.latent, key=key))(model_key),
        FlowMatchingLoss(settings.codes == "draw"),
        passes(Posterior(*map(jnp.asarray, codes)), settings.batch, steps=settings.steps),
        optax.adamw(settings.learning_rate, weight_decay=settings.weight_decay),
        steps=settings.steps,
        checkpoints=checkpoints,
        checkpoint_every=ROUNDS_BETWEEN_CHECKPOINTS,
        progress=progress,
        key=fit_key,
    )
