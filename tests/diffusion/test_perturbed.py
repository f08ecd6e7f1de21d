import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.diffusion.identities import line_quadrature
from perspectives.diffusion.mixtures import ExactScore, marginal, three_modes, two_modes
from perspectives.diffusion.perturbed import PerturbedScore, squared_error, waves
from perspectives.diffusion.sde import VariancePreserving

SDE = VariancePreserving()


@pytest.mark.parametrize("s", [0.0, 0.1, 0.7])
def test_mean_square_on_the_line_is_that_by_quadrature(s):
    y, weight = line_quadrature(marginal(two_modes(), SDE, s))
    expected = 0.09 * weight @ jnp.square(jnp.sin(3 * y[:, 0]))
    np.testing.assert_allclose(squared_error(two_modes(), SDE, 0.3, s), expected, rtol=1e-12)


@pytest.mark.parametrize("s", [0.0, 0.1, 0.7])
def test_mean_square_in_the_plane_is_that_by_quadrature(s):
    q = marginal(three_modes(), SDE, s)
    side = jnp.linspace(-8, 8, 401)
    y = jnp.stack(jnp.meshgrid(side, side), axis=-1).reshape(-1, 2)
    weight = np.exp(jax.vmap(q.log_density)(y)) * (side[1] - side[0]) ** 2
    squares = np.sin(3 * y[:, 0]) ** 2 + np.cos(2 * y[:, 1]) ** 2
    # The trapezoidal rule; what is cut off lies seven deviations out.
    np.testing.assert_allclose(squared_error(three_modes(), SDE, 0.5, s), 0.25 * weight @ squares, rtol=1e-9)


def test_wrong_score_is_the_score_and_the_waves():
    score, y = ExactScore(three_modes(), SDE), jnp.array([0.2, 0.9])
    found = PerturbedScore(score, 0.4)(y, 0.3) - score(y, 0.3)
    np.testing.assert_allclose(found, 0.4 * np.array([np.sin(0.6), np.cos(1.8)]), rtol=1e-12)


def test_more_coordinates_are_refused():
    with pytest.raises(ValueError, match="got 3"):
        waves(jnp.ones(3))
