"""Train one method of Fig. 2, all seeds."""

import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from perspectives.highres.arms import MethodName
from perspectives.highres.classification import Images, arm, cross_entropy
from perspectives.highres.settings import DeepSettings
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.numerics.training import fit
from perspectives.workbench.checkpoints import checkpoint_name
from perspectives.workbench.errors import UserError
from perspectives.workbench.step import Input, Output


def train_classifier(
    *,
    settings: DeepSettings,
    method: MethodName,
    seed: int,
    images: Input,
    curves: Output,
    checkpoints: Path | None = None,
    progress: Progress,
) -> None:
    """Train `method` for all seeds and save loss and validation accuracy of each epoch.

    In the folder `checkpoints` a killed run leaves what the next one goes on from, when code and settings are the same.
    """
    data = read_images(images)
    if len(data.train) < settings.batch:
        raise UserError(
            f"highres.deep.batch = {settings.batch} is more than the {len(data.train)} training images; "
            "lower it in config.yaml."
        )
    # The stream has no method in its name: arms are paired.
    keys = jax.random.split(stream(seed, "highres/classifier"), settings.seeds)
    training = arm(method, data, batch=settings.batch, keys=keys)
    folder = checkpoints / identity(settings, method, seed, images) if checkpoints else None
    fitted = fit(
        training.models,
        cross_entropy,
        training.batches,
        training.optimiser,
        steps=settings.epochs * training.batches.steps,
        estimate=training.estimate,
        measure=training.accuracy,
        checkpoints=folder,
        progress=progress,
        key=keys,
    )
    record = fitted.record
    np.savez(curves, method=np.array(method), train_loss=record.loss, validation_accuracy=record.measured)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)  # a short training saves nothing


def read_images(path: Path) -> Images:
    """Return the arrays that `prepare_images` wrote."""
    with np.load(path, allow_pickle=False) as saved:
        return Images(**{name: jnp.asarray(saved[name]) for name in saved.files})


def identity(settings: DeepSettings, method: MethodName, seed: int, images: Path) -> str:
    """Return the name of the training's checkpoints."""
    device = jax.default_backend()
    return checkpoint_name(__name__, settings.canonical(), method, seed, files=[images], device=device)
