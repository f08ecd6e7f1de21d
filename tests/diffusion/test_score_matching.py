import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.diffusion.mixtures import ExactScore, marginal, three_modes
from perspectives.diffusion.perturbed import PerturbedScore
from perspectives.diffusion.score_matching import (
    denoising_loss,
    explicit_loss,
    implicit_loss,
    scaled_denoising_loss,
    sliced_loss,
)
from perspectives.diffusion.sde import VariancePreserving

SDE, S = VariancePreserving(), 0.2
EXACT = ExactScore(three_modes(), SDE)
WRONG = PerturbedScore(EXACT, 0.5)
Y = jnp.array([0.3, -0.8])


def test_explicit_loss_is_half_the_squared_error():
    truth = marginal(three_modes(), SDE, S).score(Y)
    assert explicit_loss(EXACT, Y, S, truth) == pytest.approx(0, abs=1e-25)
    expected = 0.125 * (np.sin(0.9) ** 2 + np.cos(1.6) ** 2)
    np.testing.assert_allclose(explicit_loss(WRONG, Y, S, truth), expected, rtol=1e-12)


def test_implicit_loss_of_a_linear_score():
    matrix = jnp.array([[1.0, 2.0], [-3.0, 0.5]])
    expected = 0.5 * jnp.square(matrix @ Y).sum() + 1.5
    np.testing.assert_allclose(implicit_loss(lambda y, s: matrix @ y, Y, S), expected, rtol=1e-14)


def test_sliced_loss_over_all_signs_is_the_implicit_loss():
    probes = jnp.asarray(list(itertools.product((-1.0, 1.0), repeat=2)))
    sliced = jax.vmap(lambda probe: sliced_loss(WRONG, Y, S, probe))(probes)
    np.testing.assert_allclose(sliced.mean(), implicit_loss(WRONG, Y, S), rtol=1e-13)


@pytest.mark.parametrize("s", [1e-3, 0.2, 1.0])
def test_scaled_denoising_loss_is_the_variance_times_the_denoising_loss(s):
    x, noise = jnp.array([1.0, 0.5]), jnp.array([-0.2, 1.4])
    found = scaled_denoising_loss(WRONG, SDE, x, s, noise)
    np.testing.assert_allclose(found, SDE.variance(s) * denoising_loss(WRONG, SDE, x, s, noise), rtol=1e-12)


def test_denoising_loss_vanishes_for_the_score_given_x():
    x, noise = jnp.array([1.0, 0.5]), jnp.array([-0.2, 1.4])

    def score(y, s):
        return -(y - SDE.mean_factor(s) * x) / SDE.variance(s)

    assert denoising_loss(score, SDE, x, S, noise) == pytest.approx(0, abs=1e-25)


def test_scaled_loss_is_finite_at_the_start():
    value = scaled_denoising_loss(WRONG, SDE, jnp.ones(2), 0.0, jnp.array([1.0, 2.0]))
    assert value == pytest.approx(2.5)  # |noise|^2 / 2
