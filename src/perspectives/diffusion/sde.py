"""Inference SDEs dY = r(s) Y ds + g(s) dB from the data at s = 0 to noise at s = 1, with closed-form marginals.

Given x, Y_s is normal with mean m(s) x and variance v(s), the same in every coordinate. Everything is of one example,
of any shape; batches by `jax.vmap`.
"""

from abc import abstractmethod
from math import log, pi
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

Time = Any
"""A time in [0, 1], or several: an array or a number; at these, coefficients of the equation have its shape."""
END = 1.0
"""The time T at which noise is reached."""


class InferenceSde(eqx.Module):
    """A linear equation with noise that depends on time alone."""

    @abstractmethod
    def rate(self, s: Time) -> Float[Array, "*times"]:
        """Return r(s), of the drift f = r(s) y."""

    @abstractmethod
    def diffusion(self, s: Time) -> Float[Array, "*times"]:
        """Return g(s)."""

    @abstractmethod
    def mean_factor(self, s: Time) -> Float[Array, "*times"]:
        """Return m(s), the exponential of the integral of r."""

    @abstractmethod
    def variance(self, s: Time) -> Float[Array, "*times"]:
        """Return v(s), of a coordinate of Y_s given x."""

    @property
    def prior_variance(self) -> Float[Array, ""] | float:
        """Return the variance of a coordinate of the prior p_0, a normal distribution with mean zero."""
        return 1.0

    def drift(self, s: Time, y: Float[Array, "*event"]) -> Float[Array, "*event"]:
        """Return f(y, s) = r(s) y."""
        return self.rate(s) * y

    def perturbed(self, s: Time, x: Float[Array, "*event"], noise: Float[Array, "*event"]) -> Float[Array, "*event"]:
        """Return Y_s = m(s) x + sqrt(v(s)) noise: a draw given x when `noise` is standard normal."""
        return self.mean_factor(s) * x + jnp.sqrt(self.variance(s)) * noise

    def log_prior(self, y: Float[Array, "*event"]) -> Float[Array, ""]:
        """Return log p_0(y) in nats."""
        return -0.5 * (jnp.square(y).sum() / self.prior_variance + y.size * jnp.log(2 * pi * self.prior_variance))

    def expected_log_prior(self, x: Float[Array, "*event"]) -> Float[Array, ""]:
        """Return E log p_0(Y_T) given x in nats, in closed form."""
        square = self.mean_factor(END) ** 2 * jnp.square(x).sum() + x.size * self.variance(END)
        return -0.5 * (square / self.prior_variance + x.size * jnp.log(2 * pi * self.prior_variance))

    def terminal_divergence(self, x: Float[Array, "*event"]) -> Float[Array, ""]:
        """Return KL(q(Y_T | x), p_0) in nats: an upper bound, on average over x, of what stopping at T costs."""
        ratio = self.variance(END) / self.prior_variance
        square = self.mean_factor(END) ** 2 * jnp.square(x).sum() / self.prior_variance
        return 0.5 * (square + x.size * (ratio - 1 - jnp.log(ratio)))

    def prior_sample(self, like: Float[Array, "*event"], *, key: Key[Array, ""]) -> Float[Array, "*event"]:
        """Return a draw of p_0 in the shape of `like`."""
        return jnp.sqrt(self.prior_variance) * jax.random.normal(key, like.shape, like.dtype)


class VariancePreserving(InferenceSde):
    """The VP equation, with g^2 = beta(s) growing linearly and r = -beta / 2.

    **Source**: Song et al. 2021, (32) and (33), as cited by the released code, whose values of beta are the defaults.
    """

    beta_min: float = 0.1
    beta_max: float = 20.0

    def beta(self, s: Time) -> Float[Array, "*times"]:
        """Return the rate of the noise, linear in s."""
        return jnp.asarray(self.beta_min + (self.beta_max - self.beta_min) * s)

    def integral(self, s: Time) -> Float[Array, "*times"]:
        """Return B(s), the integral of beta from 0 to s."""
        return jnp.asarray(self.beta_min * s + 0.5 * (self.beta_max - self.beta_min) * s**2)

    def rate(self, s: Time) -> Float[Array, "*times"]:
        """Return -beta(s) / 2."""
        return -0.5 * self.beta(s)

    def diffusion(self, s: Time) -> Float[Array, "*times"]:
        """Return sqrt(beta(s))."""
        return jnp.sqrt(self.beta(s))

    def mean_factor(self, s: Time) -> Float[Array, "*times"]:
        """Return exp(-B(s) / 2)."""
        return jnp.exp(-0.5 * self.integral(s))

    def variance(self, s: Time) -> Float[Array, "*times"]:
        """Return 1 - exp(-B(s)), without cancellation near s = 0."""
        return -jnp.expm1(-self.integral(s))


class SubVariancePreserving(VariancePreserving):
    """The sub-VP equation: the drift of VP with less noise, so that v is that of VP squared.

    **Source**: Song et al. 2021, section 3.4 (equation number not checked): g^2 = beta (1 - exp(-2 B)).
    """

    def diffusion(self, s: Time) -> Float[Array, "*times"]:
        """Return sqrt(beta (1 - exp(-2 B))); it is 0 at s = 0."""
        return jnp.sqrt(-self.beta(s) * jnp.expm1(-2 * self.integral(s)))

    def variance(self, s: Time) -> Float[Array, "*times"]:
        """Return (1 - exp(-B))^2."""
        return jnp.expm1(-self.integral(s)) ** 2


class VarianceExploding(InferenceSde):
    """The VE equation: no drift, noise that grows geometrically.

    **Source**: the released code's `ve_truncated_q_density`: v = sigma_min^2 (rho^s - 1), g^2 = v', with
    rho = (sigma_max / sigma_min)^2. The released code trains no VE model; the defaults are Song et al.'s (2021) for
    CIFAR-10 (not checked).
    """

    sigma_min: float = 0.01
    sigma_max: float = 50.0

    @property
    def _log_ratio(self) -> float:
        return 2 * log(self.sigma_max / self.sigma_min)

    @property
    def prior_variance(self) -> Float[Array, ""] | float:
        """Return v at the end."""
        return self.variance(END)

    def rate(self, s: Time) -> Float[Array, "*times"]:
        """Return 0."""
        return jnp.zeros_like(s)

    def diffusion(self, s: Time) -> Float[Array, "*times"]:
        """Return sigma_min rho^(s / 2) sqrt(log rho)."""
        return self.sigma_min * jnp.exp(0.5 * self._log_ratio * s) * self._log_ratio**0.5

    def mean_factor(self, s: Time) -> Float[Array, "*times"]:
        """Return 1."""
        return jnp.ones_like(s)

    def variance(self, s: Time) -> Float[Array, "*times"]:
        """Return sigma_min^2 (rho^s - 1)."""
        return self.sigma_min**2 * jnp.expm1(self._log_ratio * jnp.asarray(s))
