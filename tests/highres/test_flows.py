import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from perspectives.highres import flows
from perspectives.highres.problems import Quadratic

H = 0.3
MU = 0.05


def _point():
    x, velocity = jax.random.normal(jax.random.key(1), (2, 3))
    return jnp.array(1.7), x, velocity


def _relative_difference(one, other):
    return float(jnp.max(jnp.abs(one - other)) / jnp.max(jnp.abs(other)))


@pytest.mark.parametrize(
    ("flow", "damping", "coefficient"),
    [
        (flows.low_resolution(), 0.0, lambda t: 1.0),
        (flows.perturbed_low_resolution(H), 0.0, lambda t: 1.0 + 2 * H / t),
        (flows.first_choice(H), H, lambda t: 1.0 + H / t),
        (flows.second_choice(H), H, lambda t: 1.0 + 3 * H / t),
        (flows.shi(H), H, lambda t: 1.0 + 1.5 * H / t),
    ],
    ids=["(23)", "(26)", "(10)", "(14)", "shi"],
)
def test_pair_form_is_the_printed_second_order_equation(logistic, flow, damping, coefficient):
    t, x, velocity = _point()
    gradient, hessian = jax.grad(logistic)(x), jax.hessian(logistic)(x)
    expected = -(3 / t * velocity + damping * hessian @ velocity + coefficient(t) * gradient)
    assert _relative_difference(flows.acceleration(flow, logistic, t, x, velocity), expected) < 1e-12  # rounding


def test_low_resolution_flow_on_a_quadratic_is_a_bessel_function():
    eigenvalues = jnp.array([0.3, 1.0, 4.0])
    times = jnp.linspace(0.5, 12.0, 30)
    found = flows.solve(flows.low_resolution(), Quadratic(eigenvalues), jnp.ones(3), times).states.x
    phase = np.sqrt(eigenvalues)[None] * np.asarray(times)[:, None]
    # x = 2 J_1(z)/z: a hundredfold of the solver's relative tolerance 1e-9, and the start at t = 1e-6.
    np.testing.assert_allclose(found, 2 * special.j1(phase) / phase, atol=1e-7)


def test_strongly_convex_flow_on_a_quadratic_is_a_damped_oscillation():
    times = jnp.linspace(0.1, 10.0, 30)
    found = flows.solve(flows.StronglyConvexFlow(H, MU), Quadratic(jnp.array([1.0])), jnp.ones(1), times).states.x
    damping, stiffness = 2 * np.sqrt(MU) + H, 1 + np.sqrt(MU) * H
    frequency = np.sqrt(stiffness - damping**2 / 4)
    angle = frequency * np.asarray(times)
    exact = np.exp(-damping * times / 2) * (np.cos(angle) + damping / (2 * frequency) * np.sin(angle))
    np.testing.assert_allclose(found[:, 0], exact, atol=1e-7)  # a hundredfold of the solver's tolerance


def test_a_flow_starts_where_it_is_told_however_early_the_first_time(logistic):
    found = flows.solve(flows.second_choice(H), logistic, jnp.ones(3), jnp.linspace(0.0, 1.0, 101))
    np.testing.assert_array_equal(found.states.x[0], jnp.ones(3))
