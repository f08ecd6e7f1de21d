"""Which of the sequences that a method has made it hands over."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from perspectives.protein.budget import Predicted
from perspectives.protein.sequences import Tokens, decoded


class Designs(NamedTuple):
    """Different sequences, best first by the predictor; those handed over; how many there were with repetitions."""

    tokens: Tokens
    predicted: Float[ndarray, "n"]
    selected: Bool[ndarray, "n"]
    drawn: int


def different(tokens: Tokens) -> Int[ndarray, "rows"]:
    """Return the row of the first occurrence of each different sequence, in order."""
    first: dict[bytes, int] = {}
    for row, sequence in enumerate(np.ascontiguousarray(tokens)):
        first.setdefault(sequence.tobytes(), row)
    return np.array(list(first.values()), dtype=int)


def select(made: Predicted, *, keep: int, drawn: int | None = None) -> Designs:
    """Return the different sequences of `made`, of which the `keep` best by the predictor are selected.

    Equals keep the order in which they were made. `drawn` is how many there were, when it is not the rows of `made`.

    **Source**: the released code, `sample.py` of VLGPO: duplicates are dropped, then the rest is ranked by the
    predictor on hard tokens.
    """
    rows = different(made.tokens)
    rows = rows[np.argsort(-made.values[rows], kind="stable")]
    selected = np.arange(len(rows)) < keep
    return Designs(made.tokens[rows], made.values[rows], selected, len(made.tokens) if drawn is None else drawn)


def best_measured(base: Predicted, scores: Float[ndarray, "n"], *, keep: int) -> Designs:
    """Return the different sequences of a base set, of which the `keep` best by measurement are selected."""
    order = np.argsort(-scores, kind="stable")
    rows = order[different(base.tokens[order])]
    return Designs(base.tokens[rows], base.values[rows], np.arange(len(rows)) < keep, len(scores))


def only_selected(designs: Designs) -> Designs:
    """Return the designs without those that were not selected: what a search visited is too much to keep."""
    chosen = designs.selected
    return Designs(designs.tokens[chosen], designs.predicted[chosen], chosen[chosen], designs.drawn)


def design_rows(method: str, designs: Designs) -> list[dict[str, Any]]:
    """Return a table's rows, one a design: method, sequence, predicted raw fitness, 1 if selected, number drawn."""
    sequences = decoded(designs.tokens)
    columns = zip(sequences, designs.predicted.tolist(), designs.selected.astype(int).tolist(), strict=True)
    return [
        {"method": method, "sequence": sequence, "predicted": predicted, "selected": selected, "drawn": designs.drawn}
        for sequence, predicted, selected in columns
    ]
