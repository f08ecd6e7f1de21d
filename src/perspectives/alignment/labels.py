"""Labels of axes that may turn out to be equal, to be products of others, or to be of fixed order.

An axis is a tuple of *atoms*, the last running fastest; axes of length one have none. Two atoms that must be permuted
alike are joined. An atom that meets a product of others is refined into that product, which keeps only those
permutations of it that permute each factor by itself. An atom whose order matters is frozen. Each of these only ever
takes permutations away, so what is left at the end, of all constraints met, is sound in whichever order they came.
"""

from collections.abc import Sequence
from math import prod
from operator import index
from typing import SupportsIndex

Atoms = tuple[int, ...]
"""The atoms whose product an axis is."""

Axes = tuple[Atoms, ...]
"""The atoms of each axis of a value."""


class Labels:
    """Atoms under union-find, with refinement."""

    def __init__(self):
        self._sizes: list[int] = []
        self._factors: list[Atoms | None] = []  # what an atom became: a root has None, a joined atom has one factor
        self._reasons: list[str | None] = []  # why a root is frozen

    def fresh(self, size: SupportsIndex, frozen: str | None = None) -> Atoms:
        """Return a new axis of `size` indices, frozen for the reason given."""
        if size == 1:
            return ()
        self._sizes.append(index(size))  # the parameters of primitives hold integers of NumPy here and there
        self._factors.append(None)
        self._reasons.append(frozen)
        return (len(self._sizes) - 1,)

    def fresh_axes(self, shape: Sequence[SupportsIndex], frozen: str | None = None) -> Axes:
        """Return a new axis for each length in `shape`."""
        return tuple(self.fresh(size, frozen) for size in shape)

    def expand(self, atoms: Sequence[int]) -> Atoms:
        """Return the roots whose product `atoms` is by now."""
        roots: list[int] = []
        for atom in atoms:
            factors = self._factors[atom]
            if factors is None:
                roots.append(atom)
            else:
                self._factors[atom] = self.expand(factors)  # the next search is one step
                roots += self._factors[atom] or ()
        return tuple(roots)

    def size(self, root: int) -> int:
        """Return the number of indices of an atom."""
        return self._sizes[root]

    def why_frozen(self, root: int) -> str | None:
        """Return the reason for which a root is frozen, None when it is free."""
        return self._reasons[root]

    def frozen(self, axes: Axes) -> bool:
        """Say whether all atoms of all `axes` are frozen by now."""
        return all(self._reasons[root] is not None for atoms in axes for root in self.expand(atoms))

    def freeze(self, atoms: Sequence[int], reason: str) -> None:
        """Take all permutations of an axis away."""
        for root in self.expand(atoms):
            if self._reasons[root] is None:
                self._reasons[root] = reason

    def join(self, left: Sequence[int], right: Sequence[int], reason: str) -> None:
        """Have two products of equal size permuted alike, refining the atoms of either where the other is finer.

        Where no refinement is common to both, as between 4 x 6 and 6 x 4, the atoms concerned are frozen, for `reason`.
        """
        left, right = self.expand(left), self.expand(right)
        while left and right:
            ours, theirs = left[-1], right[-1]
            inner = min(self._sizes[ours], self._sizes[theirs])
            larger = theirs if self._sizes[ours] == inner else ours
            if self._sizes[larger] == inner:
                self._unite(ours, theirs)
                left, right = self.expand(left[:-1]), self.expand(right[:-1])
            elif inner and self._sizes[larger] % inner == 0:
                self._refine(larger, inner)
                left, right = self.expand(left), self.expand(right)
            else:
                left, right = self._freeze_until_products_meet(left, right, reason)
        # Only sizes of zero leave a rest.
        self.freeze((*left, *right), reason)

    def _unite(self, ours: int, theirs: int) -> None:
        if ours != theirs:
            root, other = min(ours, theirs), max(ours, theirs)  # the older, which keeps chains short
            self._reasons[root] = self._reasons[root] or self._reasons[other]
            self._factors[other] = (root,)

    def _refine(self, root: int, inner: int) -> None:
        reason = self._reasons[root]
        self._factors[root] = self.fresh(self._sizes[root] // inner, reason) + self.fresh(inner, reason)

    def _freeze_until_products_meet(self, left: Atoms, right: Atoms, reason: str) -> tuple[Atoms, Atoms]:
        """Freeze the fastest atoms of both until as many indices are left on either side, and return these."""
        taken_left = taken_right = 1
        cut_left, cut_right = len(left), len(right)
        while cut_left == len(left) or taken_left != taken_right:
            if taken_left <= taken_right and cut_left:
                cut_left -= 1
                taken_left = prod(self._sizes[root] for root in left[cut_left:])
            elif cut_right:
                cut_right -= 1
                taken_right = prod(self._sizes[root] for root in right[cut_right:])
            else:
                break
        self.freeze((*left[cut_left:], *right[cut_right:]), reason)
        return left[:cut_left], right[:cut_right]
