"""Amino-acid sequences: letters to numbers and back, and distances between sequences of one length."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float32, Int, UInt8
from numpy import ndarray

ALPHABET = "ARNDCQEGHILKMFPSTWYV"
"""The order of residues in the released code: a token is a place in it."""
LETTERS = len(ALPHABET)
_TOKENS = np.full(256, 255, np.uint8)
_TOKENS[np.frombuffer(ALPHABET.encode(), np.uint8)] = np.arange(LETTERS, dtype=np.uint8)

Tokens = UInt8[ndarray, "n length"]


def encoded(sequences: Sequence[str]) -> Tokens:
    """Return the tokens of sequences.

    **Raises**: ValueError naming the row, counted from 1, whose length is not the first's or that has another letter.
    """
    if not sequences:
        raise ValueError("No sequences: at least one is needed.")
    length = len(sequences[0])
    for number, sequence in enumerate(sequences, 1):
        if len(sequence) != length:
            raise ValueError(
                f"Row {number}: the sequence has {len(sequence)} residues, but row 1 has {length}; all must be equal."
            )
        wrong = sorted({letter for letter in sequence if letter not in ALPHABET})
        if wrong:
            raise ValueError(
                f"Row {number}: '{wrong[0]}' is no residue. Allowed are the twenty letters {''.join(sorted(ALPHABET))}."
            )
    letters = np.frombuffer("".join(sequences).encode(), np.uint8).reshape(len(sequences), length)
    return _TOKENS[letters]


def decoded(tokens: Int[ndarray, "n length"] | Tokens) -> list[str]:
    """Return the sequences of tokens."""
    letters = np.frombuffer(ALPHABET.encode(), np.uint8)[np.asarray(tokens)]
    return [row.tobytes().decode() for row in letters]


def one_hot(tokens: Int[ndarray, "n length"] | Tokens) -> Float32[ndarray, "n length 20"]:
    """Return a one for each residue."""
    return np.eye(LETTERS, dtype=np.float32)[tokens]


def hamming(one: Tokens, other: UInt8[ndarray, "m length"]) -> Int[ndarray, "n m"]:
    """Return the number of places in which each of `one` differs from each of `other`, by a product of one-hots."""
    first, second = (one_hot(tokens).reshape(len(tokens), -1) for tokens in (one, other))
    return one.shape[1] - np.rint(first @ second.T).astype(np.int32)


def levenshtein(one: Iterable[str], other: Iterable[str]) -> Int[ndarray, "n m"]:
    """Return the least number of insertions, deletions and substitutions between each pair.

    **Source**: rapidfuzz, Levenshtein's distance with unit costs.
    """
    # Imported here: importing the study's formulas asks for nothing that only the workflow needs.
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cdist

    return cdist(list(one), list(other), scorer=Levenshtein.distance, dtype=np.int32)
