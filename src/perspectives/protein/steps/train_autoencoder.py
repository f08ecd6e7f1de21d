"""Train the autoencoder of one base set."""

import shutil
from pathlib import Path

import jax
import numpy as np

from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.protein.autoencoders import reconstruction_quality
from perspectives.protein.fitting import fitted_autoencoder, loss_rows
from perspectives.protein.landscapes import scored
from perspectives.protein.models import saved
from perspectives.protein.settings import AutoencoderSettings, TaskName
from perspectives.workbench.arrays import write_groups
from perspectives.workbench.checkpoints import checkpoint_name
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_as, write_rows


def train_autoencoder(
    *,
    settings: AutoencoderSettings,
    task: TaskName,
    member: int,
    seed: int,
    base: Input,
    weights: Output,
    losses: Output,
    quality: Output,
    checkpoints: Path | None = None,
    progress: Progress,
) -> None:
    """Train on all rows, and save the weights, the loss of each round and how much of the base set is reconstructed.

    In the folder `checkpoints` a killed run leaves what the next one goes on from, when code and settings are the same.
    """
    tokens = read_as(scored, base).tokens
    folder = None
    if checkpoints:
        device = jax.default_backend()
        name = checkpoint_name(__name__, settings.canonical(), task, member, seed, files=[base], device=device)
        folder = checkpoints / name
    found = fitted_autoencoder(
        settings,
        tokens,
        checkpoints=folder,
        progress=progress,
        key=stream(seed, f"protein/{task}/member {member}/autoencoder"),
    )
    write_groups(weights, saved(found.model))
    write_rows(losses, loss_rows(np.asarray(found.record.loss), settings.steps), digits=9)
    about = {"task": task, "source": "own", "member": member, "predictor": ""}
    qualities = reconstruction_quality(found.model, tokens)
    write_rows(quality, [about | {"quantity": name, "value": value} for name, value in qualities.items()], digits=9)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
