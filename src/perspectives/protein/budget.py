"""Predictions of many sequences by one compiled program, and a budget of them for a search."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float32, Int, UInt8
from numpy import ndarray

from perspectives.protein.sequences import LETTERS, Tokens

BATCH = 256
"""Sequences predicted at a time: fewer are filled up, so that whatever a search asks nothing is compiled twice."""


class Predicted(NamedTuple):
    """Sequences and what the predictor gives them, in its own units."""

    tokens: Tokens
    values: Float[ndarray, "n"]


def predictions(predictor: eqx.Module, tokens: Tokens, *, batch: int = BATCH) -> Float[ndarray, "n"]:
    """Return what a predictor or oracle gives each sequence, in its own units."""
    values = [
        np.asarray(_values(predictor, jnp.asarray(block)))[:rows] for block, rows in _filled_blocks(tokens, batch)
    ]
    return np.concatenate([np.zeros(0), *values])


def predictions_and_gradients(
    predictor: eqx.Module, tokens: Tokens, *, batch: int = BATCH
) -> tuple[Float[ndarray, "n"], Float32[ndarray, "n length 20"]]:
    """Return predictions and their gradients in the one-hot sequences."""
    values, gradients = [np.zeros(0)], [np.zeros((0, tokens.shape[1], LETTERS), np.float32)]
    for block, rows in _filled_blocks(tokens, batch):
        value, gradient = _values_and_gradients(predictor, jnp.asarray(block))
        values.append(np.asarray(value)[:rows])
        gradients.append(np.asarray(gradient, np.float32)[:rows])
    return np.concatenate(values), np.concatenate(gradients)


class Budget:
    """A predictor that gives at most `calls` values: one for each different sequence, one more for each gradient.

    What it was asked once it remembers, and gives again for nothing.
    """

    def __init__(self, predictor: eqx.Module, *, calls: int):
        self._predictor = predictor
        self._places: dict[bytes, int] = {}
        self._values: list[float] = []
        self._length = 0
        self.calls = calls
        self.used = 0

    @property
    def left(self) -> int:
        """Return how many calls are left."""
        return self.calls - self.used

    def new(self, tokens: Tokens, most: int | None = None) -> Int[ndarray, "found"]:
        """Return the rows of sequences never asked before, each once: the first `most`, or all that can be paid."""
        most = self.left if most is None else min(most, self.left)
        found, met = [], set()
        for row, name in enumerate(_names(tokens)):
            if len(found) == most:
                break
            if name not in self._places and name not in met:
                met.add(name)
                found.append(row)
        return np.array(found, dtype=int)

    def known(self, tokens: Tokens) -> Bool[ndarray, "n"]:
        """Say which sequences have been asked before."""
        return np.array([name in self._places for name in _names(tokens)], dtype=bool)

    def __call__(self, tokens: Tokens) -> Float[ndarray, "n"]:
        """Return the predicted values. **Raises**: ValueError when they are more than the budget has left."""
        names = _names(tokens)
        first: dict[bytes, int] = {}
        for row, name in enumerate(names):
            if name not in self._places:
                first.setdefault(name, row)
        self._pay(len(first))
        fresh = tokens[list(first.values())]
        self._remember(fresh, predictions(self._predictor, fresh))
        return np.array([self._values[self._places[name]] for name in names])

    def gradients(self, tokens: Tokens) -> tuple[Float[ndarray, "n"], Float32[ndarray, "n length 20"]]:
        """Return predicted values and their gradients: one call a sequence, whether asked before or not.

        **Raises**: ValueError when they are more than the budget has left.
        """
        self._pay(len(tokens))
        values, gradients = predictions_and_gradients(self._predictor, tokens)
        self._remember(tokens, values)
        return values, gradients

    def visited(self) -> Predicted:
        """Return all sequences that were asked, in that order."""
        rows = np.frombuffer(b"".join(self._places), np.uint8).reshape(len(self._places), self._length)
        return Predicted(rows, np.array(self._values))

    def _pay(self, calls: int) -> None:
        if calls > self.left:
            raise ValueError(f"{calls} more calls of the predictor, but {self.left} of {self.calls} are left")
        self.used += calls

    def _remember(self, tokens: Tokens, values: Float[ndarray, "n"]) -> None:
        self._length = tokens.shape[1]
        for name, value in zip(_names(tokens), values, strict=True):
            if name not in self._places:
                self._places[name] = len(self._values)
                self._values.append(float(value))


def _names(tokens: Tokens) -> list[bytes]:
    return [row.tobytes() for row in np.ascontiguousarray(tokens)]


def _filled_blocks(tokens: Tokens, batch: int) -> list[tuple[UInt8[ndarray, "batch length"], int]]:
    """Return blocks of exactly `batch` rows, the last filled up, and how many rows of each are asked for."""
    blocks = [tokens[start : start + batch] for start in range(0, len(tokens), batch)]
    return [(np.pad(block, ((0, batch - len(block)), (0, 0))), len(block)) for block in blocks]


def _one_hot(tokens: UInt8[Array, "n length"]) -> Float32[Array, "n length 20"]:
    return jax.nn.one_hot(tokens, LETTERS, dtype=jnp.float32)


@eqx.filter_jit
def _values(predictor: eqx.Module, tokens: UInt8[Array, "n length"]) -> Float[Array, "n"]:
    return predictor(_one_hot(tokens))  # type: ignore[operator]


@eqx.filter_jit
def _values_and_gradients(
    predictor: eqx.Module, tokens: UInt8[Array, "n length"]
) -> tuple[Float[Array, "n"], Float32[Array, "n length 20"]]:
    # A prediction depends on its own sequence alone, so the gradient of the sum holds all of them.
    values, pull_back = jax.vjp(predictor, _one_hot(tokens))  # type: ignore[arg-type]
    return values, pull_back(jnp.ones_like(values))[0]
