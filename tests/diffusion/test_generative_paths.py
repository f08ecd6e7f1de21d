from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.stats import norm

from perspectives.diffusion.generative_paths import (
    VARIANTS,
    FlowLoss,
    SimulatedBound,
    TwoDrifts,
    Variant,
    flow_log_likelihoods,
    generated,
    network,
    simulated_elbos,
    trained,
)
from perspectives.diffusion.mixtures import two_modes
from perspectives.numerics.trees import named_arrays

X = jnp.linspace(-2.0, 2.0, 9)[:, None]


def decay(x, t):
    return -0.7 * x


def test_likelihood_of_a_linear_flow_is_normal_and_of_second_order_in_the_step():
    expected = norm.logpdf(X[:, 0], scale=np.exp(-0.7))
    errors = [np.abs(flow_log_likelihoods(decay, X, steps=n) - expected).max() for n in (16, 32)]
    assert errors[0] < 0.01
    assert 3.5 < errors[0] / errors[1] < 4.5  # Heun's method


def stationary(x, t):
    """Return the drift of dX = -X dt / 2 + dB, which keeps the standard normal."""
    return -0.5 * x


def test_bound_at_the_optimal_control_is_the_log_density():
    """The optimal control is the score, -y. Single paths still deviate: their martingale has mean 0 and is left out."""
    drifts = TwoDrifts(stationary, lambda y, s: -y)
    found = simulated_elbos(drifts, 1.0, jnp.full((20_000, 1), 0.8), steps=200, key=jax.random.key(0))
    error = found.std() / len(found) ** 0.5
    assert error < 0.01
    assert abs(found.mean() - norm.logpdf(0.8)) < 4 * error + 0.005  # Euler's bias is of order 1/200


def test_any_other_control_is_below():
    drifts = TwoDrifts(stationary, lambda y, s: -0.5 * y)
    x = jax.random.normal(jax.random.key(1), (4000, 1))
    gap = norm.logpdf(x[:, 0]) - simulated_elbos(drifts, 1.0, x, steps=100, key=jax.random.key(0))
    assert gap.mean() > 5 * gap.std() / len(x) ** 0.5


def test_generated_paths_follow_the_equation():
    start = jax.random.normal(jax.random.key(0), (20_000, 1))
    still = generated(decay, 0.0, start, steps=200, saves=4, key=jax.random.key(1))
    factor = np.exp(-0.7 * np.linspace(0, 1, 5))
    np.testing.assert_allclose(still[:, 0, 0], factor * start[0, 0], rtol=2e-3)  # Euler: 0.7^2 / 2 / 200
    noisy = generated(stationary, 1.0, start, steps=200, saves=4, key=jax.random.key(1))
    np.testing.assert_allclose(noisy.var(axis=(1, 2)), 1, atol=0.05)  # five standard errors of a variance


@pytest.mark.parametrize("variant", VARIANTS)
def test_networks_are_restored_in_float32(variant):
    made = network(variant, width=4, depth=1, key=jax.random.key(0))
    again = trained(variant, 4, 1, named_arrays(made))
    for one, other in zip(jax.tree.leaves(made), jax.tree.leaves(again), strict=True):
        assert one.dtype == other.dtype == jnp.float32
        np.testing.assert_array_equal(one, other)


def test_gradients_of_both_simulated_losses_are_their_differences():
    """Central differences of float64 losses along a random direction, noise held fixed: seven digits."""
    batch = two_modes().sample(8, key=jax.random.key(0))
    losses: dict[Variant, Any] = {"no_noise": FlowLoss(8), "fixed_noise": SimulatedBound(1.0, 8)}
    for variant, loss in losses.items():
        model = network(variant, width=4, depth=1, key=jax.random.key(1))
        model = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), model)
        value = jax.jit(lambda model, loss=loss: loss(model, batch, jax.random.key(2)))
        leaves, structure = jax.tree.flatten(model)
        keys = jax.random.split(jax.random.key(3), len(leaves))
        way = structure.unflatten([jax.random.normal(k, leaf.shape) for k, leaf in zip(keys, leaves, strict=True)])
        ends = [value(jax.tree.map(lambda a, b, h=h: a + h * b, model, way)) for h in (1e-5, -1e-5)]
        slope = sum(jax.tree.leaves(jax.tree.map(jnp.vdot, jax.grad(value)(model), way)))
        assert slope == pytest.approx(float(ends[0] - ends[1]) / 2e-5, rel=1e-6)
