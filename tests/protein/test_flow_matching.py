"""Flow matching between normals, where all is known in closed form."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.numerics.statistics import order
from perspectives.protein.flow_matching import FlowMatchingLoss, NormalVelocity, Posterior, prior_samples

MEAN = np.array([1.0, -0.5, 0.3])
DEVIATION = np.array([0.5, 2.0, 1.0])
DRAWS = 200_000


@pytest.fixture(scope="module")
def velocity():
    return NormalVelocity(jnp.asarray(MEAN), jnp.diag(jnp.asarray(DEVIATION**2)))


def test_velocity_is_the_regression_of_differences_on_the_points_between():
    """For a normal pair the conditional mean is the least-squares line, which many draws tell."""
    rng = np.random.default_rng(0)
    root, t = np.array([[1.2, 0.0], [0.9, 0.6]]), 0.35
    start = rng.standard_normal((DRAWS, 2))
    end = MEAN[:2] + rng.standard_normal((DRAWS, 2)) @ root.T
    between = np.column_stack([(1 - t) * start + t * end, np.ones(DRAWS)])
    line = np.linalg.lstsq(between, end - start, rcond=None)[0]
    points = rng.standard_normal((5, 2))
    found = NormalVelocity(jnp.asarray(MEAN[:2]), jnp.asarray(root @ root.T))(jnp.asarray(points), t)
    # Coefficients have errors of about 1 / sqrt(DRAWS) = 0.002 times scales of order 1.
    np.testing.assert_allclose(found, np.column_stack([points, np.ones(5)]) @ line, atol=0.03)


def test_a_time_each_is_one_time_for_all(velocity):
    z = jnp.asarray(np.random.default_rng(1).standard_normal((4, 3)))
    np.testing.assert_allclose(velocity(z, 0.3), velocity(z, jnp.full(4, 0.3)), atol=1e-12)


def closed_form(z):
    """Return where independent dimensions are carried: z -> m + s z."""
    return MEAN + DEVIATION * z


def test_adaptive_samples_are_the_closed_form(velocity):
    z = np.random.default_rng(2).standard_normal((6, 3))
    np.testing.assert_allclose(prior_samples(velocity, jnp.asarray(z), None), closed_form(z), atol=1e-4)


def test_euler_samples_tend_to_it_at_first_order(velocity):
    z = np.random.default_rng(3).standard_normal((6, 3))
    counts = np.array([32, 128])
    errors = np.array(
        [np.abs(prior_samples(velocity, jnp.asarray(z), int(count)) - closed_form(z)).max() for count in counts]
    )
    assert 0.9 < order(1 / counts, errors) < 1.1


@pytest.mark.parametrize("steps", [100])
def test_euler_steps_are_as_many_as_asked_in_float32(steps):
    """A velocity of one counts them: their sizes add up to the time, and its square root's sum tells their number."""
    z = jnp.zeros((1, 1), jnp.float32)
    times = jnp.linspace(0, 1, steps + 1, dtype=jnp.float32)[:-1]
    found = prior_samples(lambda z, t: jnp.broadcast_to(t, z.shape).astype(z.dtype), z, steps)
    np.testing.assert_allclose(found[0, 0], times.sum() / steps, rtol=1e-5)
    assert found.dtype == jnp.float32


@pytest.mark.parametrize(("draws", "spread"), [(True, 1 + np.mean(DEVIATION**2)), (False, 1.0)])
def test_loss_of_no_velocity_is_the_mean_squared_difference(draws, spread):
    batch = Posterior(jnp.tile(jnp.asarray(MEAN), (DRAWS, 1)), jnp.tile(jnp.asarray(DEVIATION), (DRAWS, 1)))
    loss = eqx.filter_jit(FlowMatchingLoss(draws))(lambda z, t: jnp.zeros_like(z), batch, jax.random.key(0))
    np.testing.assert_allclose(loss, spread + np.mean(MEAN**2), rtol=0.01)


def test_the_optimal_velocity_has_the_least_loss(velocity):
    """Its loss is the mean conditional variance, and any velocity off by e everywhere loses e^2 more."""
    draws = DRAWS // 10  # a linear system each
    batch = Posterior(jnp.tile(jnp.asarray(MEAN), (draws, 1)), jnp.tile(jnp.asarray(DEVIATION), (draws, 1)))
    loss = eqx.filter_jit(FlowMatchingLoss(True))
    key = jax.random.key(1)
    s = DEVIATION**2
    # Of a pair of independent normals: Var(x_1 - x_0 | x_t) = s / ((1 - t)^2 + t^2 s), a mean over t by midpoints.
    t = (np.arange(10_000)[:, None] + 0.5) / 10_000
    least = (s / ((1 - t) ** 2 + t**2 * s)).mean()
    np.testing.assert_allclose(loss(velocity, batch, key), least, rtol=0.04)
    off = loss(lambda z, t: velocity(z, t) + 0.3, batch, key)
    np.testing.assert_allclose(off - loss(velocity, batch, key), 0.09, atol=0.01)
