import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.numerics.divergence import rademacher, value_and_divergence, value_and_probed_divergence

MATRIX = jnp.sin(jnp.arange(16.0) ** 2).reshape(4, 4)


def curved(y):
    return jnp.tanh(MATRIX @ y.ravel()).reshape(y.shape)


@pytest.mark.parametrize("shape", [(4,), (2, 2), (1, 4, 1)], ids=str)
def test_divergence_is_the_trace_of_the_jacobian_for_any_shape(shape):
    y = jnp.linspace(-1, 1, 4).reshape(shape)
    value, divergence = value_and_divergence(curved, y)
    jacobian = jax.jacfwd(curved)(y).reshape(4, 4)
    np.testing.assert_allclose(value, curved(y), rtol=1e-15)
    np.testing.assert_allclose(divergence, jnp.trace(jacobian), rtol=1e-13)  # rounding


def test_mean_over_all_signs_is_the_divergence():
    y = jnp.linspace(-1, 1, 4)
    probes = jnp.asarray(list(itertools.product((-1.0, 1.0), repeat=4)))
    estimates = jax.vmap(lambda probe: value_and_probed_divergence(curved, y, probe)[1])(probes)
    np.testing.assert_allclose(estimates.mean(), value_and_divergence(curved, y)[1], rtol=1e-13)
    assert estimates.std() > 0.1  # each alone is not


def test_signs_are_exact_for_a_diagonal_jacobian():
    y = jnp.linspace(-1, 1, 6).reshape(2, 3)
    probe = rademacher(jax.random.key(0), y)
    assert set(np.unique(probe)) <= {-1.0, 1.0}
    probed = value_and_probed_divergence(jnp.sin, y, probe)
    exact = value_and_divergence(jnp.sin, y)
    np.testing.assert_allclose(probed[0], exact[0], rtol=1e-15)
    np.testing.assert_allclose(probed[1], exact[1], rtol=1e-14)


def test_precision_of_the_point_is_kept():
    y = jnp.ones(3, jnp.float32)
    _, exact = value_and_divergence(jnp.sin, y)
    _, probed = value_and_probed_divergence(jnp.sin, y, rademacher(jax.random.key(0), y))
    assert exact.dtype == probed.dtype == jnp.float32
