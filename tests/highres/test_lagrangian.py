import jax
import jax.numpy as jnp
import numpy as np

from perspectives.highres import lagrangian


def test_oscillator_without_scaling_or_force_is_newtons_law(logistic):
    """With alpha = beta = gamma = 0 the equation is x'' = -grad f(x), whatever the velocity."""

    def free(t, x, velocity):
        return 0.5 * jnp.sum(velocity**2) - logistic(x)

    x, velocity = jax.random.normal(jax.random.key(0), (2, 3))
    found = lagrangian.acceleration(free, lambda t, x, velocity: jnp.zeros(3), jnp.array(1.3), x, velocity)
    np.testing.assert_allclose(found, -jax.grad(logistic)(x), rtol=1e-13)  # a few operations


def test_general_scaling_gives_the_printed_equation(logistic):
    """x'' + (gamma' - alpha') x' + e^(2 alpha + beta) grad f = e^(alpha - gamma) F, equation (6)."""
    p, c, t = 3.0, 0.5, 1.7
    x, velocity, push = jax.random.normal(jax.random.key(0), (3, 3))
    free = lagrangian.convex_lagrangian(lagrangian.PolynomialScaling(p, c), logistic)
    found = lagrangian.acceleration(free, lambda t, x, velocity: push, jnp.array(t), x, velocity)
    damping = p / t + 1 / t
    expected = push * p / t ** (p + 1) - damping * velocity - (p / t) ** 2 * c * t**p * jax.grad(logistic)(x)
    np.testing.assert_allclose(found, expected, rtol=1e-12)  # some hundred operations
