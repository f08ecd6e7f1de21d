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


def jackknife_interval(
    estimate: float, without: Float[ndarray, "members"], *, level: float = 0.95
) -> tuple[float, float, float]:
    """Return `estimate` and its two-sided Student-t interval by the jackknife over members.

    `without` has the same estimate with one member left out in turn. For quantities of pairs, which share members and
    so are not independent, leave out all pairs of a member.

    **Source**: Tukey 1958: variance (n - 1) / n sum_i (estimate without i - their mean)^2, n - 1 degrees of freedom.
    **Raises**: ValueError with fewer than two members.
    """
    count = len(without)
    if count < 2:
        raise ValueError(f"a jackknife needs at least 2 members, got {count}")
    error = np.sqrt((count - 1) / count * np.sum((without - np.mean(without)) ** 2))
    half = float(stdtrit(count - 1, 0.5 + level / 2) * error)
    return estimate, estimate - half, estimate + half


def slope(x: Float[ndarray, "points"], y: Float[ndarray, "points"]) -> float:
    """Return the least-squares slope of `y` against `x`; for a convergence order there is `order`."""
    return float(np.polyfit(x, y, 1)[0])


def order(sizes: Float[ndarray, "points"], errors: Float[ndarray, "points"]) -> float:
    """Return the p for which `errors` are nearest to C `sizes`^p: the least-squares slope of their logarithms.

    **Raises**: ValueError when a size or an error is not positive; an error of zero has no order.
    """
    for name, values in (("sizes", sizes), ("errors", errors)):
        if not np.all(values > 0):  # NaN is refused too
            raise ValueError(f"an order needs positive {name}, got {values[~(values > 0)][0]}")
    return slope(np.log(sizes), np.log(errors))
