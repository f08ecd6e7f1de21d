"""Losses, accuracy, calibration and active units of each member of an arm."""

import jax
import jax.numpy as jnp
import numpy as np

from perspectives.alignment.activity import active_units, effective_units
from perspectives.alignment.architectures import network, prior_deviations
from perspectives.alignment.gaussians import Gaussians
from perspectives.alignment.marginal import (
    accuracy,
    calibration_error,
    log_probabilities,
    marginalized_loss,
    of_labels,
)
from perspectives.alignment.permutations import Symmetries
from perspectives.alignment.settings import EvaluationSettings, PosteriorSettings
from perspectives.numerics.streams import stream
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.images import read_standardised
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import write_rows

FEW, MANY = 16, 64
"""Draws whose losses are compared, to see whether the fewer suffice."""


def evaluate_members(
    *,
    training: PosteriorSettings,
    evaluation: EvaluationSettings,
    draws: int,
    seed: int,
    files: list[Input],
    symmetries: Input,
    posteriors: list[Input],
    table: Output,
) -> None:
    """Write one row a member and split; the losses of 16 and of 64 draws too, where `draws` are as many.

    All else is of the draws that `evaluation` asks for. A point estimate needs only one.
    """
    spec = Symmetries.from_json(symmetries.read_text())
    splits = read_standardised(training.dataset, files, seed=seed, first=evaluation.images)
    model = jax.eval_shape(lambda key: network(training, key=key), jax.random.key(0))
    belief = prior_deviations(training, key=jax.random.key(0))
    sure = training.inference == "map"
    # The draws of the paths come first, so that both tables speak of the same losses.
    count = 1 if sure else max(evaluation.draws, draws)
    keys = jax.random.split(stream(seed, f"alignment/{training.dataset}/draws"), evaluation.draws)
    more = jax.random.split(stream(seed, f"alignment/{training.dataset}/more draws"), MANY)
    keys = jnp.concatenate([keys, more])[:count]
    rows = []
    for member, path in enumerate(posteriors):
        posterior = Gaussians(**read_groups(path))
        for split, part in zip(("train", "test"), splits, strict=True):
            images, labels = part
            found = log_probabilities(model, posterior, jnp.asarray(images), keys)
            taken = found[: evaluation.draws]
            likelihoods = of_labels(found, labels)
            rows.append(
                {
                    "member": member,
                    "split": split,
                    "loss": marginalized_loss(likelihoods[: evaluation.draws]),
                    **{
                        f"loss_{few}_draws": marginalized_loss(likelihoods[:few]) if len(keys) >= few else np.nan
                        for few in (FEW, MANY)
                    },
                    "accuracy": accuracy(taken, labels),
                    "calibration_error": calibration_error(taken, labels),
                    "active_units": active_units(posterior, belief, spec),
                    "effective_units": effective_units(posterior, belief, spec),
                    "hidden_units": sum(spec.sizes.values()),
                }
            )
    write_rows(table, rows)
