"""Train one of the three ways to generate two modes on the line."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from perspectives.diffusion.denoising import DenoisingLoss
from perspectives.diffusion.generative_paths import ROUND, FlowLoss, SimulatedBound, Variant, network
from perspectives.diffusion.mixtures import two_modes
from perspectives.diffusion.proposals import Debiasing
from perspectives.diffusion.sde import VariancePreserving
from perspectives.diffusion.settings import GenerativePathsSettings
from perspectives.numerics.batches import Fresh
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.numerics.training import fit
from perspectives.numerics.trees import named_arrays
from perspectives.workbench.arrays import write_groups
from perspectives.workbench.errors import UserError
from perspectives.workbench.step import Output


def train_generative_paths(
    *,
    settings: GenerativePathsSettings,
    variant: Variant,
    seed: int,
    weights: Output,
    losses: Output,
    progress: Progress,
) -> None:
    """Save the weights and the mean loss of each round. All variants see the same data."""
    if settings.iterations % ROUND:
        raise UserError(
            f"iterations = {settings.iterations} is no multiple of the {ROUND} steps of a round; "
            "change diffusion.generative_paths.iterations in config.yaml."
        )
    start_key, fit_key = jax.random.split(stream(seed, "diffusion/generative_paths/training"))
    sde = VariancePreserving()
    loss = {
        "no_noise": FlowLoss(settings.solver_steps),
        "fixed_noise": SimulatedBound(settings.noise, settings.solver_steps),
        "fixed_inference": DenoisingLoss(sde, Debiasing(sde)),
    }[variant]
    mixture = jax.tree.map(lambda array: array.astype(jnp.float32), two_modes())
    make = eqx.filter_jit(lambda key: network(variant, width=settings.width, depth=settings.depth, key=key))
    found = fit(
        make(start_key),
        loss,
        Fresh(mixture.sample, settings.batch, ROUND),
        optax.adam(settings.learning_rate),
        steps=settings.iterations,
        progress=progress,
        key=fit_key,
    )
    write_groups(weights, {variant: named_arrays(found.model)})
    iterations = ROUND * np.arange(1, settings.iterations // ROUND + 1)
    table = np.column_stack([iterations, found.record.loss])
    np.savetxt(losses, table, delimiter=",", header="iteration,loss", comments="", fmt="%.9g")
