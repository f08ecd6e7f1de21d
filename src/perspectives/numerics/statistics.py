"""Means, intervals and slopes over seeds."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import stdtrit


def mean_interval(samples: Float[ndarray, "seeds"], *, level: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of `samples` and its two-sided Student-t interval.

    For a paired comparison pass the differences. **Raises**: ValueError with fewer than two samples, since one
    says nothing about spread.
    """
    if len(samples) < 2:
        raise ValueError(f"an interval needs at least 2 samples, got {len(samples)}")
    mean = float(np.mean(samples))
    # scipy.stats has the same quantile, at the price of a second to import it in every step.
    quantile = stdtrit(len(samples) - 1, 0.5 + level / 2)
    half = float(quantile * np.std(samples, ddof=1) / np.sqrt(len(samples)))
    return mean, mean - half, mean + half


def slope(x: Float[ndarray, "points"], y: Float[ndarray, "points"]) -> float:
    """Return the least-squares slope of `y` against `x`; pass logarithms for a convergence order."""
    return float(np.polyfit(x, y, 1)[0])
