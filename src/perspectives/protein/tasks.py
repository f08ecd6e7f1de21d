"""Tasks: which part of a landscape a base set is cut from, by percentiles of fitness and distance to the best."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float64, Int, Int64, Key, UInt8
from numpy import ndarray

from perspectives.protein.landscapes import Gb1, doubles_among
from perspectives.protein.sequences import LETTERS, Tokens
from perspectives.protein.settings import TaskName

BEST = 99.0
"""Percentile of fitness from which a variant is one of the best."""
_TOGETHER = 2048
"""Sequences whose distances to all of the best are in memory at once."""


class Task(NamedTuple):
    """A base set lies between two percentiles of fitness, inclusive, and `gap` or more substitutions from the best."""

    low: float
    high: float
    gap: int


TASKS: dict[TaskName, Task] = {
    "gb1_default": Task(40, 80, 2),
    "gb1_medium": Task(20, 40, 2),
    "gb1_hard": Task(0, 30, 3),
    "aav_medium": Task(20, 40, 6),
    "aav_hard": Task(0, 30, 7),
    "gfp_medium": Task(20, 40, 6),
    "gfp_hard": Task(0, 30, 7),
}
"""AAV and GFP as Kirjner et al. 2024 have it. GB1 is our own: two of its doubles differ by four at most."""
POOL_ROWS = 157_456
"""Of `gb1_default`."""

Nearest = Callable[[Int64[ndarray, "m"], Int64[ndarray, "best"]], Int[ndarray, "m"]]
"""The distance of each of some rows to the nearest of others."""


def pool(scores: Float64[ndarray, "n"], task: Task, nearest: Nearest) -> Int64[ndarray, "rows"]:
    """Return the rows that a task's base set may be drawn from.

    **Source**: Kirjner et al. 2024, and the released base sets: percentiles are of all rows, repeated too.
    """
    low, high, best = np.percentile(scores, (task.low, task.high, BEST))
    rows = np.flatnonzero((scores >= low) & (scores <= high))
    return rows[nearest(rows, np.flatnonzero(scores >= best)) >= task.gap]


def pool_of_tokens(
    tokens: Tokens, scores: Float64[ndarray, "n"], task: Task, distance: Callable[..., Int[ndarray, "m best"]]
) -> Int64[ndarray, "rows"]:
    """Return the pool by a distance between all of some sequences and all of others, such as `hamming`."""
    return pool(scores, task, lambda rows, best: _nearest(tokens[rows], tokens[best], distance))


def pool_of_strings(
    sequences: Sequence[str], scores: Float64[ndarray, "n"], task: Task, distance: Callable[..., Int[ndarray, "m best"]]
) -> Int64[ndarray, "rows"]:
    """Return the pool by a distance between strings, such as `levenshtein`."""
    letters = np.asarray(sequences)
    return pool(scores, task, lambda rows, best: _nearest(letters[rows].tolist(), letters[best].tolist(), distance))


def _nearest(
    one: Tokens | list[str],
    other: UInt8[ndarray, "m length"] | list[str],
    distance: Callable[..., Int[ndarray, "n m"]],
) -> Int[ndarray, "n"]:
    starts = range(0, len(one), _TOGETHER)
    return np.concatenate([np.zeros(0, np.int32), *(distance(one[s : s + _TOGETHER], other).min(1) for s in starts)])


def pool_of_doubles(landscape: Gb1, task: Task) -> Int64[ndarray, "rows"]:
    """Return the pool of GB1 by Hamming distance, among rows with enough input counts."""
    deep = landscape.deep
    among = landscape.taken(deep)
    return deep[pool(among.fitness, task, lambda rows, best: nearest_double(among.taken(rows), among.taken(best)))]


def nearest_double(some: Gb1, others: Gb1) -> Int[ndarray, "n"]:
    """Return the Hamming distance of each double mutant of `some` to the nearest of `others`.

    Two of them differ by four, less one for each position that both mutate and one for each substitution that both
    have. So it takes no pairs, only what occurs among the others: positions, substitutions, pairs of them.
    """
    length = len(some.wild_type)
    places = LETTERS * length
    first, second = others.positions.T
    one, two = others.substitutions.T
    position, substitution = np.zeros(length, bool), np.zeros(places, bool)
    position[others.positions], substitution[others.substitutions] = True, True
    both, with_first, with_second = (
        np.zeros(shape, bool) for shape in ((length, length), (places, length), (length, places))
    )
    same = np.zeros((places, places), bool)
    both[first, second] = with_first[one, second] = with_second[first, two] = same[one, two] = True

    p, q = some.positions.T
    a, b = some.substitutions.T
    return np.select(
        [
            same[a, b],
            with_first[a, q] | with_second[p, b],
            substitution[a] | substitution[b] | both[p, q],
            position[p] | position[q],
        ],
        [0, 1, 2, 3],
        default=4,
    )


def drawn(rows: Int64[ndarray, "rows"], number: int, *, key: Key[jax.Array, ""]) -> Int64[ndarray, "number"]:
    """Return some of `rows`, in their order.

    **Raises**: ValueError when there are fewer.
    """
    if number > len(rows):
        raise ValueError(f"{number} rows cannot be drawn from a pool of {len(rows)}")
    return np.sort(rows[np.asarray(jax.random.permutation(key, len(rows)))[:number]])


def task_of(landscape: Gb1, tokens: Tokens) -> TaskName:
    """Return the task of GB1 from whose pool all of `tokens` are; of the smallest such pool if there are several.

    **Raises**: ValueError when there is none.
    """
    places = LETTERS * len(landscape.wild_type)
    rows, substitutions = doubles_among(tokens, landscape.wild_type)
    fitting = []
    for name, task in TASKS.items():
        if name.startswith("gb1"):
            pool = landscape.substitutions[pool_of_doubles(landscape, task)]
            member = np.zeros((places, places), bool)
            member[pool[:, 0], pool[:, 1]] = True
            if len(rows) == len(tokens) and member[substitutions[:, 0], substitutions[:, 1]].all():
                fitting.append((len(pool), name))
    if not fitting:
        raise ValueError("this is no base set of GB1: no task's pool has all of its sequences")
    return min(fitting)[1]
