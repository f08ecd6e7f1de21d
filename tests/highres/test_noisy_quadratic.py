import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.highres.bounds import modified_gap_bound
from perspectives.highres.nnag import nnag, nnag_modified
from perspectives.highres.noisy_quadratic import descend, noisy_quadratic
from perspectives.highres.schemes import schedule


@pytest.mark.parametrize("beta", [2.0, None], ids=["(29)", "(31)"])
def test_descent_is_the_optax_transformation_fed_with_the_same_noise(beta):
    f = noisy_quadratic(4)
    s, t = schedule(1.0, 60)
    key = jax.random.key(3)
    found = descend(f, jnp.asarray(s), jnp.asarray(t), beta=beta, key=key)
    noise = jax.random.normal(key, (60, 4)) / 2
    method = nnag_modified(1.0, 1.0) if beta is None else nnag(1.0, beta)
    x = jnp.ones(4)
    state = method.init(x)
    gaps, gradients = [], []

    @jax.jit
    def step(x, state, e):
        updates, state = method.update(f.eigenvalues * x + e, state, x)
        return x + jnp.asarray(updates), state

    for e in noise:
        gaps.append(0.5 * float(np.sum(f.eigenvalues * np.asarray(x) ** 2)))
        gradients.append(float(np.sum((f.eigenvalues * np.asarray(x)) ** 2)))
        x, state = step(x, state, e)
    np.testing.assert_allclose(found.gap, gaps, rtol=1e-9)  # rounding of 60 steps, relative to gaps down to 1e-3
    smallest = np.minimum.accumulate(gradients)
    np.testing.assert_allclose(found.smallest[1:], smallest[:-1], rtol=1e-9)


def test_modified_nnag_stays_below_bound_32_with_a_wide_margin():
    f = noisy_quadratic(5)
    s, t = schedule(1.0, 500)
    keys = jax.random.split(jax.random.key(0), 30)
    run = jax.jit(jax.vmap(lambda key: descend(f, jnp.asarray(s), jnp.asarray(t), beta=None, key=key).gap))
    k = np.arange(1.0, 501)
    ratio = np.asarray(run(keys)).mean(axis=0) / modified_gap_bound(k, initial=2.5, c=1.0)
    assert ratio[9:].max() < 0.5  # the bound is loose by a factor of ten and more here; 30 seeds blur by a tenth
