import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from perspectives.alignment import pairs


def planted(members, seed, level=0.0):
    """Values of all pairs, each the sum of its members' effects and a little of its own."""
    rng = np.random.default_rng(seed)
    effect = rng.normal(size=members)
    return {(i, j): level + effect[i] + effect[j] + 0.1 * rng.normal() for i, j in combinations(range(members), 2)}


def by_loop(statistic, tables, count):
    """Return estimate and interval of `statistic` of tables by leaving out the pairs of each member, from scratch."""
    leave = [
        statistic(*({pair: v for pair, v in table.items() if member not in pair} for table in tables))
        for member in range(count)
    ]
    error = math.sqrt((count - 1) / count * sum((one - sum(leave) / count) ** 2 for one in leave))
    estimate, half = statistic(*tables), float(stats.t.ppf(0.975, count - 1)) * error
    return estimate, estimate - half, estimate + half


def mean(table):
    return sum(table.values()) / len(table)


def test_mean_of_pairs_leaves_out_members():
    values = planted(6, 0)
    assert pairs.mean_of(values) == pytest.approx(by_loop(mean, [values], 6))


def test_ratio_is_of_means_and_leaves_out_members_above_and_below():
    upper, lower = planted(5, 0, 3.0), planted(5, 1, 9.0)
    expected = by_loop(lambda a, b: mean(a) / mean(b), [upper, lower], 5)
    assert pairs.ratio_of(upper, lower) == pytest.approx(expected)


def test_difference_is_of_the_pairs_that_both_have():
    first, second = planted(6, 0), planted(4, 1)
    common = {pair: first[pair] - second[pair] for pair in second}
    assert pairs.difference_of(first, second) == pytest.approx(by_loop(mean, [common], 4))
    value, low, high = pairs.difference_of(first, {pair: v - 0.25 for pair, v in first.items()})
    assert (value, low, high) == pytest.approx((0.25, 0.25, 0.25)), "what is paired has no spread"


def test_interval_of_a_mean_covers_where_one_that_takes_pairs_for_independent_does_not():
    covered, naive = [], []
    for seed in range(600):
        values = planted(6, seed)
        _, low, high = pairs.mean_of(values)
        covered.append(low <= 0 <= high)
        whole = np.array(list(values.values()))
        naive.append(abs(whole.mean()) <= stats.t.ppf(0.975, 14) * stats.sem(whole))
    # A mean of effects of members is a mean over members: exact but for the pairs' own part; 4 standard errors.
    assert abs(np.mean(covered) - 0.95) < 0.036
    assert np.mean(naive) < 0.85


def test_members_are_those_of_all_tables():
    assert pairs.members({(0, 1): 1.0, (2, 3): 1.0}, {(0, 3): 1.0, (3, 7): 1.0}) == [0, 3]


def test_disjoint_pairs_alone_give_students_interval():
    values = {(0, 1): 1.0, (0, 2): 50.0, (1, 2): 60.0, (2, 3): 2.0, (4, 5): 4.0, (6, 9): 70.0}
    value, low, high = pairs.disjoint(values)
    expected = stats.t.interval(0.95, 2, loc=7 / 3, scale=stats.sem([1, 2, 4]))
    assert value == pytest.approx(7 / 3)
    assert (low, high) == pytest.approx(expected)


@pytest.mark.parametrize("values", [{(0, 1): 1.0}, {(0, 2): 1.0, (1, 2): 1.0}], ids=["one", "none"])
def test_fewer_than_two_disjoint_pairs_have_no_interval(values):
    with pytest.raises(ValueError, match="at least 2 samples"):
        pairs.disjoint(values)


def test_planted_slope_is_recovered_whatever_the_order_of_widths():
    pair_factor = {pair: math.exp(value) for pair, value in planted(4, 0).items()}
    # One factor a pair at all widths: the means follow the power exactly, and no member changes it.
    by_width = {w: {pair: f * w**-0.8 for pair, f in pair_factor.items()} for w in (256, 32, 128)}
    assert pairs.width_slope(by_width) == pytest.approx((-0.8, -0.8, -0.8))


def test_interval_of_a_slope_leaves_a_member_out_at_all_widths():
    rng = np.random.default_rng(0)
    tables = [{pair: w**-0.5 * math.exp(0.2 * rng.normal()) for pair in planted(4, 0)} for w in (8, 16, 64)]

    def fitted(*tables):
        return float(np.polyfit(np.log([8, 16, 64]), np.log([mean(table) for table in tables]), 1)[0])

    found = pairs.width_slope(dict(zip((8, 16, 64), tables, strict=True)))
    assert found == pytest.approx(by_loop(fitted, tables, 4))
    assert found[1] < -0.5 < found[2]


def test_one_width_has_no_slope():
    with pytest.raises(ValueError, match="at least 2 widths, got \\[32\\]"):
        pairs.width_slope({32: planted(3, 0)})


def test_without_a_barrier_at_one_pair_nothing_is_known_of_the_spread_of_a_slope_or_ratio():
    """Leaving out member 2 leaves pair (0, 1) alone. NaN would be written as no interval, and judged without one."""
    low = {(0, 1): 0.0, (0, 2): 0.1, (1, 2): 0.1}
    high = {pair: 1.0 for pair in low}
    value, *ends = pairs.width_slope({32: high, 256: low})
    assert value == pytest.approx(np.log(0.2 / 3) / np.log(8))
    assert ends == [-math.inf, math.inf]
    assert pairs.ratio_of(high, low) == pytest.approx((15, -math.inf, math.inf))


def test_no_barrier_at_all_has_neither_slope_nor_ratio():
    flat = {pair: 0.0 for pair in ((0, 1), (0, 2), (1, 2))}
    high = {pair: 1.0 for pair in flat}
    assert math.isnan(pairs.width_slope({32: high, 256: flat})[0])
    assert math.isnan(pairs.ratio_of(high, flat)[0])
