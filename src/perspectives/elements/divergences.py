"""The Kullback-Leibler divergence and its lower bound by the L1 distance."""

import numpy as np
from jaxtyping import Float
from scipy.special import rel_entr

Distributions = Float[np.ndarray, "... outcomes"]


def kullback_leibler(p: Distributions, q: Distributions) -> Float[np.ndarray, "..."]:
    """Return sum_i p_i log(p_i / q_i) in nats, with 0 log 0 = 0; infinite where some q_i = 0 < p_i."""
    return rel_entr(p, q).sum(-1)


def pinsker_bound(p: Distributions, q: Distributions) -> Float[np.ndarray, "..."]:
    """Return |p - q|_1^2 / 2, in nats.

    **Source**: Pinsker's inequality; Cover and Thomas 2006, lemma 11.6.1, in the companion code's form: the divergence
    is 1-strongly convex in the L1 norm.
    """
    return np.abs(p - q).sum(-1) ** 2 / 2


def pairs(values: Float[np.ndarray, "values"]) -> Float[np.ndarray, "values 2"]:
    """Return the distributions (v, 1 - v) over two outcomes."""
    return np.stack([values, 1 - values], -1)
