"""Statistics of quantities that belong to pairs of members: pairs share members, so intervals leave out members."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from perspectives.numerics.statistics import jackknife_interval, mean_interval, slope

Pair = tuple[int, int]
ByPair = Mapping[Pair, float]
Interval = tuple[float, float, float]


def without(values: ByPair, member: int | None) -> list[float]:
    """Return the values of the pairs that do not have `member`; of all pairs for None."""
    return [value for pair, value in values.items() if member not in pair]


def mean(values: ByPair, member: int | None = None) -> float:
    """Return the mean over pairs, those of `member` left out."""
    return float(np.mean(without(values, member)))


def members(*tables: ByPair) -> list[int]:
    """Return the members that occur in all `tables`."""
    return sorted(set.intersection(*({member for pair in table for member in pair} for table in tables)))


def interval(statistic: Callable[[int | None], float], among: list[int]) -> Interval:
    """Return a statistic of all pairs with its 95 % interval by the jackknife; its argument is the member left out.

    Where it does not exist without some member the interval is unbounded; a table would take NaN for no interval.
    """
    whole, without_one = statistic(None), np.array([statistic(member) for member in among])
    return jackknife_interval(whole, without_one) if np.isfinite(without_one).all() else (whole, -math.inf, math.inf)


def mean_of(values: ByPair) -> Interval:
    """Return the mean over pairs with its interval."""
    return interval(lambda member: mean(values, member), members(values))


def ratio(upper: float, lower: float) -> float:
    """Return upper / lower, or NaN where there is nothing to divide by."""
    return upper / lower if lower else math.nan


def ratio_of(upper: ByPair, lower: ByPair) -> Interval:
    """Return the ratio of the means over pairs with its interval."""
    return interval(lambda member: ratio(mean(upper, member), mean(lower, member)), members(upper, lower))


def difference_of(first: ByPair, second: ByPair) -> Interval:
    """Return the mean of first - second over the pairs that both have, with its interval."""
    common = {pair: first[pair] - second[pair] for pair in first if pair in second}
    return mean_of(common)


def disjoint(values: ByPair) -> Interval:
    """Return the mean over the pairs (0, 1), (2, 3) and so on, which share no member, with Student's interval.

    **Raises**: ValueError with fewer than two such pairs.
    """
    chosen = [value for (first, second), value in values.items() if first % 2 == 0 and second == first + 1]
    return mean_interval(np.array(chosen))


def width_slope(by_width: Mapping[int, ByPair]) -> Interval:
    """Return the slope of log mean barrier against log width, with its interval; a member is left out at all widths.

    NaN when a mean barrier is zero, which has no logarithm.

    **Raises**: ValueError with fewer than two widths.
    """
    if len(by_width) < 2:
        raise ValueError(f"a slope needs at least 2 widths, got {sorted(by_width)}")
    widths = np.log(sorted(by_width))

    def fitted(member: int | None) -> float:
        heights = [mean(by_width[width], member) for width in sorted(by_width)]
        return slope(widths, np.log(heights)) if min(heights) > 0 else math.nan

    return interval(fitted, members(*by_width.values()))
