import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.highres import constants
from perspectives.highres.problems import Quadratic, WorstCase, newton_minimiser, planted_logistic


def _problem(name):
    if name == "worst_case":
        problem = WorstCase(50)
        return problem, jnp.zeros(50), problem.minimiser
    if name == "quadratic":
        problem = Quadratic((jnp.arange(1, 51) / 50) ** 2)
        return problem, jnp.ones(50), problem.minimiser
    problem = planted_logistic(40, 3, 0.01, key=jax.random.key(0))
    return problem, jnp.zeros(3), newton_minimiser(problem)


@pytest.mark.parametrize("name", ["worst_case", "quadratic", "logistic"])
@pytest.mark.parametrize("fraction", [1.0, 0.3])
def test_theorem_3_1(name, fraction):
    problem, start, minimiser = _problem(name)
    s = fraction / problem.smoothness
    found = jax.tree.map(np.asarray, constants.descent(problem, s, start, minimiser, 300))
    k, s, distance = np.arange(1, 301), float(s), float(found.squared_distance[0])
    assert distance == pytest.approx(float(jnp.sum((start - minimiser) ** 2)))
    smallest = constants.smallest_squared_gradient(found.squared_gradient)
    assert np.all(smallest <= constants.gradient_bound(k, s, distance))
    assert np.all(found.gap[1:] <= constants.gap_bound(k, s, distance))
    assert constants.lyapunov_violation(s, *found) <= 1e-12  # rounding of 300 values against the first


def test_a_step_beyond_2_over_l_breaks_the_lyapunov_inequality():
    problem, start, minimiser = _problem("quadratic")
    s = 2.5 / problem.smoothness
    found = jax.tree.map(np.asarray, constants.descent(problem, s, start, minimiser, 50))
    assert constants.lyapunov_violation(float(s), *found) > 1.0


def test_smallest_squared_gradient_looks_only_at_earlier_indices():
    np.testing.assert_array_equal(constants.smallest_squared_gradient(np.array([3.0, 5.0, 1.0, 0.0])), [3.0, 3.0, 1.0])


def test_bootstrapped_slope_of_a_line_is_its_slope_with_no_width():
    x = np.linspace(0.0, 1.0, 20)
    found = constants.bootstrapped_slope(x, 2.0 - 3.0 * x, 50, key=jax.random.key(0))
    np.testing.assert_allclose(found, -3.0, rtol=1e-12)
