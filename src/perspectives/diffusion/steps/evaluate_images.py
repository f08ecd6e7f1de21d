"""Bits per dimension of one training, with as little noise as can be."""

import jax.numpy as jnp
import numpy as np

from perspectives.diffusion.images import LEVELS, bounds_of_images, restored
from perspectives.diffusion.settings import DatasetName, ImageSettings
from perspectives.numerics.streams import stream
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.images import read_split
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import write_rows


def evaluate_images(
    *, settings: ImageSettings, dataset: DatasetName, seed: int, files: list[Input], weights: Input, table: Output
) -> None:
    """Write bits of the last and of the averaged weights, with standard errors over images, and what T = 1 costs.

    All trainings on a data set are evaluated with the same noise.
    """
    _, test = read_split(dataset, files, seed=seed, train_images=1, test_images=settings.test_images)
    images, key = jnp.asarray(test.images), stream(seed, f"diffusion/images/{dataset}/bounds")
    rows = []
    for name, arrays in read_groups(weights).items():
        network = restored(settings, images.shape[1:], arrays)
        found = bounds_of_images(network, images, LEVELS[dataset], times=settings.times, key=key)
        bits, terminal = (np.asarray(leaf, np.float64) for leaf in found)
        error = bits.std(ddof=1) / len(bits) ** 0.5
        rows.append({"weights": name, "bits": bits.mean(), "error": error, "terminal": terminal.mean()})
    write_rows(table, rows, digits=9)
