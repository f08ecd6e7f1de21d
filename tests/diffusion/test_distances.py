import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from perspectives.diffusion.distances import sliced_wasserstein, wasserstein

X, Y = (jax.random.normal(jax.random.key(i), (500,)) * (1 + i) for i in range(2))


@pytest.mark.parametrize("power", [1.0, 2.0, 3.5])
def test_distance_of_a_shift_is_the_shift(power):
    np.testing.assert_allclose(wasserstein(X, X[::-1] - 0.7, power=power), 0.7, rtol=1e-12)


def test_first_distance_is_scipys():
    np.testing.assert_allclose(wasserstein(X, Y), wasserstein_distance(X, Y), rtol=1e-12)


def test_distance_is_that_of_the_best_matching():
    squares = jnp.square(X[:, None] - Y[None]).mean()  # the product coupling is one of those that compete
    assert 0 < wasserstein(X, Y, power=2.0) ** 2 < squares


def test_sliced_distance_of_a_shift_is_the_mean_square_of_its_projections():
    x = jax.random.normal(jax.random.key(2), (200, 3))
    shift = jnp.array([1.0, -2.0, 2.0])
    found = sliced_wasserstein(x, x + shift, directions=4000, key=jax.random.key(3))
    # E (line . shift)^2 = |shift|^2 / d = 3; the square of a projection has a relative deviation near 0.9.
    np.testing.assert_allclose(found**2, 3.0, rtol=5 * 0.9 / 4000**0.5)


def test_sliced_distance_is_symmetric_and_zero_for_equal_samples():
    x, y = (jax.random.normal(jax.random.key(i), (100, 2)) for i in (4, 5))
    one, other = (sliced_wasserstein(*pair, directions=16, key=jax.random.key(6)) for pair in ((x, y), (y, x)))
    assert one == other > 0
    assert sliced_wasserstein(x, x[::-1], directions=16, key=jax.random.key(6)) == 0
