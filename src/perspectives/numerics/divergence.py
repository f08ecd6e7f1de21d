"""The divergence of a vector field: exactly, or by random probes of its Jacobian."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

Field = Callable[[Float[Array, "*event"]], Float[Array, "*event"]]


def value_and_divergence(field: Field, y: Float[Array, "*event"]) -> tuple[Float[Array, "*event"], Float[Array, ""]]:
    """Return `field` at `y` and the trace of its Jacobian there.

    One linearisation and a product with each unit vector: d products for d numbers.
    """
    value, product = jax.linearize(field, y)
    units = jnp.eye(y.size, dtype=y.dtype).reshape(y.size, *y.shape)
    return value, jnp.trace(jax.vmap(product)(units).reshape(y.size, y.size))


def value_and_probed_divergence(
    field: Field, y: Float[Array, "*event"], probe: Float[Array, "*event"]
) -> tuple[Float[Array, "*event"], Float[Array, ""]]:
    """Return `field` at `y` and an estimate of the trace of its Jacobian J there, unbiased over probes of covariance 1.

    **Source**: Hutchinson, Communications in Statistics: Simulation and Computation 19 (1990) 433: probe^T J probe.
    """
    value, product = jax.jvp(field, (y,), (probe,))
    return value, jnp.vdot(probe, product)


def rademacher(key: Key[Array, ""], like: Float[Array, "*event"]) -> Float[Array, "*event"]:
    """Return a probe of independent signs, for which the trace of a diagonal Jacobian is exact."""
    return jax.random.rademacher(key, like.shape, like.dtype)
