"""Measured fitness landscapes: their scales, and GB1's double mutants with what can be looked up among them.

Fitness is `raw` as published, in log2 units on GB1, or `scaled` so that 0 and 1 are a landscape's least and largest.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from io import BytesIO
from math import log2
from typing import Any, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Array, Float, Float64, Int, Int32, Int64, Shaped, UInt8
from numpy import ndarray

from perspectives.protein.sequences import ALPHABET, LETTERS, Tokens, encoded

Raw = TypeVar("Raw", bound=Float[Array | ndarray, "..."] | float)


class Scale(NamedTuple):
    """What fitness is scaled by, in raw units."""

    low: float
    high: float

    def scaled(self, raw: Raw) -> Raw:
        """Return (raw - low) / (high - low); an oracle's value may lie outside of [0, 1]."""
        found: Any = (raw - self.low) / (self.high - self.low)
        return found


SCALES = {
    "gb1": Scale(-8.0, 2.7891),
    "aav": Scale(0.0, 19.53645667061),
    "gfp": Scale(1.2834, 4.1231),
}
"""GB1, our choice: where the mode of dead variants lies, and the best of those with `DEEP` input counts (A24Y D47R).

AAV: least and largest of the ground truth, as in the released evaluation. GFP: the released sampler's four decimals.
"""
DEEP = 100
"""Input counts from which a double mutant of GB1 counts in tasks and in the evaluation of oracles; our choice."""
ROWS = 530_737
"""Of GB1's table."""
WILD_TYPE_INPUTS, WILD_TYPE_SELECTED = 1_759_616, 3_041_819
"""Counts of GB1's wild type, which is not among the rows: Olson, Wu and Sun 2014, as MAVE-NN's preprocessing has them.

With them the constant in the table's fitness comes out to the last digit: it is the wild type's enrichment.
"""
OFFSET = log2((WILD_TYPE_SELECTED + 1) / (WILD_TYPE_INPUTS + 1))
"""By which GB1's fitness is less than the logarithm of enrichment: 0.78967, so that the wild type's is 0."""
WILD_TYPE_FITNESS = 0.0
"""Of GB1, raw."""
SPLITS = ("training", "validation", "test")
HEADER = "set,dist,input_ct,selected_ct,y,x"


def scale_of(task: str) -> Scale:
    """Return the scale of a task's landscape, by which its name begins."""
    return SCALES[task.split("_")[0]]


class Gb1(NamedTuple):
    """The double mutants of GB1 in the order of their table: a row is two substitutions, the first one first."""

    wild_type: UInt8[ndarray, "length"]
    positions: UInt8[ndarray, "n 2"]
    residues: UInt8[ndarray, "n 2"]
    fitness: Float64[ndarray, "n"]
    selected: Int32[ndarray, "n"]
    inputs: Int32[ndarray, "n"]
    split: UInt8[ndarray, "n"]

    @property
    def substitutions(self) -> Int32[ndarray, "n 2"]:
        """Return the two substitutions of each row, as the place of their ones in a flat one-hot."""
        return LETTERS * self.positions.astype(np.int32) + self.residues

    @property
    def clipped(self) -> Float64[ndarray, "n"]:
        """Return raw fitness, no less than the scale's least: how far below depends on sequencing depth alone."""
        return np.maximum(self.fitness, SCALES["gb1"].low)

    @property
    def deep(self) -> Int64[ndarray, "rows"]:
        """Return the rows with input counts of at least `DEEP`."""
        return np.flatnonzero(self.inputs >= DEEP)

    def taken(self, rows: Int[ndarray, "m"]) -> "Gb1":
        """Return the landscape with these rows only."""
        return Gb1(self.wild_type, *(column[rows] for column in self[1:]))

    def tokens(self, rows: Int[ndarray, "m"]) -> UInt8[ndarray, "m length"]:
        """Return the sequences of `rows`."""
        found = np.tile(self.wild_type, (len(rows), 1))
        np.put_along_axis(found, self.positions[rows].astype(np.int64), self.residues[rows], axis=1)
        return found

    def measured(self, tokens: Tokens) -> Float64[ndarray, "n"]:
        """Return the scaled measured fitness of sequences, however few its counts: NaN where there is none.

        The wild type's is known.
        """
        scale, places = SCALES["gb1"], LETTERS * len(self.wild_type)
        table = np.full((places, places), np.nan)
        first, second = self.substitutions.T
        table[first, second] = scale.scaled(self.clipped)

        found = np.full(len(tokens), np.nan)
        found[(tokens == self.wild_type).all(1)] = scale.scaled(WILD_TYPE_FITNESS)
        doubles, substitutions = doubles_among(tokens, self.wild_type)
        found[doubles] = table[substitutions[:, 0], substitutions[:, 1]]
        return found


def doubles_among(
    tokens: Tokens, wild_type: UInt8[ndarray, "length"]
) -> tuple[Int64[ndarray, "m"], Int64[ndarray, "m 2"]]:
    """Return the rows of `tokens` that are two mutations from the wild type, and their substitutions."""
    changed = tokens != wild_type
    rows = np.flatnonzero(changed.sum(1) == 2)
    positions = np.nonzero(changed[rows])[1].reshape(-1, 2)
    return rows, LETTERS * positions + np.take_along_axis(tokens[rows], positions, 1)


def poisson_deviation(selected: Int32[ndarray, "n"], inputs: Int32[ndarray, "n"]) -> Float64[ndarray, "n"]:
    """Return the standard deviation of log2 (selected + 1) / (inputs + 1) by counting noise, to first order.

    **Source**: the delta method: a Poisson count c has a logarithm that deviates by c^(-1/2); one is added to each.
    """
    return np.sqrt(1 / (selected + 1.0) + 1 / (inputs + 1.0)) / np.log(2)


def fitness_of_counts(selected: Int32[ndarray, "n"], inputs: Int32[ndarray, "n"]) -> Float64[ndarray, "n"]:
    """Return the fitness that MAVE-NN's table has for counts: log2 (selected + 1) / (inputs + 1) - `OFFSET`."""
    return np.log2((selected + 1.0) / (inputs + 1.0)) - OFFSET


class Scored(NamedTuple):
    """Sequences with their raw fitness."""

    sequences: list[str]
    scores: Float64[ndarray, "n"]

    @property
    def tokens(self) -> Tokens:
        """Return the tokens of the sequences. **Raises**: ValueError naming the row of one that has none."""
        return encoded(self.sequences)

    def taken(self, rows: Int[ndarray, "m"]) -> "Scored":
        """Return the sequences of `rows`."""
        return Scored([self.sequences[row] for row in rows], self.scores[rows])

    def counted(self) -> Counter[tuple[str, float]]:
        """Return how often each sequence with each score occurs."""
        return Counter(zip(self.sequences, self.scores.tolist(), strict=True))


def scored(rows: Sequence[Mapping[str, str]]) -> Scored:
    """Return the columns `sequence` and `score` of a table.

    **Raises**: ValueError when one is missing, or naming the row, counted from 1, whose score is no number.
    """
    if not rows or not {"sequence", "score"} <= set(rows[0]):
        raise ValueError(f"no rows with sequence and score; its columns are {', '.join(rows[0]) if rows else 'none'}")
    scores = np.empty(len(rows))
    for number, row in enumerate(rows):
        try:
            scores[number] = float(row["score"])
        except (TypeError, ValueError):
            raise ValueError(f"row {number + 1}: score {row['score']!r} is no number") from None
    return Scored([row["sequence"] for row in rows], scores)


def parsed(table: bytes) -> Gb1:
    """Return what MAVE-NN's table of GB1 says. The wild type, no row of it, has the commonest residue of each place.

    **Raises**: ValueError when it has another header, or naming the row, counted from 1 below it, that does not fit.
    """
    header, _, _ = table.partition(b"\n")
    if header.decode("latin-1") != HEADER:
        raise ValueError(f"its first line is '{header.decode('latin-1')[:80]}', not '{HEADER}'")
    start = len(header) + 1
    length = len(table[start : table.find(b"\n", start)].rpartition(b",")[2])  # of the first row's sequence
    if not length:
        raise ValueError("it has no rows")
    # A letter more than sequences have, so that one that is too long is not cut without a word.
    kinds = [("set", "S16"), ("dist", "i1"), ("input_ct", "i4"), ("selected_ct", "i4"), ("y", "f8")]
    rows: Any = np.loadtxt(BytesIO(table), [*kinds, ("x", f"S{length + 1}")], delimiter=",", skiprows=1, ndmin=1)
    letters = np.ascontiguousarray(rows["x"]).view(np.uint8).reshape(len(rows), -1)
    _refuse(
        np.flatnonzero((letters[:, :-1] == 0).any(1) | (letters[:, -1] != 0)), f"its sequence has not {length} letters"
    )
    letters = letters[:, :-1]
    wild_type = np.array([np.bincount(column).argmax() for column in letters.T], np.uint8)
    changed = letters != wild_type
    _refuse(np.flatnonzero(changed.sum(1) != 2), "its sequence is not two mutations from the commonest residues")
    positions = np.nonzero(changed)[1].reshape(-1, 2)
    split = sum(
        (number * (rows["set"] == name.encode()) for number, name in enumerate(SPLITS, 1)), np.zeros(len(rows), int)
    )
    _refuse(np.flatnonzero(split == 0), f"its set is none of {', '.join(SPLITS)}")
    tokens = np.full(256, LETTERS, np.uint8)
    tokens[list(ALPHABET.encode())] = np.arange(LETTERS)
    residues = tokens[np.take_along_axis(letters, positions, 1)]
    _refuse(np.flatnonzero((residues == LETTERS).any(1)), f"it has a letter that is no residue, none of {ALPHABET}")
    return Gb1(
        tokens[wild_type], positions.astype(np.uint8), residues, rows["y"].copy(), rows["selected_ct"].copy(),
        rows["input_ct"].copy(), (split - 1).astype(np.uint8),
    )  # fmt: skip


def _refuse(rows: Int64[ndarray, "wrong"], reason: str) -> None:
    if len(rows):
        raise ValueError(f"row {rows[0] + 1} does not fit: {reason}")


def restored(arrays: Mapping[str, Shaped[ndarray, "..."]]) -> Gb1:
    """Return the landscape from its arrays by name, as `Gb1._asdict` gives them.

    **Raises**: ValueError when they are another table's.
    """
    if set(arrays) != set(Gb1._fields):
        raise ValueError(f"arrays {', '.join(sorted(arrays))} are not GB1's: {', '.join(sorted(Gb1._fields))}")
    return Gb1(**arrays)
