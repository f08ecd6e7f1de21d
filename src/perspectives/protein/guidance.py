"""Samples of the posterior of latent codes: a flow as prior, a predictor of fitness as likelihood.

With v the prior's velocity, D the decoder, g the predictor and scaled fitness y(x) = (g(x) - low) / (high - low), the
likelihood of a code is normal about y = 1: minus its logarithm, up to a constant, is the misfit L(z) = (y(softmax D(z))
- 1)^2 / 2. It is taken at the end-point that the velocity promises, z + (1 - t) v(z, t). The posterior's velocity has
its gradient times (1 - t) / t; the published sampler has a step size of its own in place of that factor.
"""

from collections.abc import Callable
from typing import Any, Literal, get_args

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from perspectives.protein.flow_matching import Velocity
from perspectives.protein.landscapes import Scale
from perspectives.protein.layers import Codes
from perspectives.protein.settings import TimeIndex

Misfit = Callable[[Any], Any]
"""Minus the logarithm of the likelihood of each of a batch of codes."""
GradientAt = Literal["end-point", "code"]
ODE_TOLERANCE = 1e-3
"""Relative and absolute, of codes of order one whose residues alone matter; float32 has no room for much less."""
MAX_ODE_STEPS = 4096
TOGETHER = 64
"""Codes that a CPU carries at once: all that a gradient needs of them then stays in its second cache."""


class FitnessMisfit(eqx.Module):
    """How far the scaled fitness of what a code decodes to is from one: (y - 1)^2 / 2.

    Each position is the distribution that the decoder gives, in place of a one for its likeliest residue.
    """

    autoencoder: Any
    predictor: Any
    scale: Scale = eqx.field(static=True)

    def fitness(self, z: Codes) -> Float[Array, "n"]:
        """Return the scaled fitness of what each code decodes to."""
        raw = self.predictor(jax.nn.softmax(self.autoencoder.decode(z)))
        return (raw - self.scale.low) / (self.scale.high - self.scale.low)

    def __call__(self, z: Codes) -> Float[Array, "n"]:
        """Return the misfit of each code."""
        return 0.5 * (self.fitness(z) - 1) ** 2


def gradient_of_each(loss: Callable[[Codes], Float[Array, "n"]], z: Codes) -> Codes:
    """Return the gradient of the loss of each code with respect to that code."""
    # A sample's loss depends on its own code alone, so one sum differentiates all.
    return jax.grad(lambda codes: loss(codes).sum())(z)


def _in_parts(sample: Callable[[Codes], Any], start: Codes) -> Any:
    """Return what `sample` does of `start`, on a CPU in equal parts of `TOGETHER` codes at most, one after another."""
    number = len(start)
    parts = -(-number // TOGETHER) if jax.default_backend() == "cpu" else 1
    size = -(-number // parts)
    filled = start[jnp.arange(parts * size) % number].reshape(parts, size, -1)
    found = jax.lax.map(sample, filled)
    return jax.tree.map(lambda leaf: leaf.reshape(parts * size, *leaf.shape[2:])[:number], found)


def split_samples(
    velocity: Velocity,
    misfit: Misfit,
    start: Codes,
    *,
    steps: int,
    strength: float,
    inner: int,
    time_index: TimeIndex = "old",
    gradient_at: GradientAt = "end-point",
    prior: bool = True,
) -> Codes:
    """Return codes after `steps` Euler steps of the prior, each followed by `inner` gradient steps on the misfit.

    With h = 1 / steps, at t = 0, h, ..., 1 - h: z <- z + h v(z, t), then `inner` times z <- z - h alpha grad L(z + (1 -
    t - h) v(z, t)), alpha being the `strength`. No strength or no inner steps: the prior alone. `gradient_at` "code"
    takes the gradient of L(z) itself, an ablation; without `prior` as well it is gradient ascent of fitness.

    **Source**: the released code, `sample.py`, with its two times: after the prior step the velocity is still taken at
    the old t, "old", though the time left is that of the new one. `time_index` "new" takes both there.

    **Raises**: ValueError when `time_index` or `gradient_at` is none of those named.
    """
    for name, given, kind in (("time_index", time_index, TimeIndex), ("gradient_at", gradient_at, GradientAt)):
        if given not in get_args(kind):
            raise ValueError(f"{name} = {given!r} is not allowed, only {' or '.join(map(repr, get_args(kind)))}")
    numbers = (1 / steps, strength / steps, float(prior), float(time_index == "new"))
    h, rate, share, late = (jnp.asarray(number, start.dtype) for number in numbers)
    return _split(
        velocity, misfit, start, jnp.asarray(steps), jnp.asarray(inner), h, rate, share, late, gradient_at == "code"
    )


@eqx.filter_jit
def _split(
    velocity: Velocity,
    misfit: Misfit,
    start: Codes,
    steps: Int[Array, ""],
    inner: Int[Array, ""],
    h: Float[Array, ""],
    rate: Float[Array, ""],
    share: Float[Array, ""],
    late: Float[Array, ""],
    at_code: bool,
) -> Codes:
    """Return what `split_samples` does. All numbers are arrays: one program serves whole maps of them, and the prior.

    A scan would need the number of steps when it is compiled.
    """

    def outer(number: Int[Array, ""], z: Codes) -> Codes:
        t = number * h
        left = (steps - 1 - number) * h
        z = z + share * h * velocity(z, t)

        def loss(codes: Codes) -> Float[Array, "n"]:
            return misfit(codes if at_code else codes + left * velocity(codes, t + late * h))

        return jax.lax.fori_loop(0, inner, lambda _, codes: codes - rate * gradient_of_each(loss, codes), z)

    return _in_parts(lambda codes: jax.lax.fori_loop(0, steps, outer, codes), start)


def guided_ode_samples(
    velocity: Velocity, misfit: Misfit, start: Codes, *, strength: float, inner: int, tolerance: float = ODE_TOLERANCE
) -> tuple[Codes, Int[Array, "n"]]:
    """Return codes at t = 1 of the guided ODE dz/dt = v(z, t) - alpha J grad L(z + (1 - t) v(z, t)), and steps taken.

    It is the limit of many steps of the split scheme: J inner steps of size h alpha for each h of the time.

    The gradient pulls along one direction, at a rate of alpha J |grad y|^2 where the prior's is of order one, so the
    equation is stiff. An explicit method is the cheaper one all the same: that direction turns all the time, so that
    implicit methods need as many steps, and each costs them d directional derivatives of the gradient. In three
    dimensions with alpha J = 600, and 3000, and a tolerance of .001, Kvaerno's methods of order 3 and 5 took 210 and
    331 steps, and 413 and 622; this one 218, and 1019. Steps are a sample's own: none waits for another's error.

    **Source**: Tsitouras's method of order 5, as in diffrax.

    **Raises**: a runtime error when a sample needs more than `MAX_ODE_STEPS` steps.
    """
    return _guided_ode(velocity, misfit, start, jnp.asarray(strength * inner, start.dtype), tolerance)


@eqx.filter_jit
def _guided_ode(
    velocity: Velocity, misfit: Misfit, start: Codes, rate: Float[Array, ""], tolerance: float
) -> tuple[Codes, Int[Array, "n"]]:
    def field(t: Any, z: Float[Array, "latent"], rate: Float[Array, ""]) -> Float[Array, "latent"]:
        def loss(codes: Codes) -> Float[Array, "n"]:
            return misfit(codes + (1 - t) * velocity(codes, t))

        return (velocity(z[None], t) - rate * gradient_of_each(loss, z[None]))[0]

    def solve(z: Float[Array, "latent"]) -> tuple[Float[Array, "latent"], Int[Array, ""]]:
        zero, one = jnp.zeros((), z.dtype), jnp.ones((), z.dtype)
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            diffrax.Tsit5(),
            t0=zero,
            t1=one,
            dt0=0.01 * one,
            y0=z,
            args=rate,
            stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance),
            max_steps=MAX_ODE_STEPS,
        )
        assert solution.ys is not None
        return solution.ys[-1], jnp.asarray(solution.stats["num_steps"])

    return _in_parts(jax.vmap(solve), start)
