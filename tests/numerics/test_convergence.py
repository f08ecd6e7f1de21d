import numpy as np
import pytest
from scipy.stats import norm, rankdata

from perspectives.numerics.convergence import r_hat, rank_normalised, split_r_hat


def plain_split_r_hat(draws):
    """The definition for one quantity, number by number."""
    half = draws.shape[1] // 2
    halves = [list(chain[:half]) for chain in draws] + [list(chain[-half:]) for chain in draws]
    means = [sum(chain) / half for chain in halves]
    mean = sum(means) / len(means)
    between = half * sum((m - mean) ** 2 for m in means) / (len(means) - 1)
    within = sum(sum((x - m) ** 2 for x in chain) / (half - 1) for m, chain in zip(means, halves, strict=True)) / len(
        means
    )
    return (((half - 1) / half * within + between / half) / within) ** 0.5


def plain_r_hat(draws):
    def scores(values):
        return norm.ppf((rankdata(values).reshape(values.shape) - 3 / 8) / (values.size + 1 / 4))

    return max(plain_split_r_hat(scores(draws)), plain_split_r_hat(scores(abs(draws - np.median(draws)))))


@pytest.mark.parametrize("length", [50, 51], ids=["even", "odd"])
def test_r_hat_is_its_definition(length):
    draws = np.random.default_rng(0).standard_t(3, (4, length, 2, 3)) + np.arange(4)[:, None, None, None] / 4
    for place in np.ndindex(2, 3):
        one = draws[(..., *place)]
        # rounding of sums of 400 numbers
        np.testing.assert_allclose(split_r_hat(draws)[place], plain_split_r_hat(one), rtol=1e-12)
        np.testing.assert_allclose(r_hat(draws)[place], plain_r_hat(one), rtol=1e-12)


def test_r_hat_shares_ranks_among_ties():
    draws = np.random.default_rng(1).integers(0, 4, (4, 30)).astype(float)
    np.testing.assert_allclose(r_hat(draws), plain_r_hat(draws), rtol=1e-12)


def test_r_hat_of_independent_draws_is_near_one():
    found = r_hat(np.random.default_rng(2).normal(size=(8, 400, 100)))
    # split chains of 200 draws: R-hat - 1 is about (chi2_15 / 15 - 1) / 400, whose largest of 200 stays below 0.006
    assert np.all(np.abs(found - 1) < 0.008)


def test_r_hat_sees_chains_that_differ_in_place():
    draws = np.random.default_rng(3).normal(size=(4, 200))
    draws[0] += 2
    assert r_hat(draws) > 1.2
    assert split_r_hat(draws) > 1.2


def test_r_hat_sees_a_drift_common_to_all_chains():
    draws = np.random.default_rng(4).normal(size=(4, 200)) + np.linspace(0, 4, 200)
    assert split_r_hat(draws) > 1.2


def test_r_hat_sees_chains_that_differ_in_spread_alone():
    draws = np.random.default_rng(5).normal(size=(4, 500))
    draws[0] *= 10
    assert split_r_hat(rank_normalised(draws)) < 1.02  # the means agree
    assert r_hat(draws) > 1.1  # folding tells


def test_r_hat_survives_a_law_without_mean():
    draws = np.random.default_rng(6).standard_cauchy((8, 400))
    assert abs(r_hat(draws) - 1) < 0.01


def test_r_hat_of_what_never_moves_is_no_verdict():
    assert np.isnan(r_hat(np.ones((4, 10))))
    assert np.isinf(split_r_hat(np.repeat(np.arange(4.0), 10).reshape(4, 10)))


@pytest.mark.parametrize(
    ("draws", "message"),
    [
        (np.zeros((1, 10)), "at least 2 chains"),
        (np.zeros((4, 3)), "of 4 draws"),
        (np.full((4, 10), np.nan), "40 of 40 draws are not finite"),
    ],
    ids=["one_chain", "short", "diverged"],
)
def test_r_hat_refuses(draws, message):
    with pytest.raises(ValueError, match=message):
        r_hat(draws)
