import jax
import numpy as np
import pytest

from perspectives.elements import comparisons

U = np.linspace(-4, 4, 33)
ZERO = np.zeros_like(U)


@pytest.mark.parametrize("noise", ["logistic", "gaussian"])
def test_soft_equal_is_the_density_of_the_noise_over_its_peak(noise):
    greater, equal = (getattr(comparisons, f"{noise}_{name}") for name in ("greater", "equal"))
    density = np.asarray(jax.jit(jax.vmap(jax.grad(greater)))(U, ZERO))
    np.testing.assert_allclose(jax.jit(equal)(U, ZERO), density / density[16], atol=1e-15)  # rounding; U[16] = 0


@pytest.mark.parametrize("noise", ["logistic", "gaussian"])
def test_one_of_two_is_greater(noise):
    greater = jax.jit(getattr(comparisons, f"{noise}_greater"))
    np.testing.assert_allclose(greater(U, ZERO) + greater(ZERO, U), 1, atol=1e-15)


def test_soft_comparisons_tend_to_the_hard_ones():
    sharp = 1000 * U
    for soft, hard in (
        (comparisons.logistic_greater, comparisons.hard_greater),
        (comparisons.gaussian_greater, comparisons.hard_greater),
        (comparisons.logistic_equal, comparisons.hard_equal),
        (comparisons.gaussian_equal, comparisons.hard_equal),
    ):
        away = U != 0  # where both are equal a soft greater says one half
        found, expected = (np.asarray(jax.jit(one)(sharp, ZERO)) for one in (soft, hard))
        np.testing.assert_allclose(found[away], expected[away], atol=1e-15)
        if hard is comparisons.hard_equal:
            assert found[16] == expected[16] == 1


def test_companion_equality_is_the_secant_with_the_bracket_misplaced():
    as_written, meant = np.exp(U) / (1 + np.exp(U) ** 2), np.exp(U) / (1 + np.exp(U)) ** 2
    for found, kernel, peak in (
        (comparisons.companion_logistic_equal, as_written, 1 / 2),
        (comparisons.logistic_equal, meant, 1 / 4),
    ):
        np.testing.assert_allclose(jax.jit(found)(U, ZERO), kernel / peak, rtol=1e-14)  # rounding
