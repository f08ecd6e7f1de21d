import jax.numpy as jnp
import numpy as np

from perspectives.numerics.ode import trajectory


def rotate(t, state, frequency):
    return frequency * jnp.array([-state[1], state[0]])


def test_rotation_by_its_closed_form_and_at_an_end_time_that_is_no_round_number():
    times = jnp.logspace(-3, np.log10(7.3), 50)
    found = trajectory(rotate, jnp.array([1.0, 0.0]), times, jnp.array(2.0), since=0.0)
    exact = jnp.stack([jnp.cos(2 * times), jnp.sin(2 * times)], axis=1)
    # A hundredfold of the relative tolerance 1e-9: errors of some ten steps add up, dense output loses a little.
    np.testing.assert_allclose(found.states, exact, atol=1e-7)
    assert 3 < int(found.steps) < 200


def test_times_before_the_start_may_be_repeated_starts():
    times = jnp.repeat(jnp.array([0.0, 1.0]), 25)  # as many as above: compiled once
    found = trajectory(rotate, jnp.array([1.0, 0.0]), times, jnp.array(1.0), since=0.0)
    np.testing.assert_array_equal(found.states[0], found.states[1])
    np.testing.assert_array_equal(found.states[25], found.states[-1])
    np.testing.assert_array_equal(found.states[0], [1.0, 0.0])


def test_a_sweep_of_the_parameter_compiles_nothing_again():
    times = jnp.linspace(0.1, 1.0, 5)
    start = jnp.array([1.0, 0.0])
    traces = []

    def counted(t, state, frequency):
        traces.append(None)
        return rotate(t, state, frequency)

    trajectory(counted, start, times, jnp.array(1.0), since=0.0)
    first = len(traces)
    for frequency in (2.0, 3.0):
        trajectory(counted, start, times, jnp.array(frequency), since=0.0)
    assert len(traces) == first
    assert first > 0
