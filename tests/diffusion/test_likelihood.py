import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.diffusion.likelihood import flow_log_likelihood
from perspectives.diffusion.mixtures import ExactScore, marginal, two_modes
from perspectives.diffusion.plug_in import PlugIn
from perspectives.diffusion.sde import END, VarianceExploding, VariancePreserving
from perspectives.numerics.divergence import rademacher

SDE = VariancePreserving()
TIGHT = diffrax.PIDController(rtol=1e-9, atol=1e-11)


def test_likelihood_under_the_prior_as_data_is_exact():
    """The score -y makes the flow stand still, so that log p is log p_0."""
    x = jnp.array([0.5, -2.0])
    found = flow_log_likelihood(SDE, lambda y, s: -y, x)
    np.testing.assert_allclose(found.log_likelihood, SDE.log_prior(x), rtol=1e-10)


class Matched(VariancePreserving):
    """With the marginal of the data at the end as prior nothing is left but the solver's error."""

    def log_prior(self, y):
        return marginal(two_modes(), VariancePreserving(), END).log_density(y)


def test_likelihood_is_the_density_when_the_prior_is_the_last_marginal():
    x = jnp.linspace(-2.5, 2.5, 11)[:, None]
    score = ExactScore(two_modes(), SDE)
    found = jax.vmap(lambda x: flow_log_likelihood(Matched(), score, x, controller=TIGHT).log_likelihood)(x)
    np.testing.assert_allclose(found, jax.vmap(two_modes().log_density)(x), atol=1e-7)
    # With p_0 instead, log p_0 / q_T at the end is added: some thousandths, since m(T) = .007.
    off = jax.vmap(lambda x: flow_log_likelihood(SDE, score, x, controller=TIGHT).log_likelihood)(x) - found
    assert 1e-4 < jnp.abs(off).max() < 2e-2


def test_variance_exploding_flow_of_a_mixture():
    sde, mixture = VarianceExploding(0.01, 200.0), two_modes()
    x = jnp.linspace(-2, 2, 5)[:, None]
    score = ExactScore(mixture, sde)
    found = jax.vmap(lambda x: flow_log_likelihood(sde, score, x, controller=TIGHT).log_likelihood)(x)
    # A mean near 1 is not forgotten but drowned, in a deviation of 200: an error near 1 / 200 a deviation from zero.
    np.testing.assert_allclose(found, jax.vmap(mixture.log_density)(x), atol=1e-2)


def test_probe_is_exact_on_the_line():
    x, score = jnp.array([0.4]), ExactScore(two_modes(), SDE)
    exact = flow_log_likelihood(SDE, score, x)
    probed = flow_log_likelihood(SDE, score, x, probe=rademacher(jax.random.key(0), x))
    np.testing.assert_allclose(probed.log_likelihood, exact.log_likelihood, rtol=1e-12)


def test_likelihood_differentiates():
    x = jnp.array([0.4])

    def likelihood(size):
        return flow_log_likelihood(SDE, lambda y, s: -size * y, x, controller=TIGHT).log_likelihood

    step = 1e-5
    expected = (likelihood(1.1 + step) - likelihood(1.1 - step)) / (2 * step)
    np.testing.assert_allclose(jax.grad(likelihood)(1.1), expected, rtol=1e-4)  # of solves at 1e-9 over 1e-5


def test_too_few_steps_are_an_error():
    with pytest.raises(eqx.EquinoxRuntimeError):
        flow_log_likelihood(SDE, ExactScore(two_modes(), SDE), jnp.array([0.4]), max_steps=3)


def test_precision_of_the_point_is_kept():
    found = flow_log_likelihood(SDE, PlugIn(SDE, lambda y, s: -y).score, jnp.ones(2, jnp.float32))
    assert found.log_likelihood.dtype == jnp.float32
