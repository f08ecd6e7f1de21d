"""Marginalized loss on the plane through two posteriors and the second one aligned."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from perspectives.alignment.architectures import network
from perspectives.alignment.gaussians import Gaussians, permuted
from perspectives.alignment.marginal import log_probabilities, marginalized_loss, of_labels
from perspectives.alignment.permutations import Symmetries
from perspectives.alignment.plane import plane
from perspectives.alignment.settings import PosteriorSettings, SliceSettings
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.images import read_standardised
from perspectives.workbench.step import Input, Output

MARGIN = 0.25
"""How far the grid goes beyond the three posteriors, in the longest side of their triangle."""


def evaluate_plane(
    *,
    training: PosteriorSettings,
    settings: SliceSettings,
    seed: int,
    files: list[Input],
    symmetries: Input,
    first: Input,
    second: Input,
    permutations: Input,
    grid: Output,
    corners: Output,
    progress: Progress,
) -> None:
    """Write the test loss on a square grid of W2 coordinates, and the coordinates of the three posteriors."""
    spec = Symmetries.from_json(symmetries.read_text())
    one, other = (Gaussians(**read_groups(path)) for path in (first, second))
    aligned = permuted(other, read_groups(permutations)["w2"], spec)
    surface = plane(one, other, aligned)
    _, (images, labels) = read_standardised(training.dataset, files, seed=seed, first=settings.images)
    images = jnp.asarray(images)
    model = jax.eval_shape(lambda key: network(training, key=key), jax.random.key(0))
    keys = jax.random.split(stream(seed, f"alignment/{training.dataset}/draws"), settings.draws)
    low, high = surface.points.min(0), surface.points.max(0)
    side = MARGIN * (high - low).max()
    xs, ys = (np.linspace(low[axis] - side, high[axis] + side, settings.points) for axis in (0, 1))
    rows = []
    for number, y in enumerate(ys):
        for x in xs:
            found = log_probabilities(model, surface.at(float(x), float(y)), images, keys)
            rows.append((x, y, marginalized_loss(of_labels(found, labels))))
        progress(number + 1, settings.points)
    pd.DataFrame(rows, columns=["x", "y", "loss"]).to_csv(grid, index=False)
    names = ["first", "second", "second aligned"]
    pd.DataFrame(surface.points, columns=["x", "y"]).assign(posterior=names).to_csv(corners, index=False)
