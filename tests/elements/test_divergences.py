import numpy as np
from scipy.stats import entropy

from perspectives.elements.divergences import kullback_leibler, pairs, pinsker_bound
from perspectives.elements.entropies import simplex_lattice

GRID = simplex_lattice(12)
INSIDE = GRID[(GRID > 0).all(-1)]


def test_divergence_is_scipys():
    p, q = GRID[5:6], INSIDE[7:8]
    np.testing.assert_array_equal(kullback_leibler(p, q), entropy(p, q, axis=1))


def test_pinsker_bounds_the_divergence_and_touches_it_where_distributions_are_equal():
    gap = kullback_leibler(GRID[:, None], INSIDE) - pinsker_bound(GRID[:, None], INSIDE)
    assert gap.min() >= 0
    assert (gap == 0).sum() == len(INSIDE)


def test_half_is_the_largest_factor_of_pinskers_inequality():
    p, q = pairs(np.array([0.5 + 1e-3])), pairs(np.array([0.5]))
    np.testing.assert_allclose(kullback_leibler(p, q) / pinsker_bound(p, q), 1, atol=1e-5)  # the square of the distance


def test_divergence_is_infinite_outside_the_support():
    p, q = np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[1.0, 0.0], [0.5, 0.5]])
    np.testing.assert_array_equal(kullback_leibler(p, q), [np.inf, np.log(2)])


def test_lattice_of_the_simplex_has_all_multiples():
    assert len(GRID) == 13 * 14 // 2
    np.testing.assert_allclose(GRID.sum(-1), 1, rtol=1e-15)
