"""Frontiers of few mutations and high fitness."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from perspectives.protein.budget import Budget
from perspectives.protein.frontier import explore_frontier, frontier_order
from perspectives.protein.search_space import SearchSpace


class Additive(eqx.Module):
    """Fitness as a sum over positions; invented."""

    weights: Float[Array, "length 20"]

    def __call__(self, x):
        return jnp.einsum("nla,la->n", x, self.weights)


def test_frontiers_come_one_after_another():
    edits = np.array([0, 1, 1, 2, 2, 3])
    fitness = np.array([0.0, 2.0, 1.0, 3.0, 0.5, 2.5])
    # First 0, 2, 3 at 0, 1, 2 mutations; then 1 and 2.5 at 1 and 3; then what is left.
    np.testing.assert_array_equal(frontier_order(edits, fitness, 6), [0, 1, 3, 2, 5, 4])
    np.testing.assert_array_equal(frontier_order(edits, fitness, 2), [0, 1])


def test_each_frontier_is_what_the_rest_does_not_dominate():
    rng = np.random.default_rng(0)
    edits, fitness = rng.integers(0, 5, 40), rng.normal(size=40)
    order = frontier_order(edits, fitness, 40)
    assert sorted(order) == list(range(40))
    left, place = set(range(40)), 0
    while left:
        front = [
            row for row in left
            if not any(edits[o] <= edits[row] and fitness[o] >= fitness[row] and o != row for o in left)
        ]  # fmt: skip
        np.testing.assert_array_equal(order[place : place + len(front)], sorted(front, key=lambda row: edits[row]))
        left -= set(front)
        place += len(front)


def test_equals_come_in_their_order():
    np.testing.assert_array_equal(frontier_order(np.zeros(3, int), np.ones(3), 3), [0, 1, 2])


@pytest.mark.parametrize("mutations", [None, 2])
def test_the_search_keeps_budget_and_space_and_climbs(mutations):
    length = 6
    predictor = Additive(jnp.asarray(np.random.default_rng(0).random((length, 20)), jnp.float32))
    space = SearchSpace(np.zeros(length, np.uint8), np.ones((length, 20), bool), mutations)
    budget = Budget(predictor, calls=1500)
    start = np.zeros((1, length), np.uint8)
    found = explore_frontier(budget, start, space, rounds=5, generator=np.random.default_rng(1))
    assert budget.used <= 1500
    assert space.contains(found.tokens).all()
    weights = np.asarray(predictor.weights)
    gains = np.sort((weights - weights[:, :1]).max(1))[::-1][: mutations or length]
    best = weights[:, 0].sum() + gains.sum()
    assert found.values.max() > best - (1e-4 if mutations else 0.4)
