"""Alignment of two networks: the permutation of one's hidden units that brings its posterior nearest to the other's.

The gain of features.py is a sum of bilinear assignment problems, one for each array. With the permutations of all
groups but one fixed it is a linear assignment problem, solved exactly; going round the groups until none improves finds
a local optimum, and the optimum when there is one hidden layer. Which local optimum depends on the start. From the
identity, which is as good as any random order when networks were trained apart, the first groups are fitted to
neighbours in no order at all, and the neighbours cannot leave it any more. So groups are placed one after another, each
by the arrays that it shares with those already placed.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from perspectives.alignment.assignment import assignment
from perspectives.alignment.features import Divergence, Feature, Features, features, value
from perspectives.alignment.gaussians import Gaussians
from perspectives.alignment.permutations import Axis, Permutations, Symmetries, identity

# no named size: groups differ in theirs, and one function may see several
Permutation = Int[ndarray, "_"]
Prices = Float[ndarray, "_"]

ROUNDING = 4.0
"""An improvement counts when it exceeds this many machine epsilons of the largest gain that the arrays allow."""

RESHUFFLED = 0.25
"""Share of each group's units that a restart draws anew: enough to leave a local optimum, too few to forget it."""


@dataclass(frozen=True)
class Matching:
    """The best permutations found of the second network's units.

    `before` is the divergence of the networks as they came. `history` holds the divergence of the best start and after
    each accepted update from there, `objectives` the final divergence of each start; `solves` counts the assignment
    problems of all starts.
    """

    permutations: Permutations
    before: float
    objective: float
    history: tuple[float, ...]
    objectives: tuple[float, ...]
    solves: int

    @property
    def median(self) -> float:
        """The median over starts of the final divergence: far above the best, there are many local optima."""
        return float(np.median(self.objectives))


def match(
    first: Gaussians,
    second: Gaussians,
    symmetries: Symmetries,
    *,
    divergence: Divergence = "w2",
    restarts: int = 5,
    seed: int = 0,
    start: Permutations | None = None,
    threads: int = 1,
) -> Matching:
    """Return the permutations P with the least divergence of `first` and P#`second` that coordinate descent finds.

    The first start is `start`. Without one, groups are placed one after another, and the identity is the start if it is
    better than that; where it is not, the order in which the second network's units came changes nothing. Each further
    start is the best end so far with a share of the units reshuffled. Groups are visited in random order; those that
    share no array do not influence each other and are solved at the same time, on as many `threads`.

    **Source**: Ainsworth, Hayase and Srinivasa 2023, section 3.2 and algorithm 1, for the means; the sum of bilinear
    assignments over means and deviations is that of Rossi, Singh and Hannagan 2023 (not checked).
    **Departs**: they start from the identity. An improvement must exceed the rounding error of the gains; an absolute
    threshold lets single precision go round in circles. A group is solved again only if a neighbour has moved since.
    **Raises**: ValueError when `restarts` is less than one, when the posteriors are of other networks than the
    symmetries, when a group labels two axes of one array, whose gain is then not linear, or as in `features`.
    """
    if restarts < 1:
        raise ValueError(f"restarts = {restarts}: at least one start is needed")
    kernel = features(first, second, symmetries, divergence)
    generator = np.random.default_rng(seed)
    before = value(first, second, symmetries, divergence)
    runs: list[tuple[float, Permutations, tuple[float, ...]]] = []
    with ThreadPoolExecutor(threads) as pool:
        descent = Descent(kernel, symmetries, pool if threads > 1 else None)
        for _ in range(restarts):
            stale = None
            if runs or start is not None:
                chosen = descent.reshuffled(min(runs, key=_end)[1], generator) if runs else dict(start or {})
                history = [value(first, second, symmetries, divergence, chosen)]
            else:
                chosen, gain, stale = descent.placed()
                history = [before, kernel.constant - kernel.scale * gain]
                if before - history[1] <= kernel.scale * descent.rounding:
                    chosen, stale, history = identity(symmetries), None, [before]
            found, improvements = descent.run(chosen, generator, stale)
            history.extend(history[-1] - kernel.scale * np.cumsum(improvements))
            runs.append((float(history[-1]), found, tuple(float(one) for one in history)))
    _, best, history = min(runs, key=_end)
    objective = value(first, second, symmetries, divergence, best)
    objectives = [objective if found is best else end for end, found, _ in runs]
    return Matching(best, before, objective, history, tuple(objectives), descent.solves)


def _end(run: tuple[float, Permutations, tuple[float, ...]]) -> float:
    return run[0]


class Descent:
    """Coordinate descent on the gain of one pair of networks, from any number of starts.

    What no permutation changes is computed once, and of the rest only what the last moves have changed.
    """

    def __init__(self, kernel: Features, symmetries: Symmetries, pool: ThreadPoolExecutor | None) -> None:
        self.sizes = symmetries.sizes
        self.pool = pool
        self.solves = 0
        self._constant: dict[str, Float[ndarray, "n n"]] = {}
        self._meetings: dict[str, list[_Meeting]] = {group: [] for group in self.sizes}
        self._prices: dict[str, Prices] = {}
        self._unseen: set[str] = set()
        self._evidence = dict.fromkeys(self.sizes, 0.0)
        self._tolerance = dict.fromkeys(self.sizes, 0.0)
        self._fixed = self.rounding = 0.0
        for name, pairs in kernel.pairs.items():
            limit = kernel.limits[name]
            rounding = max((ROUNDING * float(np.finfo(ours.dtype).eps) * limit for ours, _ in pairs), default=0.0)
            self.rounding += rounding
            meetings = _meetings(name, pairs, limit, symmetries.axes[name])
            if not meetings:
                self._fixed += sum(float(np.vdot(ours, theirs)) for ours, theirs in pairs)
            for group, meeting in meetings.items():
                self._tolerance[group] += rounding
                if meeting.neighbours:
                    self._meetings[group].append(meeting)
                    continue
                self._evidence[group] += limit
                gains = meeting.gains({})
                self._constant[group] = self._constant[group] + gains if group in self._constant else gains
        self.neighbours = {
            group: {other for meeting in meetings for _, other in meeting.neighbours}
            for group, meetings in self._meetings.items()
        }

    def placed(self) -> tuple[dict[str, Permutation], float, set[str]]:
        """Return permutations found group by group, their gain, and the groups that were placed before a neighbour.

        The next group is always the one of whose arrays, by the gain that they allow, the greatest share is shared with
        groups already placed or with none. A group without any keeps its order.
        """
        permutations: dict[str, Permutation] = {}
        total = self._fixed
        early: set[str] = set()
        self._unseen = set()
        while len(permutations) < len(self.sizes):
            waiting = [group for group in self.sizes if group not in permutations]
            group = max(waiting, key=lambda group: self._share(group, permutations))
            meetings = [meeting for meeting in self._meetings[group] if meeting.complete(permutations)]
            parts = [meeting.gains(permutations) for meeting in meetings]
            if group in self._constant:
                parts.append(self._constant[group])
            if len(meetings) < len(self._meetings[group]):
                early.add(group)
            if not parts:
                self._unseen.add(group)
                permutations[group] = np.arange(self.sizes[group])
                continue
            gains = _sum(parts)
            permutations[group], self._prices[group] = assignment(gains)
            self.solves += 1
            # an array counts once, with the last of its groups
            total += float(gains[np.arange(len(gains)), permutations[group]].sum(dtype=np.float64))
        return {group: permutations[group] for group in self.sizes}, total, early

    def _share(self, group: str, permutations: Permutations) -> float:
        known = self._evidence[group] + sum(
            meeting.evidence for meeting in self._meetings[group] if meeting.complete(permutations)
        )
        everything = self._evidence[group] + sum(meeting.evidence for meeting in self._meetings[group])
        return known / everything if everything else 0.0

    def reshuffled(self, permutations: Permutations, generator: np.random.Generator) -> dict[str, Permutation]:
        """Return the permutations with some units of each group in random order; all of a group placed by nothing."""
        moved = {}
        for group, order in permutations.items():
            count = len(order) if group in self._unseen else min(len(order), max(2, int(RESHUFFLED * len(order))))
            chosen = generator.choice(len(order), count, replace=False)
            moved[group] = order.copy()
            moved[group][chosen] = order[generator.permutation(chosen)]
        return moved

    def gains(self, group: str, permutations: Permutations) -> Float[ndarray, "n n"]:
        """Return C, where sum_i C[i, p[i]] is the gain of giving `group` the permutation p, up to a constant."""
        parts = [meeting.gains(permutations) for meeting in self._meetings[group]]
        if group in self._constant:
            parts.append(self._constant[group])
        return _sum(parts) if parts else np.zeros((self.sizes[group],) * 2)

    def run(
        self, start: Permutations, generator: np.random.Generator, stale: Iterable[str] | None = None
    ) -> tuple[dict[str, Permutation], list[float]]:
        """Return the permutations at which no group's best assignment improves, and the accepted improvements.

        Only `stale` groups, all unless given, need not be at their best in the beginning.
        """
        permutations, improvements = dict(start), []
        stale = set(self.sizes if stale is None else stale)
        while stale:
            order = [group for group in generator.permutation(list(self.sizes)).tolist() if group in stale]
            for batch in self._independent(order):
                batch = [group for group in batch if group in stale]
                stale.difference_update(batch)
                solved = self._map(lambda group: self._improve(group, permutations), batch)
                for group, (columns, improvement) in zip(batch, solved, strict=True):
                    if improvement > self._tolerance[group]:
                        permutations[group] = columns
                        improvements.append(improvement)
                        stale |= self.neighbours[group]
        return permutations, improvements

    def _improve(self, group: str, permutations: Permutations) -> tuple[Permutation, float]:
        """Return the best permutation of `group` and by how much it gains more than the present one."""
        gains = self.gains(group, permutations)
        columns, self._prices[group] = assignment(gains, self._prices.get(group))
        rows = np.arange(len(gains))
        change = gains[rows, columns].astype(np.float64) - gains[rows, permutations[group]]
        return columns, float(change.sum())

    def _map(
        self, work: Callable[[str], tuple[Permutation, float]], batch: Sequence[str]
    ) -> list[tuple[Permutation, float]]:
        self.solves += len(batch)
        # SciPy's solver and NumPy's products release the interpreter's lock
        return list(map(work, batch) if self.pool is None or len(batch) == 1 else self.pool.map(work, batch))

    def _independent(self, order: Sequence[str]) -> list[list[str]]:
        """Return the groups in batches whose members are no neighbours, each as early as `order` allows."""
        batches: list[list[str]] = []
        for group in order:
            for batch in batches:
                if not self.neighbours[group].intersection(batch):
                    batch.append(group)
                    break
            else:
                batches.append([group])
        return batches


class _Meeting:
    """One array as one group sees it: its share of the group's gains, given the neighbours' permutations."""

    def __init__(
        self, pairs: Sequence[Feature], axis: int, neighbours: Sequence[tuple[int, str]], evidence: float
    ) -> None:
        """Turn the group's `axis` last, so that reordering a neighbour's units moves whole rows."""
        self.neighbours = neighbours
        self.evidence = evidence
        self.ours = [np.moveaxis(ours, axis, -1) for ours, _ in pairs]
        self.theirs = [np.moveaxis(theirs, axis, -1) for _, theirs in pairs]
        if neighbours:
            self.theirs = [np.ascontiguousarray(theirs) for theirs in self.theirs]
        self._seen: dict[str, Permutation] = {}
        self._gains: Float[ndarray, "n n"] | None = None

    def gains(self, permutations: Permutations) -> Float[ndarray, "n n"]:
        """Return sum over features and the array's other indices k of A[k, i] B[p(k), j]."""
        seen, self._seen = self._seen, {group: permutations[group] for _, group in self.neighbours}
        if self._gains is not None:
            changed = {group: np.flatnonzero(self._seen[group] != order) for group, order in seen.items()}
            if not any(map(len, changed.values())):
                return self._gains
            if len(self.neighbours) == 1:
                ((axis, group),) = self.neighbours
                if 2 * len(changed[group]) <= len(seen[group]):
                    self._exchange(axis, changed[group], seen[group], self._seen[group])
                    return self._gains
        products = []
        for ours, theirs in zip(self.ours, self.theirs, strict=True):
            for axis, group in self.neighbours:
                theirs = theirs.take(permutations[group], axis)
            products.append(_product(ours, theirs))
        self._gains = gains = _sum(products)
        return gains

    def complete(self, permutations: Permutations) -> bool:
        """Say whether all neighbours have their permutations."""
        return all(group in permutations for _, group in self.neighbours)

    def _exchange(self, axis: int, changed: Permutation, before: Permutation, after: Permutation) -> None:
        """Add to the gains what follows from the neighbour's units that `changed`: two differences of its rows."""
        for ours, theirs in zip(self.ours, self.theirs, strict=True):
            difference = theirs.take(after[changed], axis) - theirs.take(before[changed], axis)
            self._gains += _product(ours.take(changed, axis), difference)


def _meetings(name: str, pairs: Sequence[Feature], limit: float, axes: Sequence[Axis]) -> dict[str, _Meeting]:
    """Return what each group sees of an array, every factor of an axis as an axis of its own."""
    factors = [factor for axis in axes for factor in axis]
    groups = [(number, factor.group) for number, factor in enumerate(factors) if factor.group is not None]
    names = [group for _, group in groups]
    tied = sorted({group for group in names if names.count(group) > 1})
    if tied:
        raise ValueError(
            f"array {name} has two axes of the same units, {', '.join(tied)}: aligning them is a quadratic assignment, "
            "which coordinate descent does not solve"
        )
    if not pairs:
        return {}
    shape = [factor.size for factor in factors]
    split = [(ours.reshape(shape), theirs.reshape(shape)) for ours, theirs in pairs]
    found = {}
    for axis, group in groups:
        # with this axis turned last, those behind it move up by one
        others = [(number - (number > axis), other) for number, other in groups if number != axis]
        found[group] = _Meeting(split, axis, others, limit)
    return found


def _product(ours: Float[ndarray, "... n"], theirs: Float[ndarray, "... n"]) -> Float[ndarray, "n n"]:
    units = ours.shape[-1]
    return ours.reshape(-1, units).T @ theirs.reshape(-1, units)


def _sum(parts: Sequence[Float[ndarray, "n n"]]) -> Float[ndarray, "n n"]:
    """Return the sum of one or more arrays; of one array, itself."""
    if len(parts) == 1:
        return parts[0]
    total = parts[0] + parts[1]
    for part in parts[2:]:
        total += part
    return total
