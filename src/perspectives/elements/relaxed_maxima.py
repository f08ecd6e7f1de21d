"""The maximum of n scores and its relaxations: max_Omega(u) = max over the simplex of <u, p> + H(p).

H is zero for the maximum itself, Shannon's entropy for the soft and Gini's for the sparse maximum. The relaxed argument
of the maximum is the p that attains it, by Danskin's theorem the gradient of max_Omega.

**Source**: Blondel and Roulet, chapter Smoothing by optimization (not checked); Martins and Astudillo 2016 (sparse).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float
from optax.projections import projection_simplex

from perspectives.elements.entropies import gini, shannon

Scores = Float[Array, "n"]
Distribution = Float[Array, "n"]
Scalar = Float[Array, ""]


class Relaxation(NamedTuple):
    """A relaxed maximum of scores, its argument, the entropy H behind it, and H of n equal probabilities."""

    maximum: Callable[[Scores], Scalar]
    argument: Callable[[Scores], Distribution]
    entropy: Callable[[Distribution], Scalar]
    largest_excess: Callable[[int], float]


def hard_argument(u: Scores) -> Distribution:
    """Return the corner of the simplex that marks the largest score, the first of equal ones."""
    return jax.nn.one_hot(jnp.argmax(u), u.size, dtype=u.dtype)


def sparse_maximum(u: Scores) -> Scalar:
    """Return max_p <u, p> + (1 - |p|^2) / 2, attained at the Euclidean projection of u onto the simplex."""
    p = projection_simplex(u)
    return u @ p + gini(p)


HARD = Relaxation(jnp.max, hard_argument, lambda p: jnp.zeros_like(p[0]), lambda _: 0.0)
SOFT = Relaxation(logsumexp, jax.nn.softmax, shannon, math.log)
SPARSE = Relaxation(sparse_maximum, projection_simplex, gini, lambda n: (1 - 1 / n) / 2)
RELAXATIONS = {"hard": HARD, "soft": SOFT, "sparse": SPARSE}
"""Relaxations by name; the largest excess over the maximum is met where all scores are equal."""


def fenchel_young_loss(relaxation: Relaxation, scores: Scores, target: Distribution) -> Scalar:
    """Return max_Omega(scores) - H(target) - <scores, target> in nats: at least 0, and 0 at the relaxed argument.

    Its gradient in the scores is the relaxed argument less the target. With corners as targets it is the logistic loss
    for the soft and the sparsemax loss for the sparse maximum.

    **Source**: Blondel, Martins and Niculae 2020, definition 2 (not checked). `optax.losses.make_fenchel_young_loss`
    leaves out H(target), which is zero at a corner.
    """
    return relaxation.maximum(scores) - relaxation.entropy(target) - scores @ target
