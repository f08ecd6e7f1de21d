"""The Lyapunov functions of Theorems 2.1 to 2.3 and 3.1. Each is nonnegative and, the theorem says, never increases."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from perspectives.highres.flows import ConvexFlow, StronglyConvexFlow

Vector = Float[Array, "dim"]
Scalar = Float[Array, ""]


def gap_weight(flow: ConvexFlow, t: Scalar) -> Scalar:
    """Return the weight of the gap f(x) - f*: the theorem promises gap <= epsilon(t_0) / weight.

    **Source**: Theorem 2.1, e^beta = C t^p (forcing 0); Theorem 2.2, e^beta + h e^(-2 alpha) beta' = C t^p + h t/p
    (forcing 1). In between the same calculation gives C t^p + forcing h t/p; the paper has no theorem there.
    """
    return flow.c * t**flow.p + flow.forcing * flow.h * t / flow.p


def convex_lyapunov(flow: ConvexFlow, t: Scalar, v: Vector, minimiser: Vector, gap: Scalar) -> Scalar:
    """Return epsilon(t) = 1/2 |v - x*|^2 + weight gap.

    **Source**: proofs of Theorems 2.1 and 2.2 (appendix), 1/2 |x + e^-alpha x' - x* + h e^-alpha grad f(x)|^2 + weight
    gap, where the sum inside is v of the pair form.
    """
    return 0.5 * jnp.sum((v - minimiser) ** 2) + gap_weight(flow, t) * gap


def strongly_convex_lyapunov(
    flow: StronglyConvexFlow, t: Scalar, x: Vector, u: Vector, minimiser: Vector, gap: Scalar
) -> Scalar:
    """Return epsilon(t) = e^(sqrt(mu) t) (mu/2 |x - x* + u/sqrt(mu)|^2 + gap).

    **Source**: proof of Theorem 2.3 (appendix), with u = x' + h grad f(x).
    """
    root = jnp.sqrt(flow.mu)
    return jnp.exp(root * t) * (0.5 * flow.mu * jnp.sum((x - minimiser + u / root) ** 2) + gap)
