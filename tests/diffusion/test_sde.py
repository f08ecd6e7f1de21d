import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import roots_hermite
from scipy.stats import norm

from perspectives.diffusion.sde import END, SubVariancePreserving, VarianceExploding, VariancePreserving

SDES = {"vp": VariancePreserving(), "sub_vp": SubVariancePreserving(), "ve": VarianceExploding()}
TIMES = (0.01, 0.3, 0.99)


@pytest.fixture(params=SDES)
def sde(request):
    return SDES[request.param]


@pytest.mark.parametrize("s", TIMES)
def test_mean_and_variance_solve_their_equations(sde, s):
    m, mean_slope = jax.value_and_grad(sde.mean_factor)(s)
    v, variance_slope = jax.value_and_grad(sde.variance)(s)
    np.testing.assert_allclose(mean_slope, sde.rate(s) * m, atol=1e-14)
    np.testing.assert_allclose(variance_slope, 2 * sde.rate(s) * v + sde.diffusion(s) ** 2, rtol=1e-11)  # rounding


def test_marginals_start_at_the_data(sde):
    assert sde.mean_factor(0.0) == 1
    assert sde.variance(0.0) == 0


def test_variance_near_the_start_does_not_cancel():
    s = 1e-12  # 1 - exp(-B) would leave four digits of it
    np.testing.assert_allclose(VariancePreserving().variance(s), 0.1 * s, rtol=1e-9)


def test_variance_of_sub_vp_is_that_of_vp_squared():
    s = jnp.linspace(0, 1, 7)
    np.testing.assert_allclose(SDES["sub_vp"].variance(s), SDES["vp"].variance(s) ** 2, rtol=1e-14)


def test_coefficients_have_the_shape_of_their_times(sde):
    s = jnp.linspace(0.1, 1, 6).reshape(2, 3)
    for coefficient in (sde.rate, sde.diffusion, sde.mean_factor, sde.variance):
        assert coefficient(s).shape == s.shape
        np.testing.assert_allclose(coefficient(s)[1, 2], coefficient(s[1, 2]), rtol=1e-14)


def test_log_prior_is_a_normal_density(sde):
    y = np.linspace(-3, 2, 6).reshape(2, 3)
    expected = norm.logpdf(y, scale=float(sde.prior_variance) ** 0.5).sum()
    np.testing.assert_allclose(sde.log_prior(jnp.asarray(y)), expected, rtol=1e-13)


def test_prior_samples_have_the_variance_of_the_prior(sde):
    draws = sde.prior_sample(jnp.zeros(100_000), key=jax.random.key(0))
    # The relative deviation of a variance of n normal draws is sqrt(2 / n) = .0045.
    np.testing.assert_allclose(draws.var(), sde.prior_variance, rtol=0.02)


@pytest.mark.parametrize("x", [0.0, 1.7])
def test_closed_forms_at_the_end_are_means_over_the_noise(sde, x):
    nodes, weights = roots_hermite(40)
    nodes, weights = np.sqrt(2) * nodes, weights / np.sqrt(np.pi)
    y = jax.vmap(lambda noise: sde.perturbed(END, jnp.array([x]), noise[None]))(jnp.asarray(nodes))
    prior = np.asarray(jax.vmap(sde.log_prior)(y))
    m, v = float(sde.mean_factor(END)), float(sde.variance(END))
    own = norm.logpdf(y[:, 0], m * x, v**0.5)
    point = jnp.array([x])
    np.testing.assert_allclose(sde.expected_log_prior(point), weights @ prior, rtol=1e-12)
    np.testing.assert_allclose(sde.terminal_divergence(point), weights @ (own - prior), atol=1e-12)


def test_closed_forms_at_the_end_add_over_coordinates(sde):
    x = jnp.array([[0.3, -1.0], [2.0, 0.1]])
    for of in (sde.expected_log_prior, sde.terminal_divergence):
        np.testing.assert_allclose(of(x), sum(of(value[None]) for value in x.ravel()), rtol=1e-12)
