"""Train the drift of the swiss roll with one proposal of times, all seeds."""

import shutil
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import optax

from perspectives.diffusion.denoising import DenoisingLoss
from perspectives.diffusion.proposals import PROPOSALS
from perspectives.diffusion.sde import VariancePreserving
from perspectives.diffusion.settings import ProposalName, SwissRollSettings
from perspectives.diffusion.swiss_roll import ROUND, network, sample
from perspectives.numerics.batches import Fresh
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.numerics.training import averaged, fit
from perspectives.numerics.trees import named_arrays
from perspectives.workbench.arrays import write_groups
from perspectives.workbench.checkpoints import checkpoint_name
from perspectives.workbench.errors import UserError
from perspectives.workbench.step import Input, Output

CHECKPOINT_EVERY = 50
"""Rounds between checkpoints: a few seconds of training on a laptop."""


def train_swiss_roll(
    *,
    settings: SwissRollSettings,
    proposal: ProposalName,
    seed: int,
    weights: Output,
    losses: Output,
    checkpoints: Path | None = None,
    progress: Progress,
) -> None:
    """Save the weights of every seed, the last and their running average, and the mean loss of each round.

    In the folder `checkpoints` a killed run leaves what the next one goes on from, when code and settings are the same.
    """
    if settings.iterations % ROUND:
        raise UserError(
            f"iterations = {settings.iterations} is no multiple of the {ROUND} steps of a round; "
            "change diffusion.swiss_roll.iterations in config.yaml."
        )
    folder = None
    if checkpoints and settings.iterations > CHECKPOINT_EVERY * ROUND:
        files: list[Input] = []
        parts = (settings.canonical(), proposal, seed)
        folder = checkpoints / checkpoint_name(__name__, *parts, files=files, device=jax.default_backend())
    # One stream, whatever the proposal: starts, data and noise are paired.
    start_key, fit_key = jax.random.split(stream(seed, "diffusion/swiss_roll/training"))
    models = eqx.filter_jit(eqx.filter_vmap(lambda key: network(settings, key=key)))(
        jax.random.split(start_key, settings.seeds)
    )
    found = fit(
        models,
        DenoisingLoss(VariancePreserving(), PROPOSALS[proposal]),
        Fresh(sample, settings.batch, ROUND),
        averaged(optax.adam(settings.learning_rate), settings.average),
        steps=settings.iterations,
        checkpoints=folder,
        checkpoint_every=CHECKPOINT_EVERY,
        progress=progress,
        key=jax.random.split(fit_key, settings.seeds),
    )
    write_groups(weights, {"last": named_arrays(found.model), "average": named_arrays(found.optimiser.average)})
    iterations = ROUND * np.arange(1, settings.iterations // ROUND + 1)
    columns = ["iteration", *(f"seed {number}" for number in range(settings.seeds))]
    table = np.column_stack([iterations, found.record.loss.T])
    np.savetxt(losses, table, delimiter=",", header=",".join(columns), comments="", fmt="%.9g")
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
