"""Laws of soft sorting: sums are kept, cold is sorted, plans are those of another library and within their bound."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from perspectives.elements.soft_sorting import soft_bubble_sort, transport_sort
from perspectives.numerics.sinkhorn import sinkhorn

VALUES = jnp.array([3.0, -1.0, 1.0, -2.0, 5.0, 4.0])


@pytest.mark.parametrize("temperature", [10.0, 1.0, 0.1, 0.03])
def test_soft_swaps_keep_the_sum_and_the_range(temperature):
    found = soft_bubble_sort(VALUES, temperature)
    assert float(found.sum()) == pytest.approx(10, abs=1e-13)  # rounding of 15 swaps
    assert float(found.min()) >= -2
    assert float(found.max()) <= 5


def test_cold_swaps_sort_and_hot_ones_do_not():
    np.testing.assert_allclose(soft_bubble_sort(VALUES, 0.03), jnp.sort(VALUES), atol=1e-13)  # exp(-1 / 0.03) is 3e-15
    assert float(jnp.max(jnp.abs(soft_bubble_sort(VALUES, 1.0) - jnp.sort(VALUES)))) > 0.1


def test_one_swap_is_the_weighted_mean_of_swapped_and_not():
    found = soft_bubble_sort(jnp.array([2.0, 0.0]), 2.0)
    p = 1 / (1 + np.exp(-1))
    np.testing.assert_allclose(found, [2 * (1 - p), 2 * p], atol=1e-15)


def test_transport_sorts_ranks_and_keeps_the_sum():
    values, ranks, converged = transport_sort(VALUES, 0.02, tolerance=1e-10)
    assert bool(converged)
    assert float(values.sum()) == pytest.approx(10, abs=1e-8)  # the mass out of place, times six values of up to 5
    assert float(ranks.sum()) == pytest.approx(21, abs=1e-8)
    assert np.all(np.diff(values) > 0)
    np.testing.assert_allclose(values, jnp.sort(VALUES), atol=0.2)  # of neighbours at least one apart
    np.testing.assert_allclose(ranks, [4, 2, 3, 1, 6, 5], atol=0.25)


@pytest.mark.filterwarnings("ignore:JAXopt is no longer maintained:DeprecationWarning")
def test_plan_is_that_of_another_library():
    # imported here, because ott imports jaxopt, whose warning at collection nothing can filter
    from ott.geometry.geometry import Geometry
    from ott.problems.linear.linear_problem import LinearProblem
    from ott.solvers.linear.sinkhorn import Sinkhorn

    generator = np.random.default_rng(6)
    cost = jnp.asarray(((generator.uniform(size=(12, 1, 2)) - generator.uniform(size=(1, 12, 2))) ** 2).sum(-1))
    ours = sinkhorn(cost, 0.05, tolerance=1e-10)
    theirs = Sinkhorn(threshold=1e-10, max_iterations=5000)(LinearProblem(Geometry(cost_matrix=cost, epsilon=0.05)))
    assert bool(ours.converged)
    assert bool(theirs.converged)
    np.testing.assert_allclose(ours.plan, theirs.matrix, atol=1e-9)  # both within 1e-10 of their marginals
    # as n unit masses: the factor n is on both sides of the bound
    least = float(cost[linear_sum_assignment(cost)].sum())
    assert 0 <= 12 * float(jnp.sum(ours.plan * cost)) - least <= 12 * 0.05 * np.log(12)
