import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.special import expit

from perspectives.elements import finite_differences
from perspectives.elements.finite_differences import central_difference, complex_step, forward_difference, softplus
from perspectives.numerics.statistics import order

STEPS = 2.0 ** -np.arange(2, 9)
POINT = np.array(0.75)


def test_differences_of_a_parabola_are_off_by_the_step_and_exact():
    square = np.square
    # all numbers are short binary fractions, so nothing is rounded
    np.testing.assert_array_equal(forward_difference(square, POINT, STEPS), 1.5 + STEPS)
    np.testing.assert_array_equal(central_difference(square, POINT, STEPS), np.full(7, 1.5))
    np.testing.assert_array_equal(complex_step(square, POINT, STEPS), np.full(7, 1.5))


def test_central_and_complex_errors_of_a_cubic_are_opposite():
    cube = lambda x: x * x * x  # noqa: E731
    np.testing.assert_allclose(central_difference(cube, POINT, STEPS) - 3 * POINT**2, STEPS**2, rtol=1e-12)
    np.testing.assert_allclose(complex_step(cube, POINT, STEPS) - 3 * POINT**2, -(STEPS**2), rtol=1e-12)


@pytest.mark.parametrize(("rule", "expected"), [(forward_difference, 1), (central_difference, 2), (complex_step, 2)])
def test_orders_on_the_sine(rule, expected):
    error = np.abs(rule(np.sin, POINT, STEPS[3:]) - np.cos(POINT))
    assert order(STEPS[3:], error) == pytest.approx(expected, abs=0.02)  # the next term of the expansion at 2^-5


def test_complex_step_has_all_digits_at_the_smallest_steps():
    x = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(complex_step(softplus, x, np.array(1e-300)), expit(x), rtol=4e-16)  # 2 ulp
    assert np.abs(forward_difference(softplus, x, np.array(1e-300)) - expit(x)).max() > 0.9


@pytest.mark.parametrize(
    ("optimum", "truncation", "power"),
    [
        (finite_differences.forward_optimum, lambda x: expit(x) * (1 - expit(x)) / 2, 1),
        (finite_differences.central_optimum, lambda x: expit(x) * (1 - expit(x)) * abs(1 - 2 * expit(x)) / 6, 2),
    ],
)
def test_optimum_is_the_least_sum_of_truncation_and_cancellation(optimum, truncation, power):
    x = np.array([-1.5, 1.0])
    grid = np.geomspace(0.5, 2, 101)[:, None]
    step = optimum(x) * grid
    rounding = (2 if power == 1 else 1) * 2.0**-53 * softplus(x)
    assert (np.argmin(truncation(x) * step**power + rounding / step, axis=0) == 50).all()


def test_no_central_step_balances_where_the_third_derivative_vanishes():
    assert finite_differences.central_optimum(np.array([0.0]))[0] == np.inf


def test_best_step_is_that_of_the_least_error():
    errors = np.array([[3.0, 1.0, 2.0], [0.5, 1.0, 2.0]])
    np.testing.assert_array_equal(finite_differences.best_steps(errors, np.array([0.1, 0.2, 0.3])), [0.2, 0.1])


def test_automatic_derivative_of_the_softplus_agrees_with_differences_in_both_modes():
    check_grads(lambda x: jnp.log1p(jnp.exp(x)), (jnp.array(0.3),), order=1)
    assert float(jax.grad(lambda x: jnp.log1p(jnp.exp(x)))(0.3)) == pytest.approx(float(expit(0.3)), rel=1e-15)
