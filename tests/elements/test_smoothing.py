import jax
import numpy as np
import pytest
from scipy.special import ndtri

from perspectives.elements import smoothing
from perspectives.elements.conjugates import wavy_parabola

SIGMA = 0.7
X = np.linspace(-3, 3, 61)
smoothed_relu, smoothed_step = jax.jit(smoothing.smoothed_relu), jax.jit(smoothing.smoothed_step)


def test_derivative_of_the_smoothed_relu_is_the_smoothed_step():
    derivative = jax.jit(jax.vmap(jax.grad(smoothing.smoothed_relu), in_axes=(0, None)))(X, SIGMA)
    np.testing.assert_allclose(derivative, smoothed_step(X, SIGMA), atol=1e-15)  # rounding


def test_means_over_quantiles_are_the_closed_forms():
    values = 5000
    noisy = X[:, None] + SIGMA * ndtri(smoothing.quantile_levels(values))
    step = (noisy >= 0).mean(1)
    # A jump costs half a weight; 1e-12 for quantiles that round across it.
    assert np.max(np.abs(step - smoothed_step(X, SIGMA))) <= 0.5 / values + 1e-12
    relu = np.maximum(noisy, 0).mean(1)
    # The midpoint rule errs most in the outermost cells, where the quantile is unbounded: by about its weight.
    assert np.max(np.abs(relu - smoothed_relu(X, SIGMA))) <= 1 / values


@pytest.mark.parametrize("sigma", [0.05, 0.25, 1.0])
def test_closed_form_of_the_wavy_parabola_is_its_mean(sigma):
    noise = ndtri(smoothing.quantile_levels(20_000))
    x = np.linspace(-1, 1, 11)
    expected = wavy_parabola(x[:, None] + sigma * noise).mean(1)
    # The cut tail of E z^2 is about 4 log(n) / n.
    np.testing.assert_allclose(smoothing.smoothed_wavy_parabola(x, sigma), expected, atol=3e-3 * sigma**2 + 1e-6)


def test_filter_smooths_by_the_width_asked_for_on_any_grid():
    for spacing in (0.01, 0.03):
        x = spacing * np.arange(-1000, 1001)
        inner = np.abs(x) < 2
        found = smoothing.gaussian_filter(wavy_parabola(x), spacing, 0.5)
        # A sampled Gaussian kernel of many cells has its width to rounding.
        np.testing.assert_allclose(found[inner], smoothing.smoothed_wavy_parabola(x, 0.5)[inner], atol=1e-10)


def test_companion_filter_is_narrower_by_its_ratio_of_spacings():
    impulse = np.zeros(1000)
    impulse[500] = 1
    spacing = 8 / 999
    assert smoothing.effective_width(smoothing.gaussian_filter(impulse, spacing, 0.5), spacing) == pytest.approx(0.5)
    assert smoothing.effective_width(smoothing.companion_filter(impulse, 0.5), spacing) == pytest.approx(0.4)
