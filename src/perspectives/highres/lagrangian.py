"""The forced Euler-Lagrange equation, differentiated automatically from the Lagrangian and the force.

Nothing here is simplified by hand: the ODEs that `flows` writes out are checked against `acceleration`.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Time = Float[Array, ""]
Vector = Float[Array, "dim"]
Scalar = Float[Array, ""]
Force = Callable[[Time, Vector, Vector], Vector]
Lagrangian = Callable[[Time, Vector, Vector], Scalar]


class PolynomialScaling(eqx.Module):
    """Weights of velocity (alpha), potential (beta) and damping (gamma) for a convex f.

    **Source**: section 2.1, e^alpha = gamma' = n = p/t and e^beta = q/n = C t^p, with q = C p t^(p-1).
    """

    p: Scalar = eqx.field(converter=jnp.asarray)
    c: Scalar = eqx.field(converter=jnp.asarray)

    def alpha(self, t: Time) -> Scalar:
        """Return log(p/t)."""
        return jnp.log(self.p / t)

    def beta(self, t: Time) -> Scalar:
        """Return log(C t^p)."""
        return jnp.log(self.c) + self.p * jnp.log(t)

    def gamma(self, t: Time) -> Scalar:
        """Return p log(t)."""
        return self.p * jnp.log(t)


class ExponentialScaling(eqx.Module):
    """Weights for a mu-strongly convex f.

    **Source**: section 2.2, remark after Theorem 2.3, alpha = log sqrt(mu) and beta = gamma = sqrt(mu) t.
    """

    mu: Scalar = eqx.field(converter=jnp.asarray)

    def alpha(self, t: Time) -> Scalar:
        """Return log sqrt(mu)."""
        return 0.5 * jnp.log(self.mu) + 0.0 * t

    def beta(self, t: Time) -> Scalar:
        """Return sqrt(mu) t."""
        return jnp.sqrt(self.mu) * t

    def gamma(self, t: Time) -> Scalar:
        """Return sqrt(mu) t."""
        return jnp.sqrt(self.mu) * t


Scaling = PolynomialScaling | ExponentialScaling


def convex_lagrangian(scaling: Scaling, f: Callable[[Vector], Scalar]) -> Lagrangian:
    """Return (t, x, x') -> e^(alpha+gamma) (1/2 |e^-alpha x'|^2 - e^beta f(x)). **Source**: section 2, (3)."""

    def lagrangian(t: Time, x: Vector, velocity: Vector) -> Scalar:
        alpha, beta, gamma = scaling.alpha(t), scaling.beta(t), scaling.gamma(t)
        return jnp.exp(alpha + gamma) * (0.5 * jnp.sum((jnp.exp(-alpha) * velocity) ** 2) - jnp.exp(beta) * f(x))

    return lagrangian


def strongly_convex_lagrangian(scaling: Scaling, f: Callable[[Vector], Scalar], mu: Scalar) -> Lagrangian:
    """Return (t, x, x') -> e^(alpha+beta+gamma) (mu/2 |e^-alpha x'|^2 - f(x)). **Source**: section 2.2, (15)."""

    def lagrangian(t: Time, x: Vector, velocity: Vector) -> Scalar:
        alpha, beta, gamma = scaling.alpha(t), scaling.beta(t), scaling.gamma(t)
        return jnp.exp(alpha + beta + gamma) * (0.5 * mu * jnp.sum((jnp.exp(-alpha) * velocity) ** 2) - f(x))

    return lagrangian


def first_force(scaling: Scaling, f: Callable[[Vector], Scalar], h: Scalar) -> Force:
    """Return F = -h e^gamma d/dt [e^-alpha grad f(X)], with h = sqrt(s). **Source**: section 2.1, first choice."""

    def force(t: Time, x: Vector, velocity: Vector) -> Vector:
        rate = _along(lambda t, x: jnp.exp(-scaling.alpha(t)) * jax.grad(f)(x), t, x, velocity)
        return -h * jnp.exp(scaling.gamma(t)) * rate

    return force


def second_force(scaling: Scaling, f: Callable[[Vector], Scalar], h: Scalar) -> Force:
    """Return F = -h e^(gamma-beta) d/dt [e^(beta-alpha) grad f(X)]. **Source**: section 2.1, second choice."""

    def force(t: Time, x: Vector, velocity: Vector) -> Vector:
        rate = _along(lambda t, x: jnp.exp(scaling.beta(t) - scaling.alpha(t)) * jax.grad(f)(x), t, x, velocity)
        return -h * jnp.exp(scaling.gamma(t) - scaling.beta(t)) * rate

    return force


def strongly_convex_force(scaling: Scaling, f: Callable[[Vector], Scalar], h: Scalar) -> Force:
    """Return F = -h e^(alpha+gamma) d/dt [e^beta grad f(X)]. **Source**: section 2.2, before (17)."""

    def force(t: Time, x: Vector, velocity: Vector) -> Vector:
        rate = _along(lambda t, x: jnp.exp(scaling.beta(t)) * jax.grad(f)(x), t, x, velocity)
        return -h * jnp.exp(scaling.alpha(t) + scaling.gamma(t)) * rate

    return force


def acceleration(lagrangian: Lagrangian, force: Force, t: Time, x: Vector, velocity: Vector) -> Vector:
    """Return the x'' that solves the forced Euler-Lagrange equation d/dt dL/dx' - dL/dx = F.

    **Source**: section 2, (4). The total derivative is expanded by the chain rule: (d2L/dx'dx') x'' = F + dL/dx -
    [d/dt dL/dx' with x' held fixed].
    """
    momentum = jax.grad(lagrangian, argnums=2)
    mass = jax.jacfwd(momentum, argnums=2)(t, x, velocity)
    drift = _along(lambda t, x: momentum(t, x, velocity), t, x, velocity)
    push = force(t, x, velocity) + jax.grad(lagrangian, argnums=1)(t, x, velocity)
    return jnp.linalg.solve(mass, push - drift)


def _along(quantity: Callable[[Time, Vector], Vector], t: Time, x: Vector, velocity: Vector) -> Vector:
    """Return d/dt quantity(t, X(t)) where X' = velocity."""
    return jax.jvp(quantity, (t, x), (jnp.ones_like(t), velocity))[1]
