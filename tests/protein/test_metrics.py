"""Closed forms on a handful of strings."""

import math

import numpy as np
import pytest

from perspectives.protein.metrics import diversity, median, novelty, rank_correlation

pytest.importorskip("rapidfuzz")


def test_diversity_is_the_mean_distance_of_two_different_members():
    assert diversity(["AAAA", "AAAC", "CCCC"]) == pytest.approx((1 + 4 + 3) / 3)


def test_diversity_counts_shifts_as_two_edits_and_not_as_many_substitutions():
    assert diversity(["ACDEF", "CDEFG"]) == 2


def test_diversity_of_copies_is_zero_and_of_one_sequence_is_undefined():
    assert diversity(["AC", "AC", "AC"]) == 0
    assert math.isnan(diversity(["AC"]))


def test_novelty_is_the_median_distance_to_the_nearest_of_the_base_set():
    base = ["AAAA", "CCCC"]
    assert novelty(["AAAA", "AACC", "CCCD"], base) == 1
    assert novelty(["AAAA"], base) == 0
    assert math.isnan(novelty([], base))


def test_the_median_passes_over_what_was_not_measured():
    assert median(np.array([1.0, np.nan, 3.0, 2.0])) == 2
    assert math.isnan(median(np.array([np.nan])))


@pytest.mark.parametrize("change", [lambda x: x**3, np.exp])
def test_rank_correlation_is_one_for_any_increasing_function(change):
    x = np.array([0.1, -1.0, 2.0, 0.7])
    assert rank_correlation(x, change(x)) == pytest.approx(1)
    assert rank_correlation(x, -change(x)) == pytest.approx(-1)


def test_rank_correlation_shares_ranks_of_equals():
    # Ranks 1.5, 1.5, 3, 4 and 1, 2, 3, 4.
    expected = np.corrcoef([1.5, 1.5, 3, 4], [1, 2, 3, 4])[0, 1]
    assert rank_correlation(np.array([5.0, 5.0, 6.0, 7.0]), np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(expected)


def test_rank_correlation_with_a_constant_is_undefined():
    assert math.isnan(rank_correlation(np.ones(3), np.arange(3.0)))
