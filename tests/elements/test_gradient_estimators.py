from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.elements.gradient_estimators import (
    ESTIMATORS,
    PATHWISE,
    RESPONSES,
    deviation_in_dimensions,
    estimate,
    moments,
    sample_means,
)

MEAN, SIGMA = 0.8, 0.3
SMOOTHED_DERIVATIVES = {
    "cube": (lambda u: u**3, 3 * MEAN**2 + 3 * SIGMA**2),
    "sine": (jnp.sin, np.cos(MEAN) * np.exp(-(SIGMA**2) / 2)),
}


def cube(u):
    return u**3


@pytest.fixture(scope="module")
def exact():
    """The moments of every estimator for every function, compiled at once."""
    functions = {name: f for name, (f, _) in SMOOTHED_DERIVATIVES.items()}
    cases = [(name, function) for name in ESTIMATORS for function in functions]
    return jax.jit(lambda sigma: {(name, of): moments(name, functions[of], MEAN, sigma) for name, of in cases})(SIGMA)


@pytest.mark.parametrize("function", SMOOTHED_DERIVATIVES)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_is_unbiased_for_the_smoothed_derivative(name, function, exact):
    _, expected = SMOOTHED_DERIVATIVES[function]
    # Quadrature is exact for the cube and converges exponentially for the sine: rounding of values up to 1 / sigma.
    assert float(exact[name, function].mean) == pytest.approx(expected, abs=1e-13)


def test_deviation_of_the_pathwise_estimator_is_that_of_a_squared_normal_variable(exact):
    """Var 3 u^2 = 9 (4 m^2 sigma^2 + 2 sigma^4)."""
    found = exact[PATHWISE, "cube"].deviation
    assert float(found) == pytest.approx(3 * np.sqrt(4 * MEAN**2 * SIGMA**2 + 2 * SIGMA**4), rel=1e-12)  # rounding


@pytest.mark.parametrize("name", RESPONSES)
def test_deviation_in_dimensions_is_that_of_a_grid_of_nodes(name, exact):
    nodes, weights = np.polynomial.hermite_e.hermegauss(10)  # exact up to degree 19
    weights = weights / weights.sum()
    z = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 3)
    weight = np.einsum("i,j,k->ijk", weights, weights, weights).ravel()

    def f(u):
        return np.sum(u**3, axis=1)

    up, down, centre = f(MEAN + SIGMA * z), f(MEAN - SIGMA * z), f(MEAN + 0 * z)
    response = {"plain": up, "forward": up - centre, "central": (up - down) / 2}[name]
    estimates = response * z[:, 0] / SIGMA
    mean = weight @ estimates
    expected = np.sqrt(weight @ (estimates - mean) ** 2)
    one, three = jax.jit(partial(deviation_in_dimensions, name, cube))(MEAN, SIGMA, np.array([1.0, 3.0]))
    assert float(three) == pytest.approx(expected, rel=1e-10)  # a difference of squares of like size
    assert float(one) == pytest.approx(float(exact[name, "cube"].deviation), rel=1e-10)


def test_pathwise_deviation_does_not_grow_with_dimension():
    found = jax.jit(partial(deviation_in_dimensions, PATHWISE, cube))(MEAN, SIGMA, np.array([1.0, 1e5]))
    assert float(found[0]) == float(found[1])


def test_sample_means_are_means_of_separate_draws_of_the_same_noise():
    key = jax.random.key(3)
    found = sample_means(cube, MEAN, SIGMA, (2, 5), 3, key=key)
    assert found.shape == (len(ESTIMATORS), 2, 3)
    noise = jax.random.normal(key, (3, 7))
    for name, of in zip(ESTIMATORS, found, strict=True):
        each = np.asarray(jax.jit(jax.vmap(jax.vmap(partial(estimate, name, cube, MEAN, SIGMA))))(noise))
        np.testing.assert_allclose(of, [each[:, :2].mean(1), each[:, 2:].mean(1)], rtol=1e-12)  # order of summation


def test_error_of_a_mean_is_the_deviation_over_the_root_of_the_draws(exact):
    draws, repetitions = 100, 400
    found = sample_means(cube, MEAN, SIGMA, (draws,), repetitions, key=jax.random.key(0))
    for name, of in zip(ESTIMATORS, found, strict=True):
        ratio = np.sqrt(np.mean((of[0] - float(exact[name, "cube"].mean)) ** 2) * draws) / float(
            exact[name, "cube"].deviation
        )
        assert ratio == pytest.approx(1, abs=4 / np.sqrt(2 * repetitions))  # four standard errors of a deviation
