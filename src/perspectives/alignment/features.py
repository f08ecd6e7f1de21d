"""Divergences between mean-field Gaussians as feature kernels, which is all that an aligner has to know of them.

A divergence that is, number by number, a sum of products of a feature of the first posterior and a feature of the
second is `constant - scale * gain` with gain(P) = sum over features f of <A_f, P B_f>: only the gain depends on how the
second network's units are ordered, and it is linear in the ordering of any one group.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from perspectives.alignment import gaussians
from perspectives.alignment.gaussians import Gaussians
from perspectives.alignment.permutations import Permutations, Symmetries, check_shapes, permuted

Divergence = Literal["w2", "kl", "mean", "deviation"]
"""W2 squared, its share of the means, its share of the standard deviations, or KL(first || second) in nats."""

Feature = tuple[Float[ndarray, "..."], Float[ndarray, "..."]]
"""A feature of the first posterior's array and one of the second's, of that array's shape."""


@dataclass(frozen=True)
class Features:
    """By array name the features whose products gain, and how a gain becomes a divergence again.

    `limits` are by array name the largest gains that the features' norms allow, sum_f |A_f| |B_f|: what rounding errors
    are relative to.
    """

    pairs: Mapping[str, list[Feature]]
    limits: Mapping[str, float]
    constant: float
    scale: float

    def gain(self, permutations: Permutations, symmetries: Symmetries) -> float:
        """Return sum_f <A_f, P B_f> over all arrays, summed in float64."""
        total = 0.0
        for name, pairs in self.pairs.items():
            for ours, theirs in pairs:
                moved = permuted({name: theirs}, permutations, Symmetries({name: symmetries.axes[name]}))[name]
                total += _dot(ours, moved)
        return total

    def divergence(self, permutations: Permutations, symmetries: Symmetries) -> float:
        """Return the divergence of the first posterior and the permuted second."""
        return self.constant - self.scale * self.gain(permutations, symmetries)


def features(first: Gaussians, second: Gaussians, symmetries: Symmetries, divergence: Divergence) -> Features:
    """Return the features of `divergence`, in the posteriors' own precision; the constant in float64.

    **Source**: W2^2 = |m0|^2 + |m1|^2 + |s0|^2 + |s1|^2 - 2 (<m0, P m1> + <s0, P s1>), since a permutation keeps norms;
    KL(q0 || P#q1) = sum of -1/2 - log s0 + log s1 + (s0^2 + (m0 - m1)^2) / (2 s1^2), whose products of both posteriors
    are -(m0^2 + s0^2) / (2 s1^2) and m0 m1 / s1^2.
    **Departs**: features that are far from zero on average, deviations and those of the KL divergence, are centred:
    <A - a, P (B - b)> differs from <A, P B> by a constant, and is summed with less rounding. The third product of the
    KL divergence, 1 times (m1^2 / (2 s1^2) + log s1), is the same for every permutation and is left to the constant.
    **Raises**: ValueError when the posteriors are of other networks than the symmetries, when the divergence is
    unknown, or when it is "kl" and a standard deviation is zero.
    """
    for arrays in (first.mean, second.mean):
        check_shapes(arrays, symmetries)
    if divergence not in get_args(Divergence):
        raise ValueError(f"there is no divergence {divergence!r}; one of {', '.join(get_args(Divergence))} is allowed")
    constant, pairs, limits = 0.0, {}, {}
    for name in first.mean:
        m0, m1 = first.mean[name], second.mean[name]
        s0, s1 = first.deviation[name], second.deviation[name]
        found: list[Feature] = []
        if divergence == "kl":
            if not (np.all(s0 > 0) and np.all(s1 > 0)):
                raise ValueError(f"the KL divergence needs positive standard deviations; array {name} has zeros")
            precision = 1 / np.square(s1)
            moment, moment_mean = _centred(np.asarray(np.square(m0) + np.square(s0)))
            weight, weight_mean = _centred(np.asarray(-precision / 2))
            found = [(m0, np.asarray(m1 * precision)), (moment, weight)]
            alone = _double(m1) ** 2 / (2 * _double(s1) ** 2) + np.log(_double(s1)) - np.log(_double(s0)) - 0.5
            constant += float(np.sum(alone)) - m0.size * moment_mean * weight_mean
        if divergence in ("w2", "mean"):
            found.append((m0, m1))
        if divergence in ("w2", "deviation") and (s0.any() or s1.any()):
            (ours, our_mean), (theirs, their_mean) = _centred(s0), _centred(s1)
            found.append((ours, theirs))
            constant += s0.size * (our_mean - their_mean) ** 2
        squares = [(_dot(ours, ours), _dot(theirs, theirs)) for ours, theirs in found]
        if divergence != "kl":
            constant += sum(ours + theirs for ours, theirs in squares)
        pairs[name] = [pair for pair, (ours, theirs) in zip(found, squares, strict=True) if ours > 0 and theirs > 0]
        limits[name] = sum(math.sqrt(ours * theirs) for ours, theirs in squares)
    return Features(pairs, limits, constant, 1.0 if divergence == "kl" else 2.0)


def value(
    first: Gaussians,
    second: Gaussians,
    symmetries: Symmetries,
    divergence: Divergence,
    permutations: Permutations | None = None,
) -> float:
    """Return the divergence of `first` and the permuted `second`, number by number.

    A constant less a gain is a difference of large terms; this one is zero where the posteriors are equal.
    """
    if permutations is None:
        permutations = {}
    if divergence == "kl":
        moved = gaussians.permuted(second, permutations, symmetries) if permutations else second
        return gaussians.divergence(first, moved)
    total = 0.0
    for kind, ours, theirs in (
        ("mean", first.mean, second.mean),
        ("deviation", first.deviation, second.deviation),
    ):
        if divergence in ("w2", kind):
            moved = permuted(theirs, permutations, symmetries) if permutations else theirs
            differences = (np.asarray(ours[name] - moved[name]) for name in ours)
            total += sum(_dot(difference, difference) for difference in differences)
    return total


def _centred(values: Float[ndarray, "..."]) -> tuple[Float[ndarray, "..."], float]:
    """Return the values less their mean, and the mean."""
    mean = float(np.mean(values, dtype=np.float64))
    return np.asarray(values - values.dtype.type(mean)), mean


def _dot(ours: Float[ndarray, "..."], theirs: Float[ndarray, "..."]) -> float:
    """Return the sum of products: rows in the arrays' own precision, by BLAS, and their sum in float64."""
    rows = len(ours) if ours.ndim else 1
    parts = np.matmul(ours.reshape(rows, 1, -1), theirs.reshape(rows, -1, 1))
    return float(parts.sum(dtype=np.float64))


def _double(values: Float[ndarray, "..."]) -> Float[ndarray, "..."]:
    return values.astype(np.float64)
