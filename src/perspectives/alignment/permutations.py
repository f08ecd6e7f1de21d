"""Permutation symmetries of hidden units, as data: which axis of which array each group of units labels.

Nothing here needs JAX: arrays are a mapping from name to array, as `numerics.trees.named_arrays` makes them of a model.
A permutation p of a group reorders its units, new unit i being old unit p[i], in every axis that the group labels.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int, Shaped
from numpy import ndarray

Arrays = Mapping[str, Shaped[ndarray, "..."]]
Permutations = Mapping[str, Int[ndarray, "_"]]


@dataclass(frozen=True)
class Factor:
    """A run of indices within an axis: the units of `group`, or of fixed order where there is none."""

    group: str | None
    size: int


Axis = tuple[Factor, ...]
"""An axis is the product of its factors, the last running fastest; one factor unless the network reshapes."""


@dataclass(frozen=True)
class Symmetries:
    """For each array of a network the factors of each of its axes.

    Reordering the units of every group by any permutation, in all axes that it labels, leaves the network's function
    unchanged.
    """

    axes: Mapping[str, tuple[Axis, ...]]

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The number of units of each group, in the order in which the arrays mention them."""
        factors = (factor for axes in self.axes.values() for axis in axes for factor in axis)
        return {factor.group: factor.size for factor in factors if factor.group is not None}

    @cached_property
    def places(self) -> dict[str, list[tuple[str, int]]]:
        """The arrays and axes that each group labels."""
        found: dict[str, list[tuple[str, int]]] = {group: [] for group in self.sizes}
        for name, axes in self.axes.items():
            for number, axis in enumerate(axes):
                for factor in axis:
                    if factor.group is not None:
                        found[factor.group].append((name, number))
        return found

    def partition(self) -> set[frozenset[tuple[str, int]]]:
        """Return the groups as sets of places, free of their names: equal partitions are equal symmetries."""
        return {frozenset(places) for places in self.places.values()}

    def to_json(self) -> str:
        """Return the symmetries as JSON: array name to axes, an axis as a list of [group or null, size]."""
        plain = {
            name: [[[factor.group, factor.size] for factor in axis] for axis in axes]
            for name, axes in self.axes.items()
        }
        return json.dumps(plain, indent=1)

    @staticmethod
    def from_json(text: str) -> "Symmetries":
        """Return what `to_json` wrote."""
        plain = json.loads(text)
        return Symmetries(
            {
                name: tuple(tuple(Factor(group, size) for group, size in axis) for axis in axes)
                for name, axes in plain.items()
            }
        )


def identity(symmetries: Symmetries) -> dict[str, Int[ndarray, "_"]]:
    """Return the permutations that change nothing."""
    return {group: np.arange(size) for group, size in symmetries.sizes.items()}


def drawn(symmetries: Symmetries, generator: np.random.Generator) -> dict[str, Int[ndarray, "_"]]:
    """Return a uniformly random permutation of each group."""
    return {group: generator.permutation(size) for group, size in symmetries.sizes.items()}


def inverse(permutations: Permutations) -> dict[str, Int[ndarray, "_"]]:
    """Return the permutations that undo `permutations`."""
    return {group: np.argsort(permutation) for group, permutation in permutations.items()}


def axis_order(axis: Sequence[Factor], permutations: Permutations) -> Int[ndarray, "length"]:
    """Return the old index of each new index of an axis."""
    sizes = [factor.size for factor in axis]
    order = np.arange(int(np.prod(sizes))).reshape(sizes)
    for number, factor in enumerate(axis):
        if factor.group is not None:
            order = order.take(permutations[factor.group], axis=number)
    return order.ravel()


def permuted(arrays: Arrays, permutations: Permutations, symmetries: Symmetries) -> dict[str, Shaped[ndarray, "..."]]:
    """Return `arrays` with the units of every group reordered.

    **Source**: W_l -> P_l W_l P_(l-1)^T, b_l -> P_l b_l, for a perceptron; any other network by its symmetries.
    **Raises**: ValueError when arrays are missing or of other shapes than the symmetries say.
    """
    check_shapes(arrays, symmetries)
    moved = {}
    for name, array in arrays.items():
        for number, axis in enumerate(symmetries.axes[name]):
            if any(factor.group is not None for factor in axis):
                array = array.take(axis_order(axis, permutations), axis=number)
        moved[name] = array
    return moved


def check_shapes(arrays: Arrays, symmetries: Symmetries) -> None:
    """Refuse arrays that the symmetries do not describe. **Raises**: ValueError naming the first difference."""
    _same_names(arrays, symmetries.axes)
    for name, array in arrays.items():
        expected = tuple(int(np.prod([factor.size for factor in axis])) for axis in symmetries.axes[name])
        if tuple(array.shape) != expected:
            raise ValueError(f"array {name} has shape {tuple(array.shape)} where the symmetries say {expected}")


def _same_names(ours: Iterable[str], theirs: Iterable[str]) -> None:
    missing, surplus = sorted(set(theirs) - set(ours)), sorted(set(ours) - set(theirs))
    if missing or surplus:
        raise ValueError(
            f"these are arrays of another network: missing {missing or 'none'}, unknown {surplus or 'none'}"
        )
