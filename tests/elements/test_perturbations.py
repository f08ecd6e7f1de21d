import jax
import jax.numpy as jnp
import numpy as np

from perspectives.elements import perturbations

SCORES = jnp.array([1.0, 0.0, -0.5])


def test_derivatives_are_those_of_softmax():
    exact = jax.jit(perturbations.exact)(SCORES)
    p = np.asarray(exact.argmax)
    np.testing.assert_allclose(exact.argmax_jacobian, np.diag(p) - np.outer(p, p), atol=1e-15)  # rounding
    np.testing.assert_allclose(exact.maximum_gradient, p, atol=1e-15)


def test_estimates_are_within_their_standard_errors():
    batches = 50
    found = jax.tree.map(
        np.asarray, perturbations.estimated(SCORES, draws=20_000, batches=batches, key=jax.random.key(0))
    )
    for estimates, expected in zip(found, jax.jit(perturbations.exact)(SCORES), strict=True):
        error = estimates.std(0, ddof=1) / np.sqrt(batches)
        assert np.all(error > 0)
        assert np.max(np.abs(estimates.mean(0) - expected) / error) < 5  # 16 values, t of 49 degrees: one in 5000


def test_gumbel_density_has_mass_one_mean_zero_and_mode_minus_eulers_constant():
    z = np.linspace(-6, 40, 46_001)
    density = perturbations.density(z)
    assert abs(np.trapezoid(density, z) - 1) < 1e-12  # smooth and flat at both ends: the trapezoid rule is exact
    assert abs(np.trapezoid(density * z, z)) < 1e-12
    assert abs(z[np.argmax(density)] + np.euler_gamma) <= 1e-3  # one cell
