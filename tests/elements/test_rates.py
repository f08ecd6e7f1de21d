import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.elements import rates


@pytest.fixture(scope="module")
def runs():
    """Iterates by (step, momentum), L-BFGS's and Newton's, in one compilation."""
    settings = [(0.5, 0.0), (1.8, 0.2), (2.05, 0.0), (rates.BEST_STEP, 0.0)]

    @jax.jit
    def run(steps, momenta):
        descents = jax.vmap(lambda step, momentum: rates.descend(step, momentum, 200))(steps, momenta)
        return descents, rates.limited_memory(12), rates.newton(lambda w: jnp.exp(w) - w, 1.0, 4)

    descents, searched, newton = jax.tree.map(np.asarray, run(*jnp.array(settings).T))
    return dict(zip(settings, descents, strict=True)), searched, newton


def test_momentum_is_the_heavy_balls(runs):
    w = before = np.array(rates.START)
    for found in runs[0][1.8, 0.2][1:50]:
        w, before = w - 1.8 * np.array(rates.CURVATURES) * w + 0.2 * (w - before), w
        np.testing.assert_allclose(found, w, rtol=1e-10)  # rounding of fifty steps


def test_measured_rates_are_spectral_radii_of_converging_and_diverging_runs(runs):
    for (step, momentum), iterates in runs[0].items():
        measured = rates.measured_rate(np.linalg.norm(iterates, axis=1))
        assert measured == pytest.approx(rates.spectral_radius(step, momentum), abs=1e-5)


@pytest.mark.parametrize("step", [0.3, 1.7, 2.4])
def test_spectral_radius_without_momentum_is_the_largest_factor(step):
    assert rates.spectral_radius(step, 0.0) == pytest.approx(max(abs(1 - 0.1 * step), abs(1 - step)), rel=1e-12)


def test_spectral_radius_of_oscillations_is_the_root_of_the_momentum():
    assert rates.spectral_radius(2.0, 0.5) == pytest.approx(0.5**0.5, rel=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.2, 0.5])
def test_descent_is_stable_up_to_one_plus_momentum_times_the_limit(momentum):
    limit = (1 + momentum) * rates.STABILITY_LIMIT
    assert rates.spectral_radius(0.999 * limit, momentum) < 1 < rates.spectral_radius(1.001 * limit, momentum)


def test_no_step_beats_the_best_one():
    best = rates.spectral_radius(rates.BEST_STEP, 0.0)
    assert best == pytest.approx((1 - 0.1) / (1 + 0.1), rel=1e-12)
    assert all(rates.spectral_radius(step, 0.0) >= best for step in np.linspace(0.1, 2, 39))


def test_lbfgs_finds_the_minimum_by_few_gradients(runs):
    searched = runs[1]
    distance = np.linalg.norm(searched.iterates, axis=1)
    assert distance[-1] < 1e-12
    assert (np.diff(searched.gradients) >= 1).all()
    assert searched.gradients[np.argmax(distance < 1e-8)] < 15


def test_newton_converges_quadratically_with_the_constant_of_its_function(runs):
    error = runs[2]
    assert error[-1] / error[-2] ** 2 == pytest.approx(0.5, abs=0.01)  # f''' / (2 f'') = 1/2, up to the error itself


def test_quartic_descent_falls_like_the_inverse_root():
    w = np.asarray(rates.quartic_descent(1.0, 0.5, 2000))
    assert w[-1] * np.sqrt(2 * 0.5 * 2000) == pytest.approx(1, abs=0.01)  # up to a logarithm of t over t


def test_progress_ratios_tend_to_their_limits_and_survive_underflow():
    far = np.array([1e6])
    for rate in rates.RATES.values():
        assert rate.progress(far)[0] == pytest.approx(rate.limit, abs=1e-5)
    t = np.array([5.0])
    superlinear = rates.RATES["exp(-t^2)"].progress(t)[0]
    assert superlinear == pytest.approx(np.exp(-25.0) / np.exp(-16.0), rel=1e-12)
