"""Gradients of a solved ODE with little memory: the adjoint equation solved backwards, and a solver run in reverse."""

from collections.abc import Callable
from typing import Any, NamedTuple

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from perspectives.elements import lotka_volterra
from perspectives.elements.adjoints import relative_distance

State = Float[Array, "2"]
Parameters = Float[Array, "4"]
Both = Float[Array, "6"]
"""Parameters and start, what the gradient is by."""
Scalar = Float[Array, ""]

SOLVERS = {"Heun": diffrax.Heun(), "reversible Heun": diffrax.ReversibleHeun()}
ADJOINTS = {"discrete": diffrax.RecursiveCheckpointAdjoint(), "continuous": diffrax.BacksolveAdjoint()}


def gradient(solver: str, adjoint: str, max_steps: int) -> Callable[[Both, Scalar, Scalar], Both]:
    """Return the function of (parameters, start), horizon and step that gives the gradient of |y(horizon)|^2 / 2.

    The discrete gradient is that of the solver's map, exactly. The continuous one solves the adjoint equation with the
    same solver and step backwards, and the state along with it, so that its memory does not grow with time.

    **Source**: Chen, Rubanova, Bettencourt and Duvenaud 2018 for the adjoint equation; diffrax for both.
    """

    def objective(both: Both, horizon: Scalar, step: Scalar) -> Scalar:
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lotka_volterra.field),  # pyright: ignore[reportArgumentType]
            SOLVERS[solver],
            t0=0.0,
            t1=horizon,
            dt0=step,
            y0=both[4:],
            args=both[:4],
            adjoint=ADJOINTS[adjoint],
            max_steps=max_steps,
        )
        return jnp.sum(solution.ys[-1] ** 2) / 2  # pyright: ignore[reportOptionalSubscript]

    return jax.grad(objective)


class Pair(NamedTuple):
    """The state of reversible Heun: the solution y and its companion z, which the field is evaluated at."""

    y: State
    z: State


def reversible_step(parameters: Parameters, pair: Pair, step: Scalar) -> Pair:
    """Return the pair one step on; with -`step` this undoes itself, up to rounding.

    **Source**: Kidger, Foster, Li and Lyons 2021, algorithm 1: z+ = 2 y - z + h f(z), y+ = y + h (f(z) + f(z+)) / 2.
    """
    y, z = pair
    slope = lotka_volterra.field(0.0, z, parameters)
    after = 2 * y - z + step * slope
    return Pair(y + step * (slope + lotka_volterra.field(0.0, after, parameters)) / 2, after)


def reversed_gradient(both: Both, count: Int[Array, ""], step: Scalar) -> Both:
    """Return the gradient of |y|^2 / 2 after `count` reversible steps, each state got back from the one after it.

    It is the discrete gradient, by memory that does not grow with `count`. diffrax's continuous adjoint is not this:
    it starts the backward solve from z = y and forgets the pair's own z.

    **Source**: Kidger, Foster, Li and Lyons 2021, algorithm 2.
    """
    parameters, start = both[:4], both[4:]

    def back(_: Int[Array, ""], carry: tuple[Pair, Pair, Parameters]) -> tuple[Pair, Pair, Parameters]:
        after, cotangent, total = carry
        before = reversible_step(parameters, after, -step)
        _, pull = jax.vjp(  # pyright: ignore[reportAssignmentType]
            lambda parameters, pair: reversible_step(parameters, pair, step), parameters, before
        )
        of_parameters, of_pair = pull(cotangent)
        return before, of_pair, total + of_parameters

    end = jax.lax.fori_loop(0, count, lambda _, pair: reversible_step(parameters, pair, step), Pair(start, start))
    carry = end, Pair(end.y, jnp.zeros_like(start)), jnp.zeros_like(parameters)
    _, cotangent, total = jax.lax.fori_loop(0, count, back, carry)
    return jnp.concatenate([total, cotangent.y + cotangent.z])


class Mismatch(NamedTuple):
    """Distances of a gradient from the discrete one of its solver, relative, and its temporary memory."""

    distances: Float[Array, "horizons steps"]
    temporary_bytes: int


def mismatches(horizons: Float[Array, "horizons"], steps: Float[Array, "steps"], max_steps: int) -> dict[str, Mismatch]:
    """Return the mismatch of the continuous adjoint by each solver, and of reversible Heun's steps undone."""
    both = jnp.array(lotka_volterra.TRUTH + lotka_volterra.FIRST_STATE)

    def evaluate(function: Callable[..., Both], *, counted: bool = False) -> tuple[Array, int]:
        def arguments(horizon: Scalar, step: Scalar) -> tuple[Array, ...]:
            return both, jnp.rint(horizon / step).astype(int) if counted else horizon, step

        compiled = jax.jit(function).lower(*arguments(horizons[0], steps[0])).compile()
        found = jnp.stack([jnp.stack([compiled(*arguments(horizon, step)) for step in steps]) for horizon in horizons])
        analysis: Any = compiled.memory_analysis()
        return found, analysis.temp_size_in_bytes

    found, discrete = {}, {}
    for solver in SOLVERS:
        discrete[solver], memory = evaluate(gradient(solver, "discrete", max_steps))
        found[f"{solver}, discrete"] = Mismatch(jnp.zeros(discrete[solver].shape[:2]), memory)
        continuous, memory = evaluate(gradient(solver, "continuous", max_steps))
        found[solver] = Mismatch(relative_distance(continuous, discrete[solver]), memory)
    undone, memory = evaluate(reversed_gradient, counted=True)
    found["reversible Heun, undone"] = Mismatch(relative_distance(undone, discrete["reversible Heun"]), memory)
    return found
