"""The bands of Fig. 2: what the published half-widths measure, and the spread that can be got back from them.

The released plotting script meant mean +- t s / sqrt(n) with the sample variance s^2 over n = 20 runs. It gathered
squares of deviations in the variable that still held the sum of the runs, so that what it took for s^2 is

    (n mean + (n - 1) s^2) / (n - 1) = n / (n - 1) mean + s^2.

For a cross-entropy or an accuracy the first term is by far the larger: the bands draw the square root of the mean.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy import stats

RUNS = 20
"""Runs behind each published curve, section 5.2."""
QUANTILE = float(stats.t.ppf(0.84, RUNS - 1))
"""Student's t with an upper tail of 0.16, of the released plotting script: a band of 68 %."""


def half_width(variance: Float[ndarray, "epochs"]) -> Float[ndarray, "epochs"]:
    """Return the half-width t s / sqrt(n) of the band for the sample variance s^2 over the runs."""
    return QUANTILE * np.sqrt(variance / RUNS)


def variance_with_sum(mean: Float[ndarray, "epochs"], variance: Float[ndarray, "epochs"]) -> Float[ndarray, "epochs"]:
    """Return what the script took for the variance: n / (n - 1) mean + s^2."""
    return RUNS / (RUNS - 1) * mean + variance


def recovered_variance(mean: Float[ndarray, "epochs"], half: Float[ndarray, "epochs"]) -> Float[ndarray, "epochs"]:
    """Return s^2 from the published mean and half-width: the inverse of `half_width` of `variance_with_sum`."""
    return RUNS * (half / QUANTILE) ** 2 - RUNS / (RUNS - 1) * mean
