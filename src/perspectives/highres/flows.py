"""The ODEs of the paper as first-order pairs that never form the Hessian of f. h stands for sqrt(s) throughout."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from perspectives.highres.problems import Problem
from perspectives.numerics.ode import Trajectory, trajectory

SINGULARITY = 1e-6
"""Where the convex flows start instead of t = 0: x = v there cancels p/t, and what is left out is of order 1e-6 h."""

Vector = Float[Array, "dim"]
Scalar = Float[Array, ""]


class Pair(NamedTuple):
    """Position and the second unknown: v (convex flows) or u = x' + h grad f(x) (strongly convex flow)."""

    x: Float[Array, "*times dim"]
    v: Float[Array, "*times dim"]


class ConvexFlow(eqx.Module):
    """x' = (p/t)(v - x) - damping h grad f(x), v' = -(C p t^(p-1) + forcing h) grad f(x).

    **Source**: (20), with two factors put in. Without v it reads x'' + ((p+1)/t + damping h H) x' +
    (C p^2 t^(p-2) + (p forcing + damping) h/t) grad f = 0, H the Hessian. The weight of h in v' is 1 in (20) for every
    p, since (q' n - n' q) / (n^2 q) = 1 for n = p/t, q = C p t^(p-1).
    """

    h: Scalar = eqx.field(converter=jnp.asarray)
    damping: Scalar = eqx.field(converter=jnp.asarray)
    forcing: Scalar = eqx.field(converter=jnp.asarray)
    p: Scalar = eqx.field(converter=jnp.asarray, default=2.0)
    c: Scalar = eqx.field(converter=jnp.asarray, default=0.25)

    def velocity(self, problem: Problem, t: Scalar, pair: Pair) -> Pair:
        """Return (x', v') at time `t`."""
        gradient = jax.grad(problem)(pair.x)
        return Pair(
            self.p / t * (pair.v - pair.x) - self.damping * self.h * gradient,
            -(self.c * self.p * t ** (self.p - 1) + self.forcing * self.h) * gradient,
        )

    def pair(self, problem: Problem, t: Scalar, x: Vector, velocity: Vector) -> Pair:
        """Return the pair whose position is `x` and whose x' is `velocity`."""
        return Pair(x, x + t / self.p * (velocity + self.damping * self.h * jax.grad(problem)(x)))


class StronglyConvexFlow(eqx.Module):
    """x' = u - h grad f(x), u' = -2 sqrt(mu) x' - (1 + sqrt(mu) h) grad f(x).

    **Source**: (19), x'' + (2 sqrt(mu) + h H) x' + (1 + sqrt(mu s)) grad f = 0, with u = x' + h grad f(x).
    """

    h: Scalar = eqx.field(converter=jnp.asarray)
    mu: Scalar = eqx.field(converter=jnp.asarray)

    def velocity(self, problem: Problem, t: Scalar, pair: Pair) -> Pair:
        """Return (x', u') at time `t`."""
        gradient = jax.grad(problem)(pair.x)
        velocity = pair.v - self.h * gradient
        return Pair(velocity, -2 * jnp.sqrt(self.mu) * velocity - (1 + jnp.sqrt(self.mu) * self.h) * gradient)

    def pair(self, problem: Problem, t: Scalar, x: Vector, velocity: Vector) -> Pair:
        """Return the pair whose position is `x` and whose x' is `velocity`."""
        return Pair(x, velocity + self.h * jax.grad(problem)(x))


Flow = ConvexFlow | StronglyConvexFlow


def low_resolution() -> ConvexFlow:
    """Return the limit s -> 0 at p = 2: x'' + (3/t) x' + grad f = 0. **Source**: (23)."""
    return ConvexFlow(h=0.0, damping=0.0, forcing=0.0)


def perturbed_low_resolution(h: float | Scalar) -> ConvexFlow:
    """Return (23) with -h grad f added to v'. **Source**: (26)."""
    return ConvexFlow(h=h, damping=0.0, forcing=1.0)


def first_choice(h: float | Scalar, p: float | Scalar = 2.0, c: float | Scalar = 0.25) -> ConvexFlow:
    """Return the flow of the first force, with (C p^2 t^(p-2) + h/t) grad f. **Source**: (10); (22) at p = 2."""
    return ConvexFlow(h=h, damping=1.0, forcing=0.0, p=p, c=c)


def second_choice(h: float | Scalar, p: float | Scalar = 2.0, c: float | Scalar = 0.25) -> ConvexFlow:
    """Return the flow of the second force, with (C p^2 t^(p-2) + (p+1) h/t) grad f. **Source**: (13); (14) at p = 2."""
    return ConvexFlow(h=h, damping=1.0, forcing=1.0, p=p, c=c)


def shi(h: float | Scalar) -> ConvexFlow:
    """Return x'' + (3/t + h H) x' + (1 + 3h/(2t)) grad f = 0. **Source**: Shi, Du, Jordan, Su (2021), for NAG-C."""
    return ConvexFlow(h=h, damping=1.0, forcing=0.25)


@eqx.filter_jit
def acceleration(flow: Flow, problem: Problem, t: Scalar, x: Vector, velocity: Vector) -> Vector:
    """Return x'' of the pair form: the derivative of x' along the flow."""
    state = flow.pair(problem, t, x, velocity)
    rate = flow.velocity(problem, t, state)
    return jax.jvp(lambda t, state: flow.velocity(problem, t, state).x, (t, state), (jnp.ones_like(t), rate))[1]


def solve(flow: Flow, problem: Problem, start: Vector, times: Float[Array, "times"]) -> Trajectory:
    """Return the pairs at `times` of the motion that starts at rest in `start`.

    The convex flows start from x = v at t = `SINGULARITY`, which also stands for any smaller time; (19) starts at 0.
    """
    if isinstance(flow, ConvexFlow):
        since, v = SINGULARITY, start
    else:
        since, v = 0.0, flow.h * jax.grad(problem)(start)
    return trajectory(_field, Pair(start, v), jnp.maximum(times, since), (flow, problem), since=since)


def _field(t: Scalar, pair: Pair, args: tuple[Flow, Any]) -> Pair:
    flow, problem = args
    return flow.velocity(problem, t, pair)
