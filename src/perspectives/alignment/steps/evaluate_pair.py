"""Marginalized losses between two posteriors, as they are and aligned."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from perspectives.alignment.architectures import network
from perspectives.alignment.gaussians import Gaussians, permuted
from perspectives.alignment.marginal import jackknife_bias, marginalized_loss, mixture_losses, path_log_likelihoods
from perspectives.alignment.permutations import Symmetries
from perspectives.alignment.settings import EvaluationSettings, PosteriorSettings
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.images import read_standardised
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import write_rows

IDENTITY, MIXTURE = "identity", "mixture"
COLUMNS = ("path", "split", "time", "loss", "bias")


def evaluate_pair(
    *,
    training: PosteriorSettings,
    evaluation: EvaluationSettings,
    seed: int,
    files: list[Input],
    symmetries: Input,
    first: Input,
    second: Input,
    permutations: Input,
    losses: Output,
    progress: Progress,
) -> None:
    """Write the loss at each time of each path, on training and test images, and the bias of its log.

    Paths are the Wasserstein geodesics to the second posterior as it is (`identity`) and aligned by each divergence,
    and the mixture of both posteriors. All points share their draws; point estimates need only one.
    """
    spec = Symmetries.from_json(symmetries.read_text())
    one, other = (Gaussians(**read_groups(path)) for path in (first, second))
    splits = read_standardised(training.dataset, files, seed=seed, first=evaluation.images)
    images = jnp.asarray(np.concatenate([split.images for split in splits]))
    labels = np.concatenate([split.labels for split in splits])
    cut = len(splits[0].labels)
    model = jax.eval_shape(lambda key: network(training, key=key), jax.random.key(0))
    draws = evaluation.draws if training.inference == "vi" else 1
    keys = jax.random.split(stream(seed, f"alignment/{training.dataset}/draws"), draws)
    times = np.linspace(0, 1, evaluation.times)

    targets = {IDENTITY: other} | {name: permuted(other, p, spec) for name, p in read_groups(permutations).items()}
    paths = path_log_likelihoods(model, one, list(targets.values()), times, images, labels, keys, progress=progress)
    rows: list[tuple] = []
    for name, path in zip(targets, paths, strict=True):
        rows += [row for time, values in zip(times, path, strict=True) for row in _by_split(name, time, values, cut)]
        if name == IDENTITY:
            for split, part in (("train", slice(cut)), ("test", slice(cut, None))):
                mixed = mixture_losses(path[0][:, part], path[-1][:, part], times)
                rows += [(MIXTURE, split, time, loss, np.nan) for time, loss in zip(times, mixed, strict=True)]
    write_rows(losses, [dict(zip(COLUMNS, row, strict=True)) for row in rows])


def _by_split(name: str, time: float, values: Float[ndarray, "draws images"], cut: int) -> Iterator[tuple]:
    for split, part in (("train", values[:, :cut]), ("test", values[:, cut:])):
        bias = jackknife_bias(part) if len(part) > 1 else 0.0
        yield name, split, time, marginalized_loss(part), bias
