"""The deterministic methods, one step each, and the loop that runs them.

Every state carries `x`, the point at which the gradient is taken. A step maps (k, state) of index k to that of k + 1.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Vector = Float[Array, "dim"]
Gradient = Callable[[Vector], Vector]
Index = Int[Array, ""] | int
Step = float | Float[Array, ""]
State = TypeVar("State")


class Nesterov(NamedTuple):
    """State of Nesterov's method: the extrapolated point x and the gradient step y."""

    x: Vector
    y: Vector


class SemiImplicit(NamedTuple):
    """State of (21): position x and v."""

    x: Vector
    v: Vector


class RateMatched(NamedTuple):
    """State of (24) and (27): position x_k and z_{k-1}."""

    x: Vector
    z: Vector


def nesterov_step(gradient: Gradient, s: Step, k: Index, state: Nesterov) -> Nesterov:
    """Return the next state. **Source**: (NAG), y+ = x - s grad f(x), x+ = y+ + k/(k+3) (y+ - y)."""
    y = state.x - s * gradient(state.x)
    return Nesterov(y + k / (k + 3) * (y - state.y), y)


def semi_implicit_step(gradient: Gradient, s: Step, k: Index, state: SemiImplicit) -> SemiImplicit:
    """Return the next state of the semi-implicit Euler scheme for (20).

    **Source**: (21), x+ = x + (2/k)(v - x+) - s grad f(x), v+ = v - (k s/2) grad f(x+) - s grad f(x+).

    **Departs**: multiplied out, x+ = (k x + 2 v - k s grad f(x)) / (k + 2), which k = 0 does not break.
    """
    x = (k * state.x + 2 * state.v - k * s * gradient(state.x)) / (k + 2)
    return SemiImplicit(x, state.v - 0.5 * s * (k + 2) * gradient(x))


def rate_matched_step(
    gradient: Gradient,
    s: Step,
    k: Index,
    state: RateMatched,
    *,
    weight: int,
    gradient_at: Literal["y", "x"] = "y",
) -> RateMatched:
    """Return the next state of the rate-matched schemes.

    **Source**: (24) with weight 0, (27) with weight 2: y_k = x_k - s grad f(x_k), z_k = z_{k-1} - (s/2)(k + weight)
    grad f(y_k), x_{k+1} = (2 z_k + k y_k) / (k + 2).

    **Departs**: weight 1 is our correction of (27); `gradient_at="x"` is what the text after (27) puts in place of y.
    """
    y = state.x - s * gradient(state.x)
    z = state.z - 0.5 * s * (k + weight) * gradient(y if gradient_at == "y" else state.x)
    return RateMatched((2 * z + k * y) / (k + 2), z)


def iterate(step: Callable[[Int[Array, ""], State], State], start: State, first: int, count: int) -> State:
    """Return the states of indices `first`, ..., `first` + `count`, stacked; `start` has index `first`."""

    def advance(state: State, k: Int[Array, ""]) -> tuple[State, State]:
        following = step(k, state)
        return following, following

    _, states = jax.lax.scan(advance, start, jnp.arange(first, first + count))
    return jax.tree.map(lambda one, rest: jnp.concatenate([one[None], rest]), start, states)


def nesterov(gradient: Gradient, s: Step, start: Vector, count: int) -> Float[Array, "states dim"]:
    """Return x_0, ..., x_count of Nesterov's method from x_0 = y_0 = `start`."""
    return iterate(lambda k, state: nesterov_step(gradient, s, k, state), Nesterov(start, start), 0, count).x


def semi_implicit(gradient: Gradient, s: Step, start: Vector, count: int) -> SemiImplicit:
    """Return the states 0, ..., count of (21) from x_0 = v_0 = `start`, so that x_1 = x_0 too."""
    return iterate(lambda k, state: semi_implicit_step(gradient, s, k, state), SemiImplicit(start, start), 0, count)


def rate_matched(
    gradient: Gradient,
    s: Step,
    start: Vector,
    count: int,
    *,
    weight: int,
    gradient_at: Literal["y", "x"] = "y",
) -> Float[Array, "states dim"]:
    """Return x_1, ..., x_{count+1} of (24) or (27) from z_0 = `start`.

    At k = 0 the last line gives x_1 = z_0, and z is first updated at k = 1.
    """

    def step(k: Int[Array, ""], state: RateMatched) -> RateMatched:
        return rate_matched_step(gradient, s, k, state, weight=weight, gradient_at=gradient_at)

    return iterate(step, RateMatched(start, start), 1, count).x
