"""Mean-field Gaussian posteriors as plain arrays: distances, geodesic, permutation.

A posterior over a network's arrays is a mean and a standard deviation for each number, by array name. A point estimate
is the posterior whose deviations are zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from perspectives.alignment import permutations as units
from perspectives.alignment.permutations import Arrays, Permutations, Symmetries


@dataclass(frozen=True)
class Gaussians:
    """Independent Gaussians, one for each number of a network's arrays.

    **Raises**: ValueError when means and deviations differ in names or shapes, when a deviation is negative or when
    anything is not finite.
    """

    mean: Arrays
    deviation: Arrays

    def __post_init__(self) -> None:
        """Refuse what is no posterior."""
        if self.mean.keys() != self.deviation.keys():
            raise ValueError("means and deviations are of different arrays")
        for name, mean in self.mean.items():
            deviation = self.deviation[name]
            if mean.shape != deviation.shape:
                raise ValueError(f"array {name} has means {mean.shape} and deviations {deviation.shape}")
            for kind, values in (("mean", mean), ("deviation", deviation)):
                bad = int(np.size(values) - np.isfinite(values).sum())
                if bad:
                    raise ValueError(
                        f"{bad} of {np.size(values)} {kind}s of array {name} are not finite: did training diverge?"
                    )
            if np.any(deviation < 0):
                raise ValueError(f"array {name} has negative standard deviations, down to {float(np.min(deviation)):g}")

    @staticmethod
    def point(arrays: Arrays) -> "Gaussians":
        """Return the posterior that is sure of `arrays`."""
        return Gaussians(arrays, {name: np.zeros_like(array) for name, array in arrays.items()})


def permuted(posterior: Gaussians, permutations: Permutations, symmetries: Symmetries) -> Gaussians:
    """Return the posterior of the network whose units are reordered: means and deviations move alike."""
    return Gaussians(
        units.permuted(posterior.mean, permutations, symmetries),
        units.permuted(posterior.deviation, permutations, symmetries),
    )


def squared_distance(first: Gaussians, second: Gaussians) -> float:
    """Return W2(first, second)^2, the squared 2-Wasserstein distance, summed in float64.

    **Source**: for Gaussians with diagonal covariances |m0 - m1|^2 + |s0 - s1|^2, of *standard deviations*.
    """
    same_arrays(first, second)
    return sum(
        _sum_of_squares(ours[name], theirs[name])
        for ours, theirs in ((first.mean, second.mean), (first.deviation, second.deviation))
        for name in ours
    )


def same_arrays(first: Gaussians, second: Gaussians) -> None:
    """Refuse posteriors of different networks. **Raises**: ValueError with the arrays that differ."""
    shapes, others = ({name: mean.shape for name, mean in one.mean.items()} for one in (first, second))
    if shapes != others:
        different = sorted(name for name in {*shapes, *others} if shapes.get(name) != others.get(name))
        raise ValueError(
            f"posteriors of different networks: arrays {', '.join(different)} differ in shape or existence"
        )


def _sum_of_squares(ours: Float[ndarray, "..."], theirs: Float[ndarray, "..."]) -> float:
    return float(np.sum(np.square(ours.astype(np.float64) - theirs.astype(np.float64))))


def divergence(first: Gaussians, second: Gaussians) -> float:
    """Return KL(first || second) in nats, summed in float64.

    **Source**: sum of log(s1 / s0) + (s0^2 + (m0 - m1)^2) / (2 s1^2) - 1/2.
    **Raises**: ValueError when a deviation of either is zero, where the divergence is infinite or undefined.
    """
    same_arrays(first, second)
    total = 0.0
    for name in first.mean:
        m0, m1, s0, s1 = (
            arrays[name].astype(np.float64) for arrays in (first.mean, second.mean, first.deviation, second.deviation)
        )
        if not (np.all(s0 > 0) and np.all(s1 > 0)):
            raise ValueError(f"the KL divergence needs positive standard deviations; array {name} has zeros")
        total += float(np.sum(np.log(s1 / s0) + (s0**2 + (m0 - m1) ** 2) / (2 * s1**2) - 0.5))
    return total


def geodesic(first: Gaussians, second: Gaussians, time: float) -> Gaussians:
    """Return the posterior at `time` in [0, 1] on the Wasserstein geodesic between two posteriors.

    **Source**: McCann's interpolation; for diagonal covariances means and *standard deviations* are linear in time.
    **Raises**: ValueError when `time` lies outside [0, 1], where a deviation could become negative.
    """
    if not 0 <= time <= 1:
        raise ValueError(f"time = {time} lies outside [0, 1], the geodesic's ends")
    same_arrays(first, second)
    first_share = 1 - time
    return Gaussians(
        {name: first_share * first.mean[name] + time * second.mean[name] for name in first.mean},
        {name: first_share * first.deviation[name] + time * second.deviation[name] for name in first.deviation},
    )


def barycentre(posteriors: Sequence[Gaussians]) -> Gaussians:
    """Return the posterior with the least sum of squared W2 distances: means of means and means of deviations.

    **Source**: Agueh and Carlier 2011, for commuting covariances.
    """
    return Gaussians(
        {name: np.mean([one.mean[name] for one in posteriors], axis=0) for name in posteriors[0].mean},
        {name: np.mean([one.deviation[name] for one in posteriors], axis=0) for name in posteriors[0].deviation},
    )
