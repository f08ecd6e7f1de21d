"""Train the prior of latent codes of one base set: a flow from normal draws to them."""

import shutil
from pathlib import Path

import jax
import numpy as np

from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.protein.fitting import fitted_prior, loss_rows
from perspectives.protein.landscapes import scored
from perspectives.protein.models import restored_autoencoder, saved
from perspectives.protein.settings import AutoencoderSettings, PriorSettings, TaskName
from perspectives.workbench.arrays import read_groups, write_groups
from perspectives.workbench.checkpoints import checkpoint_name
from perspectives.workbench.errors import UserError
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_as, write_rows


def train_prior(
    *,
    settings: PriorSettings,
    autoencoder_settings: AutoencoderSettings,
    task: TaskName,
    member: int,
    seed: int,
    base: Input,
    autoencoder: Input,
    weights: Output,
    losses: Output,
    checkpoints: Path | None = None,
    progress: Progress,
) -> None:
    """Train on the codes of all rows, and save the weights and the loss of each round.

    Priors of draws and of means start from the same weights and see the same rows at the same times. In the folder
    `checkpoints` a killed run leaves what the next one goes on from, when code and settings are the same.
    """
    tokens = read_as(scored, base).tokens
    encoder = restored_autoencoder(autoencoder_settings, tokens.shape[1], read_groups(autoencoder))
    folder = None
    if checkpoints:
        device = jax.default_backend()
        parts = settings.canonical(), autoencoder_settings.canonical(), task, member, seed
        folder = checkpoints / checkpoint_name(__name__, *parts, files=[base, autoencoder], device=device)
    key = stream(seed, f"protein/{task}/member {member}/prior")
    try:
        found = fitted_prior(settings, encoder, tokens, checkpoints=folder, progress=progress, key=key)
    except ValueError as error:
        raise UserError(f"protein.{task}: {error}.") from None
    write_groups(weights, saved(found.model))
    write_rows(losses, loss_rows(np.asarray(found.record.loss), settings.steps), digits=9)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
