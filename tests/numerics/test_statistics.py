import numpy as np
import pytest
from scipy import stats

from perspectives.numerics.statistics import jackknife_interval, mean_interval, order, slope


def test_interval_is_students():
    samples = np.random.default_rng(0).normal(size=7)
    mean, low, high = mean_interval(samples, level=0.9)
    expected = stats.t.interval(0.9, 6, loc=samples.mean(), scale=stats.sem(samples))
    assert mean == samples.mean()
    np.testing.assert_allclose((low, high), expected, rtol=1e-12)  # the same quantile by another routine


def test_interval_covers_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(1).normal(size=(4000, 5))
    covered = [low <= 0 <= high for _, low, high in map(mean_interval, draws)]
    assert abs(np.mean(covered) - 0.95) < 0.014  # four standard errors of 4000 coin flips


def test_one_sample_has_no_interval():
    with pytest.raises(ValueError, match="at least 2 samples, got 1"):
        mean_interval(np.array([1.0]))


def test_slope_of_a_line_is_its_own():
    x = np.geomspace(1, 100, 20)
    assert slope(x, 3 - 2.5 * x) == pytest.approx(-2.5, abs=1e-12)  # rounding of twenty points


def test_order_of_a_power_is_its_exponent():
    sizes = np.geomspace(1, 100, 20)
    assert order(sizes, 3 * sizes**-2.5) == pytest.approx(-2.5, abs=1e-12)  # rounding of twenty logarithms


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan])
def test_what_is_not_positive_has_no_order(wrong):
    positive, other = np.array([1.0, 2.0]), np.array([1.0, wrong])
    with pytest.raises(ValueError, match=f"positive sizes, got {wrong}"):
        order(other, positive)
    with pytest.raises(ValueError, match=f"positive errors, got {wrong}"):
        order(positive, other)


def without_each(samples, statistic):
    return np.array([statistic(np.delete(samples, i)) for i in range(len(samples))])


def test_jackknife_of_the_mean_is_students_interval():
    samples = np.random.default_rng(2).normal(size=6)
    found = jackknife_interval(float(samples.mean()), without_each(samples, np.mean), level=0.9)
    np.testing.assert_allclose(found, mean_interval(samples, level=0.9), rtol=1e-12)  # the same by other sums


def test_jackknife_of_a_ratio_has_the_error_of_its_linearisation():
    x, y = np.random.default_rng(3).normal((3, 5), 0.1, (400, 2)).T
    pairs = np.arange(400)
    estimate, low, high = jackknife_interval(
        float(x.mean() / y.mean()), without_each(pairs, lambda left: x[left].mean() / y[left].mean())
    )
    residual = (x - estimate * y) / y.mean()
    expected = stats.t.ppf(0.975, 399) * residual.std(ddof=1) / 20
    assert high - estimate == pytest.approx(expected, rel=0.02)  # the second order in the spread
    assert estimate - low == pytest.approx(high - estimate)


def test_jackknife_covers_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(4).normal(size=(3000, 5))
    found = [jackknife_interval(float(one.mean()), without_each(one, np.mean)) for one in draws]
    assert abs(np.mean([low <= 0 <= high for _, low, high in found]) - 0.95) < 0.016  # four standard errors


def test_jackknife_of_a_number_that_no_member_changes_is_that_number():
    assert jackknife_interval(2.0, np.full(4, 2.0)) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("members", [0, 1])
def test_one_member_cannot_be_left_out(members):
    with pytest.raises(ValueError, match=f"at least 2 members, got {members}"):
        jackknife_interval(1.0, np.ones(members))
