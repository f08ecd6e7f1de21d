from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from perspectives.highres.perturbed import per_fe_c, per_fe_c_point, shrinking_gradient_descent

HESSIAN = jnp.diag(jnp.linspace(0.1, 2.0, 5))


def test_per_fe_c_follows_the_released_file():
    smoothness = 2.0
    c = smoothness**-0.5
    method = per_fe_c(c, smoothness)
    x: Any = jnp.ones(5)
    state: Any = method.init(x)
    mine = z = x
    t = 0.0
    for k in range(1, 31):
        updates, state = method.update(HESSIAN @ x, state, x)
        x = optax.apply_updates(x, updates)
        s = c / k**0.75
        t += s
        g = HESSIAN @ mine
        mine = (2 * s / t) * z + (1 - 2 * s / t) * mine - s / smoothness**0.5 * g
        z = z - s / 2 * t * g
    np.testing.assert_allclose(x, mine, rtol=1e-12)  # rounding of 30 steps


def test_per_fe_c_with_the_gradient_at_y_and_equal_steps_is_nesterovs_method_one_index_late():
    """Eliminating z with s_k = 1 / sqrt(L), t_k = k s_k leaves momentum (k - 2) / (k + 1)."""
    smoothness = 2.0
    h = smoothness**-0.5
    method = per_fe_c(h, smoothness, alpha=0.0)
    x: Any = jnp.ones(5)
    state: Any = method.init(x)
    points = []
    for _ in range(40):
        y = per_fe_c_point(x, state, h, alpha=0.0)
        points.append(y)
        updates, state = method.update(HESSIAN @ y, state, x)
        x = optax.apply_updates(x, updates)
    s = 1 / smoothness
    y = old = jnp.ones(5)
    for k in range(1, 41):
        np.testing.assert_allclose(points[k - 1], y, atol=1e-12)  # rounding of 40 contracting steps
        new = y - s * HESSIAN @ y
        y = new + (k - 2) / (k + 1) * (new - old)
        old = new


def test_shrinking_gradient_descent_starts_at_the_full_step_and_shrinks():
    method = shrinking_gradient_descent(0.5)
    x = jnp.ones(2)
    state = method.init(x)
    steps = []
    for _ in range(8):
        updates, state = method.update(x, state, x)
        steps.append(float(-jax.tree.leaves(updates)[0][0]))
    np.testing.assert_allclose(steps[0], 0.5)
    np.testing.assert_allclose(steps[7], 0.5 / 4, rtol=1e-6)  # 8^(2/3) = 4; optax keeps the schedule in float32


def test_update_without_parameters_says_what_to_pass():
    method = per_fe_c(0.5, 1.0)
    with pytest.raises(ValueError, match="params"):
        method.update(jnp.ones(2), method.init(jnp.ones(2)))
