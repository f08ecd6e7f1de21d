"""Train one member of an arm."""

import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from perspectives.alignment.members import epochs_between_checkpoints, trained
from perspectives.alignment.settings import PosteriorSettings
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.workbench.arrays import write_groups
from perspectives.workbench.checkpoints import checkpoint_name
from perspectives.workbench.errors import UserError
from perspectives.workbench.images import Labelled, read_standardised
from perspectives.workbench.step import Input, Output


def train_posterior(
    *,
    settings: PosteriorSettings,
    member: int,
    seed: int,
    files: list[Input],
    posterior: Output,
    losses: Output,
    checkpoints: Path | None = None,
    progress: Progress,
) -> None:
    """Train a posterior, or a point estimate, and save means, standard deviations and the loss of each epoch.

    In the folder `checkpoints` a killed run leaves what the next one goes on from, when code and settings are the same.
    """
    train = training_images(settings, files, seed)
    if len(train.labels) < settings.batch:
        raise UserError(
            f"batch = {settings.batch} is more than the {len(train.labels)} training images of {settings.dataset}; "
            f"lower alignment.{settings.dataset.replace('-', '_')}.batch in config.yaml."
        )
    folder = None
    if checkpoints and settings.epochs > epochs_between_checkpoints(len(train.labels)):
        device = jax.default_backend()
        name = checkpoint_name(__name__, settings.canonical(), member, seed, files=files, device=device)
        folder = checkpoints / name
    found = trained(
        settings,
        jnp.asarray(train.images),
        jnp.asarray(train.labels),
        checkpoints=folder,
        progress=progress,
        # One stream a member, whatever the arm: arms are paired.
        key=stream(seed, f"alignment/{settings.dataset}/member {member}"),
    )
    write_groups(posterior, {"mean": found.posterior.mean, "deviation": found.posterior.deviation})
    np.savetxt(losses, found.losses, header="loss", comments="", fmt="%.9g")
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def training_images(settings: PosteriorSettings, files: list[Path], seed: int) -> Labelled:
    """Return the arm's training images: the first of the data set's, where not all are taken."""
    train, _ = read_standardised(settings.dataset, files, seed=seed, first=settings.train_images)
    if settings.train_images is not None and settings.train_images > len(train.labels):
        raise UserError(
            f"train_images = {settings.train_images}, but {settings.dataset} has {len(train.labels)} training images; "
            f"lower alignment.{settings.dataset.replace('-', '_')}.train_images in config.yaml, or leave it out."
        )
    return train
