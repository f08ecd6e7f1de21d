import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.highres import flows, lyapunov

MU = 0.05


@pytest.mark.parametrize(
    ("flow", "weight"),
    [
        (flows.first_choice(0.4), lambda t: t**2 / 4),
        (flows.second_choice(0.4), lambda t: t**2 / 4 + 0.4 * t / 2),
        (flows.second_choice(0.4, 3.0, 0.2), lambda t: 0.2 * t**3 + 0.4 * t / 3),
    ],
    ids=["ode_10", "ode_14", "ode_13_p_3"],
)
def test_convex_lyapunov_function_never_increases_and_bounds_the_gap(logistic, minimiser, flow, weight):
    times = jnp.linspace(0.1, 10.0, 101)
    states = flows.solve(flow, logistic, 2.0 * jnp.ones(3), times).states
    gaps = jax.vmap(lambda x: logistic.gap(x, minimiser))(states.x)
    values = jax.vmap(lambda t, v, gap: lyapunov.convex_lyapunov(flow, t, v, minimiser, gap))(times, states.v, gaps)
    np.testing.assert_allclose(jax.vmap(lambda t: lyapunov.gap_weight(flow, t))(times), weight(times), rtol=1e-12)
    assert jnp.max(jnp.diff(values) / values[:-1]) < 0
    assert jnp.max(gaps * weight(times)) < 0.5 * jnp.sum((2.0 - minimiser) ** 2)


def test_strongly_convex_lyapunov_function_never_increases(logistic, minimiser):
    flow = flows.StronglyConvexFlow(0.4, MU)
    times = jnp.linspace(0.0, 20.0, 101)
    states = flows.solve(flow, logistic, 2.0 * jnp.ones(3), times).states
    gaps = jax.vmap(lambda x: logistic.gap(x, minimiser))(states.x)
    values = jax.vmap(lambda t, x, u, gap: lyapunov.strongly_convex_lyapunov(flow, t, x, u, minimiser, gap))(
        times, states.x, states.v, gaps
    )
    assert jnp.max(jnp.diff(values) / values[:-1]) < 0


def test_pair_form_carries_the_vector_inside_the_printed_lyapunov_function(logistic):
    x, velocity = jax.random.normal(jax.random.key(1), (2, 3))
    t, h, p = 1.3, 0.4, 3.0
    pair = flows.second_choice(h, p, 0.2).pair(logistic, jnp.array(t), x, velocity)
    inside = x + t / p * velocity + h * t / p * jax.grad(logistic)(x)
    np.testing.assert_allclose(pair.v, inside, rtol=1e-14)  # the same few operations in another order


def test_a_flow_without_its_forcing_breaks_the_second_theorem(logistic, minimiser):
    """The check can fail: with the weight of Theorem 2.2 the flow of (10) is not promised to decrease at large h."""
    flow = flows.first_choice(20.0)
    wrong = flows.second_choice(20.0)
    times = jnp.linspace(0.1, 10.0, 101)
    states = flows.solve(flow, logistic, 2.0 * jnp.ones(3), times).states
    gaps = jax.vmap(lambda x: logistic.gap(x, minimiser))(states.x)
    values = jax.vmap(lambda t, v, gap: lyapunov.convex_lyapunov(wrong, t, v, minimiser, gap))(times, states.v, gaps)
    assert jnp.max(jnp.diff(values)) > 0
