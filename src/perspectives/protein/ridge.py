"""Ridge regression on substitutions: a predictor for base sets of few mutations from a known wild type."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float32, UInt8
from numpy import ndarray

from perspectives.protein.landscapes import WILD_TYPE_FITNESS
from perspectives.protein.sequences import LETTERS, Tokens, one_hot
from perspectives.protein.settings import FitSettings

_TOGETHER = 4096


class Ridge(eqx.Module):
    """Raw fitness as a sum over positions. Weights of the wild type's residues are zero.

    Substitutions that the fit never saw have the least weight of those it saw, our choice: guidance, which moves
    probabilities of residues, is never rewarded for them. Searches must not propose them: see `allowed`.
    """

    weights: Float32[Array, "length 20"]
    intercept: Float32[Array, ""]
    seen: Float32[Array, "length 20"]
    """One for the wild type's residues and for what the fit saw. Real, so that it is saved with the weights."""

    def __call__(self, x: Float[Array, "n length 20"]) -> Float[Array, "n"]:
        """Return raw fitness of (soft) one-hots."""
        return self.intercept + jnp.einsum("nla,la->n", x.astype(self.weights.dtype), self.weights)

    @property
    def allowed(self) -> Bool[ndarray, "length 20"]:
        """Return which residues a search may propose."""
        return np.asarray(self.seen) > 0


def unfitted_ridge(length: int) -> Ridge:
    """Return a ridge regression of zeros, which has the shapes of a fitted one."""
    zeros = jnp.zeros((length, LETTERS), jnp.float32)
    return Ridge(zeros, jnp.zeros((), jnp.float32), zeros)


def fit_ridge(
    tokens: Tokens,
    scores: Float[ndarray, "n"],
    wild_type: UInt8[ndarray, "length"],
    settings: FitSettings,
    *,
    anchor: float,
    wild_type_fitness: float = WILD_TYPE_FITNESS,
) -> Ridge:
    """Return the ridge regression of raw scores on the substitutions that occur among `tokens`.

    Least squares over the rows, plus `anchor` times that of the `wild_type_fitness`, which is GB1's, plus
    `settings.penalty` times squared weights; the intercept is free. Where all rows have equally many mutations, only
    the penalty and the anchor fix it. With an anchor of 0 nothing is known of the wild type.
    """
    residues = np.zeros((len(wild_type), LETTERS), bool)
    for token in range(LETTERS):
        residues[:, token] = (tokens == token).any(0)
    residues[np.arange(len(wild_type)), wild_type] = False
    columns = np.flatnonzero(residues)

    # Normal equations, a block of rows after another; the last unknown is the intercept, which is not penalised.
    gram, moment = np.zeros((len(columns) + 1,) * 2), np.zeros(len(columns) + 1)
    for start in range(0, len(tokens), _TOGETHER):
        part = one_hot(tokens[start : start + _TOGETHER]).reshape(-1, residues.size)[:, columns].astype(np.float64)
        part = np.column_stack([part, np.ones(len(part))])
        gram += part.T @ part
        moment += part.T @ scores[start : start + _TOGETHER]
    gram[np.diag_indices(len(columns))] += settings.penalty
    gram[-1, -1] += anchor
    moment[-1] += anchor * wild_type_fitness
    *fitted, intercept = np.linalg.solve(gram, moment)

    weights = np.full(residues.shape, min(fitted, default=0.0))
    weights.ravel()[columns] = fitted
    weights[np.arange(len(wild_type)), wild_type] = 0
    residues[np.arange(len(wild_type)), wild_type] = True
    return Ridge(*(jnp.asarray(array, jnp.float32) for array in (weights, intercept, residues)))
