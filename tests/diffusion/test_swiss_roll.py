from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.datasets import make_swiss_roll

from perspectives.diffusion.sde import VariancePreserving
from perspectives.diffusion.swiss_roll import coordinate_density, log_density, sample, spiral

SDE = VariancePreserving()


def densities(points, s):
    return np.exp(jax.jit(lambda x: jax.lax.map(lambda x: log_density(x, SDE, s), x, batch_size=500))(points))


def square(half_width, cells):
    edge = (jnp.arange(cells) + 0.5) * (2 * half_width / cells) - half_width
    return edge, jnp.stack(jnp.meshgrid(edge, edge, indexing="ij"), axis=-1).reshape(-1, 2)


def test_samples_are_distributed_as_those_of_scikit_learn():
    ours = np.asarray(sample(20_000, key=jax.random.key(0)))
    theirs = make_swiss_roll(20_000, noise=0.5, random_state=0)[0][:, [0, 2]] / 5
    for of in (lambda x: x[:, 0], lambda x: x[:, 1], lambda x: np.hypot(*x.T), lambda x: np.arctan2(*x.T)):
        test: Any = ks_2samp(of(ours), of(theirs))
        assert test.pvalue > 1e-4  # four tests of fixed samples


@pytest.mark.parametrize(("s", "half_width"), [(0.0, 3.5), (0.2, 5.5)])
def test_density_integrates_to_one(s, half_width):
    """Midpoint rule, cells of a third of the narrowest deviation: its error is far below what lies outside, 1e-6."""
    _, points = square(half_width, 220)
    assert densities(points, s).sum() * (2 * half_width / 220) ** 2 == pytest.approx(1, abs=2e-6)


def test_density_at_later_times_is_the_mean_of_the_transitions():
    """Monte Carlo over the roll with 100,000 draws; five standard errors."""
    s, points = 0.1, spiral(jnp.array([0.1, 0.5, 0.9])) * 0.9
    x = sample(100_000, dtype=jnp.float64, key=jax.random.key(1))
    v = SDE.variance(s)
    for point in points:
        transition = np.exp(-0.5 * jnp.square(point - SDE.mean_factor(s) * x).sum(1) / v) / (2 * np.pi * v)
        error = transition.std() / len(x) ** 0.5
        assert abs(transition.mean() - densities(point[None], s)[0]) < 5 * error


def test_density_of_a_coordinate_is_that_of_the_plane_integrated():
    edge, points = square(4.0, 200)
    found = jax.vmap(lambda x: coordinate_density(x, SDE, 0.1))(edge)
    np.testing.assert_allclose(densities(points, 0.1).reshape(200, 200).sum(1) * 0.04, found, atol=1e-5)
