"""Whether Markov chains agree: the potential scale reduction factor, R-hat."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtri

LARGEST_R_HAT = 1.01
"""Vehtari et al. 2021 (section not checked) recommend to use draws only when R-hat is below this."""


def split_r_hat(draws: Float[ndarray, "chains draws *quantity"]) -> Float[ndarray, "*quantity"]:
    """Return split R-hat of each quantity, dimensionless: near 1 when halves of chains have one mean.

    An odd draw in the middle is left out. It is NaN for a quantity that never changes, about which chains say nothing,
    and infinite when each half is constant at a value of its own.

    **Source**: Gelman et al., Bayesian Data Analysis, 3rd edition, section 11.4: with h draws in each half, B / h the
    variance of the halves' means and W the mean of their variances, sqrt(((h - 1) / h W + B / h) / W).

    **Raises**: ValueError with fewer than two chains or four draws, or when a draw is not finite.
    """
    chains, length = draws.shape[:2]
    if chains < 2 or length < 4:
        raise ValueError(f"R-hat needs at least 2 chains of 4 draws, got {chains} of {length}")
    if not np.isfinite(draws).all():
        raise ValueError(
            f"{int((~np.isfinite(draws)).sum())} of {draws.size} draws are not finite: the chains diverged"
        )
    half = length // 2
    halves = np.concatenate([draws[:, :half], draws[:, length - half :]])
    between = halves.mean(axis=1).var(axis=0, ddof=1)
    within = halves.var(axis=1, ddof=1).mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt((half - 1) / half + between / within))


def rank_normalised(draws: Float[ndarray, "chains draws *quantity"]) -> Float[ndarray, "chains draws *quantity"]:
    """Return the normal scores of each quantity's draws, ranked over all chains together; ties share their mean rank.

    **Source**: Vehtari, Gelman, Simpson, Carpenter and Buerkner, Bayesian Analysis 16 (2021) 667, section 4 (equation
    number not checked): the normal quantile of (rank - 3/8) / (S + 1/4) for S draws in all.
    """
    flat = draws.reshape(draws.shape[0] * draws.shape[1], -1)
    scores = np.empty(flat.shape)
    for column in range(flat.shape[1]):
        _, place, count = np.unique(flat[:, column], return_inverse=True, return_counts=True)
        rank = np.cumsum(count) - (count - 1) / 2
        scores[:, column] = ndtri((rank[place] - 0.375) / (len(flat) + 0.25))
    return scores.reshape(draws.shape)


def r_hat(draws: Float[ndarray, "chains draws *quantity"]) -> Float[ndarray, "*quantity"]:
    """Return the larger of rank-normalised split R-hat and its folded form: chains differ in place, or in spread.

    **Source**: Vehtari et al. 2021, section 4: split R-hat of the normal scores of the draws, and of the normal scores
    of their distances from the median over all chains. They recommend four chains or more and R-hat below 1.01.

    **Raises**: ValueError as `split_r_hat`.
    """
    split_r_hat(draws)  # refuses what has no ranks
    folded = np.abs(draws - np.median(draws, axis=(0, 1)))
    return np.asarray(np.maximum(split_r_hat(rank_normalised(draws)), split_r_hat(rank_normalised(folded))))
