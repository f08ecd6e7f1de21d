import numpy as np

from perspectives.highres.bands import RUNS, half_width, recovered_variance, variance_with_sum


def test_the_scripts_variance_is_that_of_a_sum_left_in_the_accumulator():
    runs = np.random.default_rng(0).uniform(0.5, 1, (RUNS, 7))
    accumulator = runs.sum(0)  # what the script should have set to zero here
    for run in runs:
        accumulator = accumulator + (run - runs.mean(0)) ** 2
    ours = variance_with_sum(runs.mean(0), runs.var(0, ddof=1))
    np.testing.assert_allclose(ours, accumulator / (RUNS - 1), rtol=1e-12)


def test_the_spread_is_recovered_from_the_band():
    mean, variance = np.linspace(2.3, 0.3, 5), np.geomspace(1e-4, 0.1, 5)
    half = half_width(variance_with_sum(mean, variance))
    np.testing.assert_allclose(recovered_variance(mean, half), variance, atol=1e-13)  # cancellation against the mean


def test_without_spread_the_half_width_is_the_criterions_floor_times_the_root_mean():
    mean = np.array([0.1, 1.0, 2.3])
    ratio = half_width(variance_with_sum(mean, np.zeros(3))) / np.sqrt(mean)
    np.testing.assert_allclose(ratio, 0.23427, atol=1e-5)  # t19(0.16) / sqrt(19), five digits
