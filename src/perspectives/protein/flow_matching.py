"""Conditional flow matching between a standard normal and codes, samples of the flow, and the case of two normals."""

from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from perspectives.protein.layers import Codes

TOLERANCE = 1e-5
"""Of the adaptive solver, absolute and relative: a thousandth of what thirty-two Euler steps are off by."""

Velocity = Callable[..., Any]
"""v(z, t) of a batch of codes, at one time for all or a time each."""


class Posterior(eqx.Module):
    """Normal distributions of codes, all dimensions independent."""

    mean: Codes
    deviation: Codes


class FlowMatchingLoss(eqx.Module):
    """The squared error of the velocity along straight lines from normal draws to codes.

    **Source**: Lipman et al. 2023, conditional flow matching: |v(x_t, t) - (x_1 - x_0)|^2 at x_t = (1 - t) x_0 + t x_1,
    t uniform, mean over codes and dimensions. Whether codes are draws from the posterior or its means was not released.
    """

    draws: bool = eqx.field(static=True)

    def __call__(self, velocity: Velocity, batch: Posterior, key: Key[Array, ""]) -> Float[Array, ""]:
        """Return the loss of a batch of posteriors, at a time each."""
        code_key, start_key, time_key = jax.random.split(key, 3)
        end = batch.mean
        if self.draws:
            end = end + batch.deviation * jax.random.normal(code_key, end.shape, end.dtype)
        start = jax.random.normal(start_key, end.shape, end.dtype)
        t = jax.random.uniform(time_key, (len(end),), end.dtype)
        between = (1 - t[:, None]) * start + t[:, None] * end
        return jnp.square(velocity(between, t) - (end - start)).mean()


@eqx.filter_jit
def prior_samples(velocity: Velocity, z0: Codes, steps: int | None) -> Codes:
    """Return where the flow carries `z0` from time 0 to 1: by Euler steps of one size, or adaptively when it is None.

    **Source**: Euler's method and Tsitouras's of order 5, as in diffrax.
    """
    # Times of the codes' own precision, exact at both ends: a sum of float32 steps would miss the last.
    ends = jnp.zeros((), z0.dtype), jnp.ones((), z0.dtype)
    if steps is None:
        solver, controller = diffrax.Tsit5(), diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE)
    else:
        solver, controller = diffrax.Euler(), diffrax.StepTo(ts=jnp.linspace(*ends, steps + 1, dtype=z0.dtype))
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, z, args: velocity(z, t)), solver, *ends, None, z0, stepsize_controller=controller
    )
    assert solution.ys is not None
    return solution.ys[-1]


class NormalVelocity(eqx.Module):
    """The velocity that minimises the loss when codes are normal, N(m, S).

    x_t is N(t m, C) with C = (1 - t)^2 I + t^2 S, so that E[x_1 - x_0 | x_t = z] is
    m + (t S - (1 - t) I) C^-1 (z - t m).
    """

    mean: Float[Array, "latent"]
    covariance: Float[Array, "latent latent"]

    def __call__(self, z: Codes, t: float | Float[Array, ""] | Float[Array, "n"]) -> Codes:
        """Return the velocity of each code at its time, or at the one time."""
        return jax.vmap(self._of_one)(z, jnp.broadcast_to(jnp.asarray(t, z.dtype), (len(z),)))

    def _of_one(self, z: Float[Array, "latent"], t: Float[Array, ""]) -> Float[Array, "latent"]:
        identity = jnp.eye(len(z), dtype=z.dtype)
        between = (1 - t) ** 2 * identity + t**2 * self.covariance
        joint = t * self.covariance - (1 - t) * identity
        return self.mean + joint @ jnp.linalg.solve(between, z - t * self.mean)
