import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.highres import discretisation, flows
from perspectives.numerics.statistics import slope

ROUNDING = 1e-13
"""A hundred steps of a few operations each, on values of order 1."""


START = (2.0, 2.0, 2.0)


def test_semi_implicit_euler_is_nesterovs_method_one_index_later(logistic):
    gradient, start = jax.grad(logistic), jnp.array(START)
    nesterov = discretisation.nesterov(gradient, 0.5, start, 100)
    semi_implicit = discretisation.semi_implicit(gradient, 0.5, start, 101).x
    np.testing.assert_allclose(semi_implicit[1:], nesterov, atol=ROUNDING)


def test_rate_matching_with_weight_k_plus_1_and_gradient_at_x_is_nesterovs_method(logistic):
    gradient, start = jax.grad(logistic), jnp.array(START)
    nesterov = discretisation.nesterov(gradient, 0.5, start, 100)
    matched = discretisation.rate_matched(gradient, 0.5, start, 100, weight=1, gradient_at="x")
    np.testing.assert_allclose(matched, nesterov, atol=ROUNDING)


def test_rate_matching_with_the_printed_weight_is_not_nesterovs_method(logistic):
    gradient, start = jax.grad(logistic), jnp.array(START)
    nesterov = discretisation.nesterov(gradient, 0.5, start, 100)
    matched = discretisation.rate_matched(gradient, 0.5, start, 100, weight=2, gradient_at="x")
    assert jnp.max(jnp.abs(matched - nesterov)) > 1e-2


def test_semi_implicit_step_solves_the_printed_implicit_line(logistic):
    gradient = jax.grad(logistic)
    state = discretisation.SemiImplicit(*jax.random.normal(jax.random.key(2), (2, 3)))
    s, k = 0.3, 4
    following = discretisation.semi_implicit_step(gradient, s, k, state)
    x = state.x + 2 / k * (state.v - following.x) - s * gradient(state.x)
    v = state.v - 0.5 * k * s * gradient(following.x) - s * gradient(following.x)
    np.testing.assert_allclose(following.x, x, rtol=1e-13)
    np.testing.assert_allclose(following.v, v, rtol=1e-13)


@pytest.mark.parametrize(
    ("method", "flow", "offset", "order"),
    [
        ("nesterov", flows.shi, 1.5, 1.0),
        ("nesterov", flows.second_choice, 0.0, 0.5),
        ("ode_24", lambda h: flows.ConvexFlow(h, 1.0, -0.25), 0.5, 1.0),
        ("ode_27", lambda h: flows.ConvexFlow(h, 1.0, 0.75), 0.5, 1.0),
    ],
)
def test_convergence_order_in_s(logistic, method, flow, offset, order):
    """Against its modified equation a method is of order 1 in s; against any other high-resolution ODE of order 1/2."""
    gradient, start, horizon = jax.grad(logistic), jnp.array(START), 5.0
    errors = []
    steps = [2.0**-6, 2.0**-8, 2.0**-10]
    count = int(horizon / np.sqrt(steps[-1]))
    for s in steps:
        if method == "nesterov":
            first, x = 0, discretisation.nesterov(gradient, s, start, count)
        else:
            weight = {"ode_24": 0, "ode_27": 2}[method]
            first, x = 1, discretisation.rate_matched(gradient, s, start, count, weight=weight)
        h = np.sqrt(s)
        times = (np.arange(first, first + count + 1) + offset) * h
        within = (times >= 1.0) & (times <= horizon)
        exact = flows.solve(flow(h), logistic, start, jnp.minimum(jnp.asarray(times), horizon)).states.x
        errors.append(np.max(np.linalg.norm(np.asarray(x - exact), axis=1)[within]))
    measured = slope(np.log(steps), np.log(errors))
    assert abs(measured - order) < 0.15, measured  # terms of the next order at finite s


def test_iterate_counts_and_starts_as_it_says():
    states = discretisation.iterate(lambda k, x: x + k, jnp.array(10), 3, 4)
    np.testing.assert_array_equal(states, [10, 13, 17, 22, 28])
