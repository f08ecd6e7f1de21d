import numpy as np
import pytest
from scipy import stats

from perspectives.numerics.statistics import mean_interval, slope


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


def test_slope_of_a_power_is_its_exponent():
    x = np.geomspace(1, 100, 20)
    assert slope(np.log(x), np.log(3 * x**-2.5)) == pytest.approx(-2.5, abs=1e-12)
