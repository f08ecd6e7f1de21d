"""Gaussian mixtures: data whose marginals under an inference SDE are Gaussian mixtures too, so the score is known."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float, Key

from perspectives.diffusion.sde import InferenceSde, Time


class GaussianMixture(eqx.Module):
    """Normal distributions with one deviation each, the same in every coordinate, and weights that sum to 1."""

    weights: Float[Array, "modes"]
    means: Float[Array, "modes dim"]
    deviations: Float[Array, "modes"]

    def log_density(self, x: Float[Array, "dim"]) -> Float[Array, ""]:
        """Return the logarithm of the density at `x` in nats."""
        square = jnp.square((x - self.means) / self.deviations[:, None]).sum(1)
        scale = x.size * (jnp.log(self.deviations) + 0.5 * jnp.log(2 * jnp.pi))
        return logsumexp(jnp.log(self.weights) - 0.5 * square - scale)

    def score(self, x: Float[Array, "dim"]) -> Float[Array, "dim"]:
        """Return the gradient of the log density."""
        return jax.grad(self.log_density)(x)

    def sample(self, number: int, *, key: Key[Array, ""]) -> Float[Array, "number dim"]:
        """Return independent draws."""
        mode_key, noise_key = jax.random.split(key)
        mode = jax.random.choice(mode_key, len(self.weights), (number,), p=self.weights)
        noise = jax.random.normal(noise_key, (number, self.means.shape[1]), self.means.dtype)
        return self.means[mode] + self.deviations[mode, None] * noise


def marginal(mixture: GaussianMixture, sde: InferenceSde, s: Time) -> GaussianMixture:
    """Return the distribution q_s of Y_s when Y_0 is drawn from `mixture`.

    **Source**: means times m(s), variances times m(s)^2 plus v(s).
    """
    m, v = sde.mean_factor(s), sde.variance(s)
    return GaussianMixture(mixture.weights, m * mixture.means, jnp.sqrt((m * mixture.deviations) ** 2 + v))


class ExactScore(eqx.Module):
    """The score of the marginals, grad log q_s(y): what training would find with unlimited data and width."""

    mixture: GaussianMixture
    sde: InferenceSde

    def __call__(self, y: Float[Array, "dim"], s: Time) -> Float[Array, "dim"]:
        """Return grad log q_s(y)."""
        return marginal(self.mixture, self.sde, s).score(y)


def two_modes() -> GaussianMixture:
    """Return the laboratory's mixture on the line: unequal modes, both within the reach of the prior."""
    return GaussianMixture(jnp.array([0.35, 0.65]), jnp.array([[-1.2], [0.9]]), jnp.array([0.25, 0.4]))


def three_modes() -> GaussianMixture:
    """Return the laboratory's mixture in the plane."""
    means = jnp.array([[-1.2, -0.8], [1.0, 0.2], [0.0, 1.4]])
    return GaussianMixture(jnp.array([0.3, 0.4, 0.3]), means, jnp.array([0.3, 0.4, 0.25]))


def ring_of_modes(dim: int, *, modes: int = 8, deviation: float = 0.05, key: Key[Array, ""]) -> GaussianMixture:
    """Return equal narrow modes at random points of the unit sphere times sqrt(dim), hard on the times near 0."""
    directions = jax.random.normal(key, (modes, dim))
    means = directions / jnp.linalg.norm(directions, axis=1, keepdims=True) * dim**0.5
    return GaussianMixture(jnp.full(modes, 1 / modes), means, jnp.full(modes, deviation))
