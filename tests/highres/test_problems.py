import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.highres.problems import (
    LogisticRegression,
    Quadratic,
    WorstCase,
    newton_minimiser,
    planted_logistic,
    standardised,
)


@pytest.mark.parametrize(
    "problem",
    [Quadratic(jnp.array([0.5, 2.0, 3.0])), WorstCase(3), planted_logistic(50, 3, 0.1, key=jax.random.key(3))],
    ids=["quadratic", "worst_case", "logistic"],
)
def test_gradient_is_smooth_with_the_constant_that_the_problem_names(problem):
    points = jax.random.normal(jax.random.key(4), (20, 2, 3))
    difference = jax.vmap(lambda pair: jax.grad(problem)(pair[0]) - jax.grad(problem)(pair[1]))(points)
    ratios = jnp.linalg.norm(difference, axis=1) / jnp.linalg.norm(points[:, 0] - points[:, 1], axis=1)
    assert jnp.max(ratios) <= problem.smoothness
    assert jnp.max(ratios) > 0.1 * problem.smoothness


@pytest.mark.parametrize("problem", [Quadratic(jnp.array([0.5, 2.0, 3.0])), WorstCase(7)], ids=["quadratic", "worst"])
def test_gradient_vanishes_at_the_closed_form_minimiser(problem):
    np.testing.assert_allclose(jax.grad(problem)(problem.minimiser), 0.0, atol=1e-15)


def test_newton_finds_the_minimiser_of_an_easy_and_a_hard_logistic_regression_to_rounding(logistic, minimiser):
    np.testing.assert_allclose(logistic.gradient(minimiser), 0.0, atol=1e-14)
    separable = LogisticRegression(jnp.array([[30.0], [-30.0]]), jnp.array([1.0, 0.0]), 1e-3)
    np.testing.assert_allclose(separable.gradient(newton_minimiser(separable)), 0.0, atol=1e-14)


def test_mean_over_examples_is_the_whole(logistic):
    x = jnp.arange(3.0)
    rows = jnp.arange(40)
    values = jax.vmap(lambda i: logistic.example(i, x))(rows)
    gradients = jax.vmap(lambda i: logistic.example_gradient(i, x))(rows)
    np.testing.assert_allclose(jnp.mean(values), logistic(x), rtol=1e-14)
    np.testing.assert_allclose(jnp.mean(gradients, axis=0), logistic.gradient(x), atol=1e-14)
    np.testing.assert_allclose(jax.grad(logistic)(x), logistic.gradient(x), atol=1e-14)
    assert logistic.largest_example_smoothness >= logistic.smoothness


@pytest.mark.parametrize("size", [1.0, 1e-3])
def test_gap_is_the_difference_of_two_values(logistic, minimiser, size):
    for problem, optimum in (
        (Quadratic(jnp.array([0.5, 2.0, 3.0])), jnp.zeros(3)),
        (WorstCase(3), WorstCase(3).minimiser),
        (logistic, minimiser),
    ):
        x = optimum + size * jnp.array([1.0, -2.0, 0.5])
        # The difference of two values of order 1 is good to 1e-16 or so.
        np.testing.assert_allclose(problem.gap(x, optimum), problem(x) - problem(optimum), rtol=1e-12, atol=2e-16)


def test_gap_of_a_logistic_regression_keeps_its_digits_near_the_minimiser(logistic, minimiser):
    direction = jnp.array([1.0, -2.0, 0.5])
    expected = 0.5 * 1e-18 * direction @ jax.hessian(logistic)(minimiser) @ direction
    # Third-order terms are 1e-9 of this; rounding of the tangents 1e-16 * 1e-9 against 1e-18 leaves seven digits.
    np.testing.assert_allclose(logistic.gap(minimiser + 1e-9 * direction, minimiser), expected, rtol=1e-5)


def test_a_margin_of_a_thousand_does_not_overflow():
    problem = LogisticRegression(jnp.array([[1000.0], [-1000.0]]), jnp.array([0.0, 1.0]))
    x = jnp.ones(1)
    assert problem(x) == 1000.0
    assert jnp.all(jnp.isfinite(problem.gradient(x)))
    assert jnp.all(jnp.isfinite(jax.grad(problem)(x)))


def test_standardised_columns_have_mean_0_and_variance_1():
    columns = standardised(jax.random.uniform(jax.random.key(5), (30, 2)) * jnp.array([1.0, 100.0]))
    np.testing.assert_allclose(jnp.mean(columns, axis=0), 0.0, atol=1e-13)
    np.testing.assert_allclose(jnp.var(columns, axis=0), 1.0, rtol=1e-12)
