"""Laws of entropic transport: its marginals, its limit, its bound, and honesty about convergence."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from perspectives.alignment.entropic import losses
from perspectives.numerics.sinkhorn import rounded, sinkhorn

SIZE = 30


def costs(seed: int, size: int = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=(size, size))


@pytest.mark.parametrize("epsilon", [1.0, 0.1, 0.02])
def test_marginals_are_uniform(epsilon: float) -> None:
    found = sinkhorn(jnp.asarray(costs(0)), epsilon, tolerance=1e-8)
    assert bool(found.converged)
    columns, rows = np.asarray(found.plan.sum(0)), np.asarray(found.plan.sum(1))
    np.testing.assert_allclose(columns, 1 / SIZE, rtol=1e-10)  # exact in the iteration, to rounding
    assert np.abs(rows - 1 / SIZE).sum() == pytest.approx(float(found.error), abs=1e-12)
    assert found.error <= 1e-8


@pytest.mark.parametrize("seed", range(3))
def test_excess_lies_between_zero_and_epsilon_log_n(seed: int) -> None:
    cost = costs(seed)
    least = cost[linear_sum_assignment(cost)].mean()
    for epsilon in (1.0, 0.3, 0.1, 0.03):
        found = sinkhorn(jnp.asarray(cost), epsilon, tolerance=1e-7)
        assert bool(found.converged)
        excess = float(np.sum(np.asarray(found.plan) * cost)) - least
        # mass out of place may lower the cost by no more than itself, costs being below one
        assert -float(found.error) <= excess <= epsilon * np.log(SIZE) + float(found.error)


def test_limit_of_small_epsilon_is_the_assignment() -> None:
    cost = costs(1)
    found = sinkhorn(jnp.asarray(cost), 3e-3, tolerance=1e-3, max_iterations=50_000)
    assert bool(found.converged)
    np.testing.assert_array_equal(rounded(found.plan), linear_sum_assignment(cost)[1])


def test_limit_of_large_epsilon_is_the_product() -> None:
    plan = sinkhorn(jnp.asarray(costs(2)), 1e6).plan
    np.testing.assert_allclose(plan, 1 / SIZE**2, rtol=1e-5)  # of order 1 / epsilon


def test_log_domain_survives_what_would_underflow() -> None:
    found = sinkhorn(jnp.asarray(1e3 * costs(3)), 0.1, max_iterations=50)
    assert np.all(np.isfinite(found.plan))


def test_says_when_it_has_not_converged() -> None:
    found = sinkhorn(jnp.asarray(costs(4)), 1e-3, tolerance=1e-9, max_iterations=3)
    assert not bool(found.converged)
    assert int(found.iterations) == 3
    assert found.error > 1e-9


def test_losses_on_gains_shrink_with_epsilon() -> None:
    gains = np.random.default_rng(5).normal(size=(SIZE, SIZE)).astype(np.float32)
    warm, cold = losses(gains, [1.0, 0.05], tolerance=1e-4)
    assert warm.converged
    assert cold.converged
    assert 0 < cold.plan < warm.plan <= 1.0 * np.log(SIZE)
    assert 0 <= cold.rounded <= warm.rounded
    assert cold.rounded < 1e-3
