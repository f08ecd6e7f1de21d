"""How many hidden units a posterior uses: the control for low barriers between networks that have learnt little."""

import math
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from perspectives.alignment.gaussians import Gaussians
from perspectives.alignment.permutations import Symmetries

ACTIVE_NATS = 1.0
"""A unit is active when its incoming weights and bias differ from the prior by more than this; fixed before any run."""


def unit_divergences(
    posterior: Gaussians, prior: Mapping[str, float], symmetries: Symmetries
) -> dict[str, Float[ndarray, "units"]]:
    """Return for each group of units the KL divergence of each unit's incoming numbers from a Gaussian prior, in nats.

    Incoming are the arrays whose first axis the group labels: rows of weights, biases, scales. `prior` has a standard
    deviation for each array. For a Laplace prior of the same variance this is still the divergence from a Gaussian.
    """
    found = {group: np.zeros(size) for group, size in symmetries.sizes.items()}
    for name, axes in symmetries.axes.items():
        if not axes or len(axes[0]) != 1 or axes[0][0].group is None:
            continue
        mean, deviation, scale = (
            posterior.mean[name].astype(float),
            posterior.deviation[name].astype(float),
            prior[name],
        )
        with np.errstate(divide="ignore"):  # a point estimate's divergence is infinite: each unit counts as active
            each = np.log(scale / deviation) + (deviation**2 + mean**2) / (2 * scale**2) - 0.5
        found[axes[0][0].group] += each.reshape(len(each), -1).sum(1)
    return found


def active_units(posterior: Gaussians, prior: Mapping[str, float], symmetries: Symmetries) -> int:
    """Return the number of hidden units whose incoming numbers are more than `ACTIVE_NATS` from the prior."""
    divergences = unit_divergences(posterior, prior, symmetries).values()
    return int(sum((each > ACTIVE_NATS).sum() for each in divergences))


def effective_units(posterior: Gaussians, prior: Mapping[str, float], symmetries: Symmetries) -> float:
    """Return the participation ratio of the hidden units' divergences from the prior, summed over groups.

    (sum of d)^2 / sum of d^2 over the units of a group: their number where all have learnt as much, 1 where one has
    learnt all. It has no threshold, and was added after `active_units` turned out to be all units on Fashion-MNIST.
    NaN for a point estimate, whose divergences are infinite.
    """
    total = 0.0
    for each in unit_divergences(posterior, prior, symmetries).values():
        total += float(each.sum() ** 2 / np.sum(each**2)) if np.isfinite(each).all() else math.nan
    return total
