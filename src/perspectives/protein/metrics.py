"""Numbers by which sets of designs are compared: diversity and novelty, beside the median of fitness."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.stats import spearmanr

from perspectives.protein.sequences import levenshtein


def median(values: Float[ndarray, "n"]) -> float:
    """Return the median, NaN of nothing; values that are NaN are passed over."""
    values = values[~np.isnan(values)]
    return float(np.median(values)) if len(values) else float("nan")


def diversity(sequences: Sequence[str]) -> float:
    """Return the mean Levenshtein distance of two of them, NaN when there are fewer.

    **Source**: Kirjner et al. 2024, evaluation: the sum over ordered pairs, over n (n - 1).
    """
    number = len(sequences)
    if number < 2:
        return float("nan")
    return float(levenshtein(sequences, sequences).sum() / (number * (number - 1)))


def novelty(sequences: Sequence[str], base: Sequence[str]) -> float:
    """Return the median over sequences of the least Levenshtein distance to the base set, NaN of nothing.

    **Source**: released code of Kirjner et al. 2024, which has the median where others take the mean.
    """
    if not sequences:
        return float("nan")
    return float(np.median(levenshtein(sequences, base).min(1)))


def rank_correlation(one: Float[ndarray, "n"], other: Float[ndarray, "n"]) -> float:
    """Return Spearman's rank correlation, NaN of fewer than two or when one of them is constant."""
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    found: Any = spearmanr(one, other)
    return float(found.statistic)
