from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from perspectives.highres.nnag import completed_v, moved_x, nnag, nnag_modified
from perspectives.highres.problems import Quadratic

EIGENVALUES = jnp.linspace(0.1, 2.0, 6)


def run(method, gradient, x, steps, noise=None) -> Any:
    """Return the iterates x^1 .. x^steps of an optax method in a plain loop."""
    state = method.init(x)
    iterates = [x]

    @jax.jit
    def step(x, state, e):
        updates, state = method.update(gradient(x) + e, state, x)
        return optax.apply_updates(x, updates), state

    for k in range(steps):
        x, state = step(x, state, jnp.zeros_like(x) if noise is None else noise[k])
        iterates.append(x)
    return jnp.stack(iterates)


def test_without_noise_and_with_equal_steps_nnag_is_scheme_21():
    f = Quadratic(EIGENVALUES)
    gradient = jax.jit(jax.grad(f))
    s = 1 / f.smoothness
    h = jnp.sqrt(s)
    x = v = jnp.ones(6)
    scheme_21 = [x]
    for k in range(1, 200):
        x = (k * x + 2 * v - k * s * gradient(x)) / (k + 2)
        v = v - (0.5 * k * s + s) * gradient(x)
        scheme_21.append(x)
    ours = run(nnag(h, h, alpha=0.0), gradient, jnp.ones(6), 199)
    # rounding of 200 contracting float64 steps on numbers of order one
    np.testing.assert_allclose(ours, jnp.stack(scheme_21), atol=1e-13)


def test_transformation_follows_the_two_lines_of_29_with_reused_noise():
    f = Quadratic(EIGENVALUES)
    gradient = jax.jit(jax.grad(f))
    noise = jax.random.normal(jax.random.key(1), (51, 6))
    c, a = 0.7, 3.0
    x = v = jnp.ones(6)
    t = 0.0
    expected = [x]
    for k in range(1, 51):
        s = c / k**0.75
        t = t + s
        # (29) as printed, solved for x_{k+1}; noise[k] is e at x_{k+1}, used by v now and by x next
        r = 2 * s / t
        x = (x + r * v - a * s * (gradient(x) + noise[k - 1])) / (1 + r)
        v = v - 0.5 * (t * s + 2 * s * a) * (gradient(x) + noise[k])
        expected.append(x)
    ours = run(nnag(c, a), gradient, jnp.ones(6), 50, noise)
    np.testing.assert_allclose(ours, jnp.stack(expected), rtol=1e-11)  # rounding, grown by an unstable step


def test_modified_transformation_follows_the_two_lines_of_31():
    f = Quadratic(EIGENVALUES)
    gradient = jax.jit(jax.grad(f))
    smoothness = 2.0
    c = smoothness**-0.5
    x = v = jnp.ones(6)
    t = 0.0
    expected = [x]
    for k in range(1, 51):
        s = c / k**0.75
        t = t + s
        r = 2 * s / t
        x = (x + r * v - s / smoothness**0.5 * gradient(x)) / (1 + r)
        v = v - 0.5 * t * s * gradient(x) - s**2 * gradient(x)
        expected.append(x)
    ours = run(nnag_modified(c, smoothness), gradient, jnp.ones(6), 50)
    np.testing.assert_allclose(ours, jnp.stack(expected), rtol=1e-12)  # rounding of 50 steps


def test_fresh_noise_enters_v_alone():
    x = jnp.array([1.0, -2.0])
    method = nnag(0.5, 1.0)
    state: Any = method.init(x)
    updates: Any
    updates, state = method.update(x, state, x)
    x: Any = optax.apply_updates(x, updates)
    g_x, g_v = jnp.array([0.3, 0.4]), jnp.array([-0.1, 0.9])
    after: Any
    updates, after = method.update(g_x, state, x, v_gradient=g_v)
    v = completed_v(state.v, g_v, state.s, state.t, 1.0)
    np.testing.assert_allclose(after.v, v, rtol=1e-15)  # the same expression
    expected = moved_x(x, v, g_x, after.s, after.t, 1.0)
    np.testing.assert_allclose(x + updates, expected, rtol=1e-14)  # one subtraction and addition of rounding


def test_reset_every_call_is_the_constant_scheme_of_the_released_loop():
    """The released constant-coefficient scheme: v - c a g; x = (x + 2 v - c a g) / 3 with the new v."""
    c, a = 0.001, 30.0
    gradient = jax.jit(jax.grad(Quadratic(EIGENVALUES)))
    x = v = jnp.ones(6)
    expected = [x]
    for _ in range(20):
        g = gradient(x)
        # the first call has no reset before it in our transformation, so t = c then: c^2 / 2 more, 2e-5 of c a
        v = v - (c * a + (0.5 * c**2 if len(expected) == 1 else 0.0)) * g
        r = 2.0 if len(expected) > 1 else 1.0
        x = (x + r * v - c * a * g) / (1 + r)
        expected.append(x)
    ours = run(nnag(c, a, reset_every=1, as_released=True), gradient, jnp.ones(6), 20)
    np.testing.assert_allclose(ours, jnp.stack(expected), rtol=1e-13)  # rounding of 20 steps


def test_reset_every_epoch_repeats_the_schedule():
    method = nnag(0.5, 1.0, reset_every=5)
    x = jnp.ones(3)
    state: Any = method.init(x)
    times = []
    for _ in range(15):
        _, state = method.update(x, state, x)
        times.append(float(state.t))
    assert times[:5] == times[5:10] == times[10:]
    np.testing.assert_allclose(times[4], sum(0.5 / k**0.75 for k in range(1, 6)), rtol=1e-15)


def test_transformation_works_on_a_tree_inside_chain_jit_and_scan():
    flat = jnp.linspace(-1, 1, 6)
    tree = {"weights": flat[:4].reshape(2, 2), "bias": (flat[4:],)}
    target = jnp.arange(6.0)
    method = optax.chain(optax.clip_by_global_norm(1e9), nnag(0.3, 1.0))

    def loss(tree):
        leaves, _ = jax.flatten_util.ravel_pytree(tree)
        return 0.5 * jnp.sum((leaves - target[jnp.array([4, 5, 0, 1, 2, 3])]) ** 2)

    @jax.jit
    def train(tree):
        def step(carry, _):
            tree, state = carry
            updates, state = method.update(jax.grad(loss)(tree), state, tree)
            return (optax.apply_updates(tree, updates), state), None

        return jax.lax.scan(step, (tree, method.init(tree)), length=30)[0][0]

    trained = train(tree)
    ours = jnp.concatenate([trained["weights"].ravel(), trained["bias"][0]])
    expected = run(nnag(0.3, 1.0), lambda x: x - target, flat, 30)[-1]
    np.testing.assert_allclose(ours, expected, rtol=1e-12)  # rounding of 30 steps


def test_float32_parameters_stay_float32_and_near_float64():
    gradient = jax.jit(jax.grad(Quadratic(EIGENVALUES)))
    exact = run(nnag(0.5, 1.0), gradient, jnp.ones(6), 200)
    single = run(nnag(0.5, 1.0), lambda x: gradient(x).astype(x.dtype), jnp.ones(6, dtype=jnp.float32), 200)
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, exact, atol=1e-4)  # 200 steps of float32 rounding, 6e-8 each, amplified by t


def test_update_without_parameters_says_what_to_pass():
    method = nnag(0.5, 1.0)
    with pytest.raises(ValueError, match="params"):
        method.update(jnp.ones(2), method.init(jnp.ones(2)))
