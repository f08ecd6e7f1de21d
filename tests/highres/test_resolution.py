import jax.numpy as jnp
import numpy as np

from perspectives.highres import flows, resolution


def test_a_sequence_on_the_flow_has_no_distance_from_it(logistic):
    s, horizon = jnp.array(0.01), 4.0
    start = 2.0 * jnp.ones(3)
    times = jnp.arange(101) * 0.1
    points = flows.solve(flows.second_choice(0.1), logistic, start, times).states.x
    found = resolution.distance_from_flow("nag", "ode_14", logistic, start, s, points, horizon)
    # A hundredfold of the solver's tolerance: the two solves end at different times and step differently.
    assert found < 1e-7


def test_only_the_window_from_1_to_the_horizon_counts(logistic):
    s, start = jnp.array(0.01), 2.0 * jnp.ones(3)
    times = jnp.arange(101) * 0.1
    points = flows.solve(flows.second_choice(0.1), logistic, start, times).states.x
    outside = points.at[:10].add(5.0).at[31:].add(7.0)
    found = resolution.distance_from_flow("nag", "ode_14", logistic, start, s, outside, 3.05)
    assert found < 1e-6
    inside = points.at[20, 1].add(5.0)
    found = resolution.distance_from_flow("nag", "ode_14", logistic, start, s, inside, 3.05)
    np.testing.assert_allclose(found, 5.0, rtol=1e-6)


def test_best_shift_is_found_and_distance_is_relative():
    nesterov = jnp.array([[4.0], [3.0], [2.0], [1.0], [0.0]])
    late = jnp.array([[4.0], [4.0], [3.0], [2.0], [1.5]])
    found = resolution.distance_from_nesterov(nesterov, late, jnp.array(1.0), 10.0)
    assert found.shift == 1
    np.testing.assert_allclose(found.distance, 0.5 / 4.0)
