"""A score that is wrong by a known amount: what that costs in ELBO is then known in closed form."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from perspectives.diffusion.mixtures import GaussianMixture, marginal
from perspectives.diffusion.score_matching import Score
from perspectives.diffusion.sde import InferenceSde, Time


class PerturbedScore(eqx.Module):
    """`score` plus `size` times (sin 3 y_1, cos 2 y_2) in the plane, plus `size` times sin 3 y on the line."""

    score: Score
    size: Float[Array, ""] | float

    def __call__(self, y: Float[Array, "dim"], s: Time) -> Float[Array, "dim"]:
        """Return the wrong score at y."""
        return self.score(y, s) + self.size * waves(y)


def waves(y: Float[Array, "dim"]) -> Float[Array, "dim"]:
    """Return (sin 3 y_1, cos 2 y_2) in the plane and sin 3 y on the line. **Raises**: ValueError with more."""
    if y.size > 2:
        raise ValueError(f"the perturbation has one or two coordinates, got {y.size}")
    return jnp.stack([jnp.sin(3 * y[0]), *(jnp.cos(2 * y[i]) for i in range(1, y.size))])


def squared_error(mixture: GaussianMixture, sde: InferenceSde, size: Any, s: Time) -> Float[Array, ""]:
    """Return E |size waves(Y_s)|^2 when Y_0 is drawn from `mixture`.

    **Source**: sin^2 a = (1 - cos 2a) / 2, cos^2 a = (1 + cos 2a) / 2, and E cos(k Z) = cos(k m) exp(-k^2 v / 2) for Z
    normal with mean m and variance v.
    """
    q = marginal(mixture, sde, s)

    def cosine(frequency: float, axis: int) -> Float[Array, ""]:
        by_mode = jnp.cos(frequency * q.means[:, axis]) * jnp.exp(-0.5 * (frequency * q.deviations) ** 2)
        return q.weights @ by_mode

    squares = 0.5 * (1 - cosine(6.0, 0))
    if q.means.shape[1] > 1:
        squares += 0.5 * (1 + cosine(4.0, 1))
    return size**2 * squares
