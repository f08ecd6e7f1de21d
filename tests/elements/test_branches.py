import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.stats import norm
from scipy.special import expit, logit, ndtri

from perspectives.elements import branches
from perspectives.elements.comparisons import gaussian_order
from perspectives.elements.smoothing import quantile_levels

X = np.linspace(-3, 3, 25)
NOISES = {"gaussian": (norm.cdf, ndtri), "logistic": (jax.nn.sigmoid, logit)}


@pytest.mark.parametrize("sigma", [1.0, 0.3])
@pytest.mark.parametrize("noise", NOISES)
def test_smoothing_as_a_whole_is_the_expected_program_and_in_parts_is_not(noise, sigma):
    cdf, quantile = NOISES[noise]
    values = 4000

    @jax.jit
    def smoothed(x, noise):
        return (
            branches.expected_indicator(x, sigma, noise),
            branches.global_smoothing(cdf, x, sigma),
            branches.local_smoothing(cdf, x, sigma),
            cdf((-1 - x) / sigma) * (1 - cdf((1 - x) / sigma)),
        )

    expected, whole, parts, excess = map(np.asarray, smoothed(X, quantile(quantile_levels(values))))
    assert np.max(np.abs(whole - expected)) <= 1 / values + 1e-12  # two jumps of half a weight each
    np.testing.assert_allclose(parts - whole, excess, atol=1e-15)  # rounding
    if sigma == 1:
        assert np.max(parts - expected) > 0.02


def test_branch_weights_sum_to_one_but_the_companions_do_not():
    for mixture in (branches.threshold_by_argmax, branches.threshold_by_steps):
        probabilities = np.asarray(jax.jit(mixture)(X, 1.0).probabilities)
        np.testing.assert_allclose(probabilities.sum(0), 1, atol=1e-15)
        assert np.all(probabilities >= 0)
    written = np.asarray(jax.jit(branches.companion_threshold_by_steps)(X, 1.0).probabilities)
    np.testing.assert_allclose(written.sum(0) - 1, expit(-1 - X) * (1 - expit(1 - X)), atol=1e-15)


def test_moments_are_those_of_repeated_outcomes():
    """Weights of 1/4, 1/4 and 1/2 are four equally likely outcomes; numpy knows their mean and variance."""
    mixture = branches.Mixture(jnp.asarray([[0.25], [0.25], [0.5]]), jnp.asarray([[0.0], [1.0], [5.0]]))
    found = jax.jit(branches.moments)(mixture)
    assert float(found.mean[0]) == np.mean([0, 1, 5, 5])
    assert float(found.variance[0]) == np.var([0, 1, 5, 5])


@pytest.mark.parametrize("mixture", [branches.threshold_by_argmax, branches.threshold_by_steps])
def test_soft_thresholding_is_odd_and_tends_to_the_hard_one(mixture):
    mean_of = jax.jit(lambda x, threshold: branches.moments(mixture(x, threshold)).mean)
    mean = np.asarray(mean_of(X, 1.0))
    np.testing.assert_allclose(mean, -mean[::-1], atol=1e-14)
    far = np.array([-500.0, -100.0, 0.0, 100.0, 500.0])  # unit noise is nothing at this scale
    hard = jax.jit(branches.soft_threshold)(far, 50.0)
    assert hard.tolist() == [-450, -50, 0, 50, 450]
    np.testing.assert_allclose(mean_of(far, 50.0), hard, atol=1e-12)


def test_companions_variance_at_two_is_tenfold():
    mixture = jax.jit(branches.threshold_by_argmax)(np.array([2.0]), 1.0)
    written, meant = (jax.jit(of)(mixture).variance[0] for of in (branches.companion_moments, branches.moments))
    assert float(written) == pytest.approx(1.731, abs=1e-3)
    assert float(meant) == pytest.approx(0.1735, abs=1e-4)


def test_order_frequencies_count_pairs():
    noise = np.array([[0.0, 1.0], [0.0, -1.0], [0.5, 0.6], [2.0, -2.0]])
    gaps = np.array([-2.0, 0.0, 0.5, 3.0])
    counted = [np.mean(gap + noise[:, 0] > noise[:, 1]) for gap in gaps]
    assert branches.order_frequencies(gaps, noise).tolist() == counted
    draws = np.random.default_rng(0).normal(size=(20_000, 2))
    probability = np.asarray(jax.jit(gaussian_order)(gaps, np.zeros_like(gaps)))
    z = (branches.order_frequencies(gaps, draws) - probability) / np.sqrt(probability * (1 - probability) / 20_000)
    assert np.max(np.abs(z)) < 4.5
