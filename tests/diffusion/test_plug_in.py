import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.diffusion.mixtures import ExactScore, GaussianMixture, marginal, two_modes
from perspectives.diffusion.plug_in import PlugIn, sample_paths
from perspectives.diffusion.sde import END, VariancePreserving

SDE = VariancePreserving()
ONE = GaussianMixture(jnp.ones(1), jnp.array([[0.7]]), jnp.array([0.3]))


def transported(start):
    """The flow's map for normal data: it keeps the number of deviations from the mean."""
    last = marginal(ONE, SDE, END)
    return ONE.means[0] + ONE.deviations[0] * (start - last.means[0]) / last.deviations[0]


@pytest.mark.parametrize("lmbda", [-10.0, 0.0, 0.5, 1.0])
def test_drift_and_diffusion_are_those_of_the_family(lmbda):
    score, t, x = ExactScore(two_modes(), SDE), 0.7, jnp.array([0.4])
    member, s = PlugIn(SDE, score, lmbda), 0.3
    g2 = SDE.beta(s)
    np.testing.assert_allclose(member.drift(t, x), (1 - lmbda / 2) * g2 * score(x, s) + 0.5 * g2 * x, rtol=1e-12)
    np.testing.assert_allclose(member.diffusion(t) ** 2, (1 - lmbda) * g2, rtol=1e-12, atol=1e-15)


def test_flow_of_normal_data_is_approached_to_order_one():
    start = jnp.linspace(-2, 2, 5)[:, None]
    member = PlugIn(SDE, ExactScore(ONE, SDE), 1.0)

    def error(steps):
        found = sample_paths(member, start, jnp.array([END]), steps=steps, key=jax.random.key(0))[0]
        return float(jnp.abs(found - transported(start)).max())

    assert error(400) / error(800) == pytest.approx(2, abs=0.1)


def test_ode_does_not_see_the_noise_and_members_share_it():
    start = jnp.linspace(-2, 2, 5)[:, None]
    score = ExactScore(two_modes(), SDE)

    def end(lmbda, key):
        return sample_paths(PlugIn(SDE, score, lmbda), start, jnp.array([END]), steps=50, key=jax.random.key(key))[0]

    np.testing.assert_array_equal(end(1.0, 0), end(1.0, 1))
    assert jnp.abs(end(0.0, 0) - end(0.0, 1)).max() > 0.1
    # One key: a small change of lambda is a small change of the samples.
    assert jnp.abs(end(0.5, 0) - end(0.501, 0)).max() < 0.05


@pytest.mark.parametrize("lmbda", [-1.0, 0.0, 0.9])
def test_noisy_members_generate_the_moments_of_normal_data(lmbda):
    start = jax.random.normal(jax.random.key(0), (10_000, 1))
    member = PlugIn(SDE, ExactScore(ONE, SDE), lmbda)
    found = sample_paths(member, start, jnp.array([END]), steps=300, key=jax.random.key(1))[0]
    # Sampling: .3 / 100 and .3 / 141; Euler's method adds errors of order 1 / 300.
    np.testing.assert_allclose([found.mean(), found.std()], [0.7, 0.3], atol=0.015)


def test_paths_start_at_the_start_and_keep_its_precision():
    start = jnp.ones((3, 2), jnp.float32)
    member = PlugIn(SDE, lambda y, s: -y)
    paths = sample_paths(member, start, jnp.array([0.0, 0.5, 1.0]), steps=20, key=jax.random.key(0))
    assert paths.dtype == jnp.float32
    np.testing.assert_array_equal(paths[0], start)


def test_terms_are_the_drift_and_the_noise_of_a_batch():
    member = PlugIn(SDE, lambda y, s: -y, 0.5)
    x = jnp.array([[0.1, 0.2], [1.0, -1.0]])
    np.testing.assert_allclose(member.flow().vf(0.3, x[0], None), member.drift(0.3, x[0]))
    drift, noise = member.terms(
        diffrax.UnsafeBrownianPath(jax.ShapeDtypeStruct((2, 2), float), jax.random.key(0))
    ).terms
    np.testing.assert_allclose(drift.vf(0.3, x, None)[1], member.drift(0.3, x[1]))
    np.testing.assert_allclose(noise.vf(0.3, x, None).mv(jnp.ones_like(x)), jnp.full_like(x, member.diffusion(0.3)))
