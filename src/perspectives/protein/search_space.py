"""Where searches may go: sequences of allowed residues, within some number of mutations of a reference."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Int, Key, UInt8
from numpy import ndarray
from numpy.random import Generator

from perspectives.protein.sequences import LETTERS, Tokens


class SearchSpace(NamedTuple):
    """Sequences that differ from `reference` in at most `mutations` places, None any number, by allowed residues."""

    reference: UInt8[ndarray, "length"]
    allowed: Bool[ndarray, "length 20"]
    mutations: int | None

    def edits(self, tokens: Tokens) -> Int[ndarray, "n"]:
        """Return the number of mutations of each sequence."""
        return np.sum(tokens != self.reference, axis=1)

    def contains(self, tokens: Tokens) -> Bool[ndarray, "n"]:
        """Say which sequences a search may propose."""
        inside = np.all(self.allowed[np.arange(tokens.shape[1]), tokens], axis=1)
        return inside if self.mutations is None else np.logical_and(inside, self.edits(tokens) <= self.mutations)

    def substitutions(self, tokens: Tokens) -> Bool[ndarray, "n length 20"]:
        """Say which single substitutions of sequences in the space lead to another sequence in it."""
        residues = np.arange(LETTERS)
        changes = self.allowed & (residues != tokens[:, :, None])
        if self.mutations is None:
            return changes
        back = residues == self.reference[:, None]
        before = (tokens != self.reference)[:, :, None]
        after = self.edits(tokens)[:, None, None] - before + ~back
        return changes & (after <= self.mutations)

    def substituted(self, tokens: Tokens, places: Bool[ndarray, "n length"], generator: Generator) -> Tokens:
        """Return the sequences with another allowed residue, uniformly drawn, at each of `places` that has one."""
        number = self.allowed.sum(1)
        rank = np.cumsum(self.allowed, axis=1) - 1
        listed = np.argsort(~self.allowed, axis=1, kind="stable")
        at = np.arange(tokens.shape[1])
        drawn = (generator.random(tokens.shape) * np.maximum(number - 1, 1)).astype(int)
        drawn += drawn >= rank[at, tokens]  # what is there now is passed over
        other = listed[at, np.minimum(drawn, LETTERS - 1)].astype(np.uint8)
        return np.where(places & (number > 1), other, tokens)

    def trimmed(self, tokens: Tokens, generator: Generator) -> Tokens:
        """Return the sequences with as many mutations undone, drawn at random, as the space demands."""
        tokens = np.where(self.allowed[np.arange(tokens.shape[1]), tokens], tokens, self.reference)
        if self.mutations is None:
            return tokens
        order = np.where(tokens != self.reference, generator.random(tokens.shape), 2.0)
        rank = order.argsort(axis=1).argsort(axis=1)
        return np.where(rank < self.mutations, tokens, self.reference)


def random_places(rows: int, length: int, number: int, generator: Generator) -> Bool[ndarray, "rows length"]:
    """Return `number` different places in each row, uniformly drawn."""
    return generator.random((rows, length)).argsort(axis=1).argsort(axis=1) < number


def numpy_generator(key: Key[Array, ""]) -> Generator:
    """Return NumPy's generator of a stream: searches are loops of few large steps, nothing to compile."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))
