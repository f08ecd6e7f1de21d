"""Marginalized loss at the barycentre of all members of the reference arm, as they are and aligned."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from perspectives.alignment.architectures import network
from perspectives.alignment.gaussians import Gaussians
from perspectives.alignment.marginal import log_probabilities, marginalized_loss, of_labels
from perspectives.alignment.settings import EvaluationSettings, PosteriorSettings
from perspectives.numerics.streams import stream
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.images import read_standardised
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output


def evaluate_barycentre(
    *,
    training: PosteriorSettings,
    evaluation: EvaluationSettings,
    seed: int,
    files: list[Input],
    barycentres: Input,
    members: Input,
    measures: Output,
) -> None:
    """Write how far the test loss at the barycentre lies above the members' mean, before and after alignment."""
    groups = read_groups(barycentres)
    _, (images, labels) = read_standardised(training.dataset, files, seed=seed, first=evaluation.images)
    model = jax.eval_shape(lambda key: network(training, key=key), jax.random.key(0))
    # The draws of the members' own losses.
    keys = jax.random.split(stream(seed, f"alignment/{training.dataset}/draws"), evaluation.draws)
    table = pd.read_csv(members)
    own = np.asarray(table.loc[table["split"] == "test", "loss"])
    rows = []
    for name in ("before", "after"):
        posterior = Gaussians(groups[f"{name}_mean"], groups[f"{name}_deviation"])
        found = log_probabilities(model, posterior, jnp.asarray(images), keys)
        loss = marginalized_loss(of_labels(found, labels))
        rows.append(Measure(quantity=f"excess_{name}", value=float(loss - own.mean()), seeds=len(own)))
    write_measures(measures, rows)
