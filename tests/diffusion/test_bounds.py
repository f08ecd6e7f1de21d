import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.diffusion.bounds import elbo, stratified_times
from perspectives.diffusion.identities import gap_sides, line_quadrature
from perspectives.diffusion.mixtures import ExactScore, GaussianMixture, three_modes, two_modes
from perspectives.diffusion.perturbed import PerturbedScore
from perspectives.diffusion.sde import VariancePreserving

SDE = VariancePreserving()


def bounds(score, x, *, times, probed=False, seed=0):
    keys = jax.random.split(jax.random.key(seed), len(x))
    return jax.jit(jax.vmap(lambda x, key: elbo(SDE, score, x, times=times, probed=probed, key=key)))(x, keys)


def test_stratified_weights_are_unbiased_for_an_integral():
    keys = jax.random.split(jax.random.key(0), 4000)
    s, weight = jax.vmap(lambda key: stratified_times(8, dtype=jnp.float64, key=key))(keys)
    sums = (weight * jnp.cos(3 * s)).sum(1)
    assert abs(sums.mean() - np.sin(3) / 3) < 5 * sums.std() / 4000**0.5
    assert sums.std() < 0.1  # independent times would leave .25
    assert jnp.all(jnp.floor(jnp.sqrt(s) * 8) == jnp.arange(8))


@pytest.mark.parametrize("size", [0.0, 0.5])
def test_mean_gap_on_the_line_is_that_by_quadrature(size):
    mixture = two_modes()
    score = PerturbedScore(ExactScore(mixture, SDE), size)
    x = mixture.sample(2000, key=jax.random.key(1))
    gap = jax.vmap(mixture.log_density)(x) - bounds(score, x, times=128)
    expected = jax.jit(lambda: gap_sides(SDE, mixture, score))().left
    assert abs(gap.mean() - expected) < 4 * gap.std() / 2000**0.5
    assert gap.std() / 2000**0.5 < 0.05  # a tenth of the gap of the wrong score


def test_bound_of_normal_data_with_its_score_is_near_the_log_density_pointwise_on_average():
    """The gap at x is KL(q(Y_T | x), p_0)-like plus what is lost pathwise; its mean over noise must be near zero."""
    one = GaussianMixture(jnp.ones(1), jnp.zeros((1, 1)), jnp.ones(1))  # the prior itself: the score is -y
    x = jnp.linspace(-2, 2, 400)[:, None]
    found = bounds(lambda y, s: -y, x, times=256)
    # Here the bound is exact at each point: int g^2 (1 - |y|^2 / 2) ds is the change of E log p_0.
    difference = found - jax.vmap(one.log_density)(x)
    assert abs(difference.mean()) < 4 * difference.std() / 400**0.5


def test_probes_are_exact_in_one_dimension_and_unbiased_in_two():
    line = ExactScore(two_modes(), SDE)
    x = two_modes().sample(20, key=jax.random.key(2))
    np.testing.assert_allclose(bounds(line, x, times=8, probed=True), bounds(line, x, times=8), rtol=1e-10)
    plane = ExactScore(three_modes(), SDE)
    x = three_modes().sample(500, key=jax.random.key(3))
    difference = bounds(plane, x, times=16, probed=True) - bounds(plane, x, times=16)
    assert abs(difference.mean()) < 4 * difference.std() / 500**0.5
    assert difference.std() > 0.1


def test_bound_keeps_the_precision_of_the_point():
    found = elbo(SDE, lambda y, s: -y, jnp.ones((2, 2), jnp.float32), times=4, key=jax.random.key(0))
    assert found.dtype == jnp.float32


def test_means_by_quadrature_are_those_of_the_mixture():
    y, weight = line_quadrature(two_modes())
    np.testing.assert_allclose([weight.sum(), weight @ y[:, 0]], [1, 0.35 * -1.2 + 0.65 * 0.9], rtol=1e-12)
