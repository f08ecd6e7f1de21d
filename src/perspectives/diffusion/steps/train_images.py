"""Train the network of one data set with one proposal of times."""

import shutil
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from perspectives.diffusion.images import LEVELS, ReleasedEvaluation, drift_network, image_loss
from perspectives.diffusion.settings import DatasetName, ImageSettings, ProposalName
from perspectives.numerics.batches import Passes
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.numerics.training import averaged, fit
from perspectives.numerics.trees import named_arrays
from perspectives.workbench.arrays import write_groups
from perspectives.workbench.checkpoints import checkpoint_name
from perspectives.workbench.images import read_split
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import write_rows

ROUNDS_BETWEEN_CHECKPOINTS = 2


def train_images(
    *,
    settings: ImageSettings,
    dataset: DatasetName,
    proposal: ProposalName,
    member: int,
    seed: int,
    files: list[Input],
    weights: Output,
    curve: Output,
    checkpoints: Path | None = None,
    progress: Progress,
) -> None:
    """Train, and save the last weights, their average, and loss and released test bits of each round.

    In the folder `checkpoints` a killed run leaves what the next one goes on from, when code and settings are the same.
    """
    train, test = read_split(
        dataset, files, seed=seed, train_images=settings.train_images, test_images=settings.test_images
    )
    # One stream a member, whatever the proposal: both start from the same weights and see the same batches.
    model_key, fit_key, test_key = jax.random.split(stream(seed, f"diffusion/images/{dataset}/member {member}"), 3)
    shape = train.images.shape[1:]
    model = eqx.filter_jit(lambda key: drift_network(settings, shape, key=key))(model_key)
    folder = None
    if checkpoints:
        device = jax.default_backend()
        name = checkpoint_name(
            __name__, settings.canonical(), dataset, proposal, member, seed, files=files, device=device
        )
        folder = checkpoints / name
    found = fit(
        model,
        image_loss(settings, dataset, proposal),
        Passes(jnp.asarray(train.images), settings.batch, settings.evaluate_every),
        averaged(optax.adam(settings.learning_rate), settings.average),
        steps=settings.iterations,
        measure=ReleasedEvaluation(jnp.asarray(test.images), test_key, LEVELS[dataset]),
        stepwise=settings.network == "unet" and jax.default_backend() == "cpu",
        checkpoints=folder,
        checkpoint_every=ROUNDS_BETWEEN_CHECKPOINTS,
        progress=progress,
        key=fit_key,
    )
    write_groups(weights, {"last": named_arrays(found.model), "averaged": named_arrays(found.optimiser.average)})
    curves = {"loss": found.record.loss, **found.record.measured}
    rows = [
        {"iteration": (number + 1) * settings.evaluate_every}
        | {name: float(curves[name][number]) for name in ("loss", "bits", "error")}
        for number in range(len(found.record.loss))
    ]
    write_rows(curve, rows, digits=9)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
