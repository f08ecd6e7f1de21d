"""The plane through three posteriors, in the coordinates (means, standard deviations) in which W2 is Euclidean."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from perspectives.alignment.gaussians import Gaussians


class Plane(NamedTuple):
    """Origin, two directions of unit length at right angles, and the three posteriors' coordinates."""

    origin: Gaussians
    first: tuple[dict[str, ndarray], dict[str, ndarray]]
    second: tuple[dict[str, ndarray], dict[str, ndarray]]
    points: Float[ndarray, "3 2"]

    def at(self, x: float, y: float) -> Gaussians:
        """Return the posterior at coordinates (x, y), whose distances in the plane are W2 distances.

        Beyond the triangle of the three posteriors a deviation can come out negative; a Gaussian is the same for s and
        -s, so its absolute value is taken.
        """
        mean, deviation = (
            {name: base[name] + np.float32(x) * one[name] + np.float32(y) * two[name] for name in base}
            for base, one, two in zip((self.origin.mean, self.origin.deviation), self.first, self.second, strict=True)
        )
        return Gaussians(mean, {name: np.abs(values) for name, values in deviation.items()})


def plane(origin: Gaussians, right: Gaussians, other: Gaussians) -> Plane:
    """Return the plane through three posteriors: `right` lies on the first axis, `other` above it.

    **Source**: Gram and Schmidt's orthogonalisation.
    **Raises**: ValueError when they lie on one line.
    """
    u, v = (_difference(target, origin) for target in (right, other))
    length = np.sqrt(_inner(u, u))
    if not length > 0:
        raise ValueError("the first two posteriors are the same: three on a line make no plane")
    first = _scaled(u, 1 / length)
    along = _inner(v, first)
    rest = _added(v, _scaled(first, -along))
    height = np.sqrt(_inner(rest, rest))
    if not height > 1e-6 * length:
        raise ValueError("the three posteriors lie on one line and make no plane")
    return Plane(origin, first, _scaled(rest, 1 / height), np.array([[0, 0], [length, 0], [along, height]]))


Direction = tuple[dict[str, ndarray], dict[str, ndarray]]


def _difference(target: Gaussians, origin: Gaussians) -> Direction:
    return (
        {name: target.mean[name] - origin.mean[name] for name in origin.mean},
        {name: target.deviation[name] - origin.deviation[name] for name in origin.deviation},
    )


def _inner(one: Direction, other: Direction) -> float:
    return sum(
        float(np.sum(ours[name].astype(np.float64) * theirs[name]))
        for ours, theirs in zip(one, other, strict=True)
        for name in ours
    )


def _scaled(direction: Direction, factor: float) -> Direction:
    mean, deviation = (
        {name: (values * factor).astype(values.dtype) for name, values in part.items()} for part in direction
    )
    return mean, deviation


def _added(one: Direction, other: Direction) -> Direction:
    mean, deviation = (
        {name: ours[name] + theirs[name] for name in ours} for ours, theirs in zip(one, other, strict=True)
    )
    return mean, deviation
