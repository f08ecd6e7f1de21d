"""The gradient through a long recurrence: what is kept on the way forward and what is computed again on the way back.

A tape keeps what each of N steps leaves. Blocks keep the state at the start of every sqrt(N) steps and tape one such
block at a time. Recursive checkpointing keeps k states whatever N is, and computes the rest again.
"""

from collections.abc import Callable
from math import comb, isqrt
from typing import Literal

import equinox.internal as eqxi
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

State = Float[Array, "*state"]
Step = Callable[[State], State]
Schedule = Literal["tape", "blocks"] | int
"""How to go back; a number is that of recursive checkpoints."""


def iterate(step: Step, start: State, length: int, schedule: Schedule) -> State:
    """Return `start` after `length` steps, to be differentiated in reverse by `schedule`.

    Recursive checkpoints are equinox's own loop, the one inside `diffrax.RecursiveCheckpointAdjoint`; it is internal
    there, so its signature may change with the pinned version.

    **Source**: Griewank 1992, Achieving logarithmic growth of temporal and spatial complexity in reverse automatic
    differentiation; Stumm and Walther 2010 for loops whose length is not known before.
    **Raises**: ValueError when there is no checkpoint.
    """

    def body(state: State, _: None) -> tuple[State, None]:
        return step(state), None

    if schedule == "tape":
        return jax.lax.scan(body, start, length=length)[0]
    if schedule == "blocks":
        size = block_size(length)

        @jax.checkpoint
        def block(state: State, _: None) -> tuple[State, None]:
            return jax.lax.scan(body, state, length=size)

        return jax.lax.scan(block, start, length=length // size)[0]
    if schedule < 1:
        raise ValueError(f"recursive checkpointing needs at least 1 checkpoint, got {schedule}")
    return eqxi.scan(body, start, None, length=length, kind="checkpointed", checkpoints=schedule)[0]


def block_size(length: int) -> int:
    """Return the largest divisor of `length` up to its root."""
    return max(size for size in range(1, isqrt(length) + 1) if length % size == 0)


def ring_step(coupling: Float[Array, "state"], state: Float[Array, "state"]) -> Float[Array, "state"]:
    """Return an Euler step of 0.01 of units on a ring, each drawn to the tanh of its neighbour's coupled value."""
    return state + 0.01 * (jnp.tanh(coupling * jnp.roll(state, 1)) - state)


def ring_gradient(
    coupling: Float[Array, "state"], start: Float[Array, "state"], length: int, schedule: Schedule
) -> tuple[Float[Array, "state"], Float[Array, "state"]]:
    """Return the gradient by coupling and start of half the squared norm of the ring's state after `length` steps."""

    def objective(coupling: Array, start: Array) -> Array:
        return jnp.sum(iterate(lambda state: ring_step(coupling, state), start, length, schedule) ** 2) / 2

    return jax.grad(objective, (0, 1))(coupling, start)


def evaluations(length: int, schedule: Schedule) -> int:
    """Return how often a gradient through `length` steps evaluates the step, counted while it runs."""
    count = 0

    def tick(_: State) -> None:
        nonlocal count
        count += 1

    def step(state: State) -> State:
        jax.debug.callback(tick, state)  # without an argument it would be moved out of the loop
        return jnp.sin(state)

    jax.block_until_ready(jax.jit(jax.grad(lambda start: iterate(step, start, length, schedule)))(jnp.ones(())))
    jax.effects_barrier()
    return count


def fewest_evaluations(length: int, checkpoints: int) -> int:
    """Return the least number of evaluations with `checkpoints` states kept, by the best schedule.

    With r the least number for which C(k + r, r) >= N, advancing takes r N - C(k + r, r - 1) evaluations, and each step
    is evaluated once more when it is differentiated.

    **Source**: Griewank and Walther 2000, Algorithm 799: revolve, proposition 1 (number not checked).
    """
    repetitions = next(r for r in range(1, length + 1) if comb(checkpoints + r, r) >= length)
    return repetitions * length - comb(checkpoints + repetitions, repetitions - 1) + length
