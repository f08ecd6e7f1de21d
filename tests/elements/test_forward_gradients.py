from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.elements import forward_gradients
from perspectives.elements.forward_gradients import LAWS, forward_gradient

W = jnp.array([0.3, -1.0, 2.0])


def objective(w):
    return jnp.sum(jnp.sin(w) ** 2) + w[0] * w[1] * w[2]


GRADIENT = jax.grad(objective)(W)
estimates = jax.jit(jax.vmap(lambda direction: forward_gradient(objective, W, direction)))


def test_forward_gradients_along_the_axes_sum_to_the_gradient():
    np.testing.assert_allclose(estimates(jnp.eye(3)).sum(0), GRADIENT, rtol=1e-14)  # rounding of a few operations


@pytest.mark.parametrize(
    ("law", "directions"),
    [
        ("rademacher", np.array(list(product([-1.0, 1.0], repeat=3)))),
        ("coordinate", np.eye(3)),
        ("scaled coordinate", np.sqrt(3) * np.eye(3)),
    ],
)
def test_moments_over_all_directions_are_those_of_theory(law, directions):
    found = estimates(jnp.asarray(directions))
    np.testing.assert_allclose(found.mean(0), forward_gradients.mean_factor(law, 3) * GRADIENT, rtol=1e-13)
    moment = (found**2).sum(1).mean() / (GRADIENT**2).sum()
    np.testing.assert_allclose(moment, forward_gradients.second_moment(law, 3), rtol=1e-13)


def test_sampled_moments_are_those_of_theory():
    draws = 40_000
    run = jax.jit(lambda key: forward_gradients.moments(objective, W, list(LAWS), draws, key=key))
    for law, mean, error, moment in zip(LAWS, *run(jax.random.key(1)), strict=True):
        expected = forward_gradients.mean_factor(law, 3) * GRADIENT
        assert np.abs((mean - expected) / error).max() < 4, law  # standard errors
        ratio = float(moment / (GRADIENT**2).sum()) / forward_gradients.second_moment(law, 3)
        assert ratio == pytest.approx(1, abs=0.05), law  # a few times the relative deviation over 200
        assert (np.asarray(error) > 0).all(), law


def test_standard_errors_are_numpys():
    draws = 1000
    run = jax.jit(lambda key: forward_gradients.moments(objective, W, ["gaussian"], draws, key=key))
    found = run(jax.random.key(2))
    keys = jax.random.split(jax.random.key(2), 100)
    all_draws = estimates(jax.vmap(lambda key: LAWS["gaussian"](key, draws // 100, 3))(keys).reshape(draws, 3))
    np.testing.assert_allclose(found.mean[0], all_draws.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.standard_error[0], all_draws.std(0, ddof=1) / np.sqrt(draws), rtol=1e-10)


def test_companions_step_is_the_unbiased_one_over_the_dimension():
    key, count = jax.random.key(3), 20
    paths = [
        forward_gradients.descend(objective, W, jnp.asarray(step), LAWS[law](key, count, 3))
        for law, step in (("coordinate", 0.3), ("scaled coordinate", 0.1))
    ]
    np.testing.assert_allclose(*paths, rtol=1e-12)  # sqrt(3) squared, twenty times


def test_reverse_descent_is_descent_along_the_whole_gradient():
    found = forward_gradients.reverse_descend(objective, W, 0.1, 2)
    np.testing.assert_allclose(found[1], W - 0.1 * GRADIENT, rtol=1e-14)
    np.testing.assert_array_equal(found[0], W)
    assert found.shape == (3, 3)
