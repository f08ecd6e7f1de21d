"""Laws of dequantisation, the logit and bits per dimension."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.diffusion.bits import MARGIN, bits_per_dim, dequantised, from_logit, to_logit

SHAPE = (3, 4, 2)


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_each_level_gets_its_own_cell_of_one_over_levels(levels):
    x = jnp.arange(levels) / (levels - 1)
    for noise in (0.0, 0.5, 0.999):
        cells = np.floor(np.asarray(dequantised(x, levels, jnp.full(levels, noise))) * levels + 1e-9)
        np.testing.assert_array_equal(cells, np.arange(levels))  # 1e-9: k / levels * levels may round below k


def test_256_levels_are_the_released_formula():
    x, noise = jax.random.uniform(jax.random.key(0), (2, *SHAPE))
    np.testing.assert_allclose(dequantised(x, 256, noise), x * 255 / 256 + noise / 256, rtol=1e-14)


def test_from_logit_undoes_to_logit():
    x = jax.random.uniform(jax.random.key(1), SHAPE)
    np.testing.assert_allclose(from_logit(to_logit(x)[0]), x, atol=1e-14)


def test_log_determinant_is_that_of_automatic_differentiation():
    x = jax.random.uniform(jax.random.key(2), SHAPE)
    jacobian = jax.jacobian(lambda x: to_logit(x)[0].ravel())(x).reshape(x.size, x.size)
    np.testing.assert_allclose(to_logit(x)[1], jnp.linalg.slogdet(jacobian)[1], rtol=1e-12)


def test_ends_of_the_range_stay_finite():
    y, determinant = to_logit(jnp.array([0.0, 1.0], jnp.float32))
    assert y.dtype == determinant.dtype == jnp.float32
    np.testing.assert_allclose(y, [np.log(MARGIN / (1 - MARGIN)), -np.log(MARGIN / (1 - MARGIN))], rtol=1e-5)


@pytest.mark.parametrize("levels", [17, 256])
def test_uniform_density_of_pixels_costs_log2_of_the_levels(levels):
    x = jax.random.uniform(jax.random.key(3), SHAPE)
    _, determinant = to_logit(x)
    # The uniform density of x on the unit cube is that of its logit times the determinant.
    np.testing.assert_allclose(bits_per_dim(-determinant, determinant, x.size, levels), np.log2(levels), rtol=1e-14)


def test_bits_of_the_pixels_probability_are_below_those_of_a_density():
    """Jensen: -log2 of a level's probability is at most the mean of -log2 of the density over its cell."""
    levels, cells = 5, jnp.linspace(0, 1, 2001)[:-1] + 0.25e-3
    density = lambda x: 2 * x  # noqa: E731, of one dequantised pixel in [0, 1]
    for level in range(levels):
        x = dequantised(jnp.full(2000, level / (levels - 1)), levels, cells)
        _, determinant = jax.vmap(to_logit)(x)
        bound = bits_per_dim(jnp.log(density(x)) - determinant, determinant, 1, levels).mean()
        probability = (2 * level + 1) / levels**2
        assert bound >= -np.log2(probability) - 1e-6
