import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.diffusion.proposals import (
    Above,
    Debiasing,
    Histogram,
    Uniform,
    independent,
    learned,
    low_discrepancy,
)
from perspectives.diffusion.sde import END, VariancePreserving

DEBIASING = Debiasing()
SPLIT = Histogram(jnp.array([0.0, 0.2, 0.3, 1.0]), jnp.array([0.5, 0.1, 0.4]))
PROPOSALS = {
    "uniform": Uniform(),
    "debiasing": DEBIASING,
    "other_betas": Debiasing(VariancePreserving(0.5, 3.0), 0.01),
    "histogram": SPLIT,
    "above_debiasing": Above(DEBIASING, 1e-3, DEBIASING.distribution(1e-3)),
    "above_uniform": Above(Uniform(), 0.25, 0.25),
}
U = (np.arange(200_000) + 0.5) / 200_000


@pytest.fixture(params=PROPOSALS)
def proposal(request):
    return PROPOSALS[request.param]


def test_quantile_rises_within_the_unit_interval(proposal):
    s = np.asarray(proposal.quantile(jnp.linspace(0, 1, 1001)))
    assert np.all(np.diff(s) > 0)
    assert s[0] >= 0
    assert s[-1] == pytest.approx(END, abs=1e-12)


def test_slope_of_the_quantile_is_one_over_the_density(proposal):
    u = jnp.array([0.011, 0.041, 0.21, 0.53, 0.77, 0.97])  # no kink is among them
    slope = jax.vmap(jax.grad(proposal.quantile))(u)
    np.testing.assert_allclose(slope * proposal.density(proposal.quantile(u)), 1, rtol=1e-9)


def test_quotient_by_the_density_is_unbiased(proposal):
    """The mean of h / density under the proposal is the integral of h where the density is not zero."""
    s = proposal.quantile(jnp.asarray(U))
    found = float(jnp.mean(jnp.cos(3 * s) / proposal.density(s)))
    least = getattr(proposal, "epsilon", 0.0) if isinstance(proposal, Above) else 0.0
    # A midpoint rule of 200,000 points for what varies by a factor of 200 and has kinks.
    assert found == pytest.approx((np.sin(3) - np.sin(3 * least)) / 3, abs=1e-4)


def test_debiasing_density_is_proportional_to_the_true_weight_above_epsilon():
    s = jnp.array([0.002, 0.05, 0.4, 1.0])
    sde = VariancePreserving()
    weight = sde.diffusion(s) ** 2 / sde.variance(s)
    np.testing.assert_allclose(DEBIASING.density(s) / weight, 1 / DEBIASING.normaliser, rtol=1e-12)
    assert DEBIASING.density(1e-5) == DEBIASING.density(1e-3)


def test_normaliser_is_the_integral_of_the_truncated_weight():
    s = np.geomspace(1e-3, 1, 200_001)
    sde = VariancePreserving()
    weight = np.asarray(sde.diffusion(s) ** 2 / sde.variance(s))
    expected = weight[0] * 1e-3 + np.trapezoid(weight, s)
    np.testing.assert_allclose(DEBIASING.normaliser, expected, rtol=1e-8)  # 20.256, as in the prototype
    np.testing.assert_allclose(DEBIASING.distribution(1e-3), weight[0] * 1e-3 / expected, rtol=1e-8)


def test_learnt_histogram_is_near_that_of_least_variance():
    """For a loss h(s) without noise the best density is |h| and leaves no variance at all."""
    s = jax.random.uniform(jax.random.key(0), (20_000,))
    loss = jnp.exp(-5 * s)
    found = learned(s, loss, jnp.ones_like(s), cells=20)
    u = jnp.asarray(U[::20])
    under = found.quantile(u)
    variance = jnp.var(jnp.exp(-5 * under) / found.density(under))
    assert variance < 0.1 * jnp.var(loss)
    assert found.masses.sum() == pytest.approx(1, abs=1e-12)
    assert found.masses.min() >= 0.1 / 20


def test_learnt_histogram_does_not_depend_on_where_its_draws_came_from():
    u = jnp.asarray(U)
    uniform = learned(u, jnp.exp(-5 * u), jnp.ones_like(u), cells=10)
    s = jnp.sqrt(u)  # drawn with density 2 s
    other = learned(s, jnp.exp(-5 * s), 2 * s, cells=10)
    points = jnp.array([0.3, 0.5, 0.7, 0.9])
    # Both are near exp(-5 s) up to a factor, within their cells, at most .1 and .32 wide: exp(5 (.1 + .32) / 2) = 2.9.
    assert jnp.abs(jnp.log(other.density(points) / uniform.density(points))).max() < np.log(2.9)


def test_too_few_draws_are_refused():
    with pytest.raises(ValueError, match="3 draws are too few for 4 cells"):
        learned(jnp.ones(3), jnp.ones(3), jnp.ones(3), cells=4)


def test_low_discrepancy_numbers_are_evenly_spaced_and_each_is_uniform():
    draws = jax.vmap(lambda key: low_discrepancy(8, dtype=jnp.float64, key=key))(
        jax.random.split(jax.random.key(0), 4000)
    )
    gaps = jnp.diff(jnp.sort(draws, axis=1), axis=1)
    np.testing.assert_allclose(gaps, 1 / 8, atol=1e-12)
    # Means of 4000 uniform numbers: deviation .289 / 63.
    np.testing.assert_allclose(draws.mean(0), 0.5, atol=5 * 0.289 / 4000**0.5)


def test_numbers_have_the_type_that_is_asked_for():
    for of in (independent, low_discrepancy):
        assert of(5, dtype=jnp.float64, key=jax.random.key(0)).dtype == jnp.float64
        assert of(5, key=jax.random.key(0)).dtype == jnp.float32
