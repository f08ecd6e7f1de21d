import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from perspectives.diffusion.mixtures import (
    ExactScore,
    GaussianMixture,
    marginal,
    ring_of_modes,
    three_modes,
    two_modes,
)
from perspectives.diffusion.sde import SubVariancePreserving, VarianceExploding, VariancePreserving

SDES = {"vp": VariancePreserving(), "sub_vp": SubVariancePreserving(), "ve": VarianceExploding()}
LINE = jnp.linspace(-6, 6, 4001)


def test_densities_integrate_to_one():
    line = np.exp(jax.vmap(two_modes().log_density)(LINE[:, None])).sum() * (LINE[1] - LINE[0])
    side = jnp.linspace(-4, 4, 201)
    grid = jnp.stack(jnp.meshgrid(side, side), axis=-1).reshape(-1, 2)
    plane = np.exp(jax.vmap(three_modes().log_density)(grid)).sum() * (side[1] - side[0]) ** 2
    # The trapezoidal rule on what decays like a Gaussian.
    np.testing.assert_allclose([line, plane], 1, atol=1e-9)


def test_log_density_is_that_of_weighted_normal_densities():
    expected = 0.35 * norm.pdf(LINE, -1.2, 0.25) + 0.65 * norm.pdf(LINE, 0.9, 0.4)
    found = np.exp(jax.vmap(two_modes().log_density)(LINE[:, None]))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-300)


def test_log_density_is_finite_where_the_density_is_zero_in_floating_point():
    assert np.isfinite(two_modes().log_density(jnp.array([1e3])))


def test_score_of_one_mode_is_linear():
    one = GaussianMixture(jnp.ones(1), jnp.array([[0.5, -1.0]]), jnp.array([0.3]))
    x = jnp.array([1.0, 2.0])
    np.testing.assert_allclose(one.score(x), -(x - jnp.array([0.5, -1.0])) / 0.09, rtol=1e-12)


@pytest.mark.parametrize("name", SDES)
def test_marginal_is_the_mean_of_the_transition_over_the_data(name):
    sde, s, mixture = SDES[name], 0.3, two_modes()
    weight = np.exp(jax.vmap(mixture.log_density)(LINE[:, None])) * (LINE[1] - LINE[0])
    m, v = float(sde.mean_factor(s)), float(sde.variance(s))
    y = jnp.linspace(-2, 2, 9)
    expected = norm.pdf(y[:, None], m * LINE, v**0.5) @ weight
    found = np.exp(jax.vmap(marginal(mixture, sde, s).log_density)(y[:, None]))
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_exact_score_is_the_slope_of_the_marginal():
    sde, mixture, y = SDES["vp"], three_modes(), jnp.array([0.4, -0.7])
    expected = jax.grad(marginal(mixture, sde, 0.2).log_density)(y)
    np.testing.assert_allclose(ExactScore(mixture, sde)(y, 0.2), expected, rtol=1e-14)


def test_samples_have_the_moments_of_the_mixture():
    mixture = two_modes()
    draws = np.asarray(mixture.sample(100_000, key=jax.random.key(0)))[:, 0]
    mean = 0.35 * -1.2 + 0.65 * 0.9
    square = 0.35 * (1.2**2 + 0.25**2) + 0.65 * (0.9**2 + 0.4**2)
    assert abs(draws.mean() - mean) < 5 * draws.std() / 100_000**0.5
    assert abs((draws**2).mean() - square) < 5 * (draws**2).std() / 100_000**0.5


def test_modes_lie_on_a_sphere_of_radius_root_dim():
    mixture = ring_of_modes(16, modes=5, key=jax.random.key(0))
    np.testing.assert_allclose(jnp.linalg.norm(mixture.means, axis=1), 4, rtol=1e-13)
    assert mixture.weights.sum() == pytest.approx(1, abs=1e-15)
