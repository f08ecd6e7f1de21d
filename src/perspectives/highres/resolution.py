"""How closely each discrete method follows each ODE, and how closely the others follow Nesterov's method."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from perspectives.highres import discretisation, flows
from perspectives.highres.comparisons import (
    LOW_RESOLUTION,
    NAG,
    ODE_10,
    ODE_14,
    SCHEME_24,
    SCHEME_27,
    SEMI_IMPLICIT,
    VARIANTS_27,
)
from perspectives.highres.flows import ConvexFlow
from perspectives.highres.problems import Problem

FROM = 1.0
"""Errors are suprema over t >= 1: at t = 0 the coefficients of all ODEs are singular, and all motions start alike."""

_FIRST_INDEX = {NAG: 0, SCHEME_24: 1, SCHEME_27: 1}
# Expanding a scheme about t_k = (k + offset) h to order h gives x'' + (3/t + h H) x' + (1 + (2 forcing + 1) h/t) grad f
# = 0. The offset is what turns 3/(k h) into 3/t; the printed ODEs belong to offset 0 and miss terms of order h. For
# NAG this is Shi's ODE.
_MODIFIED = {NAG: (0.25, 1.5), SCHEME_24: (-0.25, 0.5), SCHEME_27: (0.75, 0.5)}


class Distance(NamedTuple):
    """Relative distance of a sequence from Nesterov's, at the index shift that makes it smallest."""

    distance: Float[Array, ""]
    shift: Float[Array, ""]


def reference_flow(method: str, reference: str, h: Float[Array, ""]) -> tuple[ConvexFlow, float]:
    """Return the ODE and the offset of time: index k of `method` is compared with t = (k + offset) h."""
    if reference == LOW_RESOLUTION:
        return ConvexFlow(h, 0.0, 0.0), 0.0
    if reference == ODE_10:
        return flows.first_choice(h), 0.0
    if reference == ODE_14:
        return flows.second_choice(h), 0.0
    forcing, offset = _MODIFIED[method]
    return ConvexFlow(h, 1.0, forcing), offset


@eqx.filter_jit
def sequences(
    problem: Problem, start: Float[Array, "dim"], s: Float[Array, ""], count: int
) -> dict[str, Float[Array, "states dim"]]:
    """Return the points of all methods, `count` + 1 each, from rest in `start`."""
    gradient = jax.grad(problem)
    return {
        NAG: discretisation.nesterov(gradient, s, start, count),
        SCHEME_24: discretisation.rate_matched(gradient, s, start, count, weight=0),
        SCHEME_27: discretisation.rate_matched(gradient, s, start, count, weight=2),
        # Index 0 repeats the start: from index 1 on it runs beside Nesterov's method.
        SEMI_IMPLICIT: discretisation.semi_implicit(gradient, s, start, count + 1).x[1:],
        **{
            name: discretisation.rate_matched(gradient, s, start, count, weight=weight, gradient_at=at)
            for name, (weight, at) in VARIANTS_27.items()
        },
    }


def distance_from_flow(
    method: str,
    reference: str,
    problem: Problem,
    start: Float[Array, "dim"],
    s: Float[Array, ""],
    points: Float[Array, "states dim"],
    horizon: float,
) -> Float[Array, ""]:
    """Return the supremum over t in [1, `horizon`] of |x_k - X(t_k)|."""
    h = jnp.sqrt(s)
    flow, offset = reference_flow(method, reference, h)
    times = (_FIRST_INDEX[method] + offset + jnp.arange(len(points))) * h
    # Clipped, so that every s and offset asks for as many times and nothing compiles twice.
    motion = flows.solve(flow, problem, start, jnp.minimum(times, horizon)).states.x
    errors = jnp.linalg.norm(points - motion, axis=1)
    return jnp.max(jnp.where((times >= FROM) & (times <= horizon), errors, 0.0))


def distance_from_nesterov(
    nesterov: Float[Array, "states dim"], points: Float[Array, "states dim"], s: Float[Array, ""], horizon: float
) -> Distance:
    """Return sup |x_k - y_j| / sup |y_j| over t_j = j h <= `horizon`, y Nesterov's, at the better index shift.

    Both start from the same point at the head of the arrays; the other sequence may lag by 0, 1 or 2 indices.
    """
    times = jnp.arange(len(points)) * jnp.sqrt(s)
    scale = jnp.max(jnp.linalg.norm(nesterov, axis=1))
    distances = []
    for shift in range(3):
        errors = jnp.linalg.norm(points[shift:] - nesterov[: len(points) - shift], axis=1)
        distances.append(jnp.max(jnp.where(times[: len(errors)] <= horizon, errors, 0.0)) / scale)
    best = jnp.argmin(jnp.stack(distances))
    return Distance(jnp.stack(distances)[best], best.astype(float))
