"""What derivatives of a network cost over the network itself, as compiled: operations and temporary memory.

The network has no loops, because XLA's count takes the body of a loop once, however often it runs.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import ShapeDtypeStruct
from jaxtyping import Array, Float

Weights = list[Float[Array, "_ _"]]

LAYERS = 6


class Cost(NamedTuple):
    """Operations (a multiplication and an addition are two, a tanh is one) and bytes of temporary memory."""

    operations: float
    temporary_bytes: float


class Derivative(NamedTuple):
    """A derivative of f as a function of weights, point and direction, and the bound on its cost over f's by width."""

    function: Callable[..., Any]
    bound: Callable[[int], float]


def compiled_cost(function: Callable[..., Any], *arguments: Any) -> Cost:
    """Return the cost of `function` as XLA compiles it for arguments of these shapes; nothing is computed."""
    compiled = jax.jit(function).lower(*arguments).compile()
    analysis: Any = compiled.cost_analysis()
    memory: Any = compiled.memory_analysis()
    return Cost(analysis["flops"] + analysis.get("transcendentals", 0.0), float(memory.temp_size_in_bytes))


def network(weights: Weights, x: Float[Array, "dim"]) -> Float[Array, "out"]:
    """Return `x` after a linear map and a tanh for each of `weights`."""
    for weight in weights:
        x = jnp.tanh(weight @ x)
    return x


def objective(weights: Weights, x: Float[Array, "dim"]) -> Float[Array, ""]:
    """Return half the squared norm of the network's output: the function f whose derivatives are counted."""
    return jnp.sum(network(weights, x) ** 2) / 2


def shapes(width: int, outputs: int | None = None) -> tuple[list[ShapeDtypeStruct], ShapeDtypeStruct]:
    """Return the shapes of weights and point, for `outputs` units in the last layer or, by default, `width`."""
    widths = [width] * LAYERS + [width if outputs is None else outputs]
    pairs = zip(widths[1:], widths[:-1], strict=True)
    return [ShapeDtypeStruct(pair, float) for pair in pairs], ShapeDtypeStruct((width,), float)


def _product(weights: Weights, x: Array, v: Array) -> Array:
    return jax.jvp(lambda y: objective(weights, y), (x,), (v,))[1]


def _gradient(weights: Weights, x: Array, _: Array) -> Array:
    return jax.grad(objective, 1)(weights, x)


def _full_gradient(weights: Weights, x: Array, _: Array) -> tuple[Weights, Array]:
    return jax.grad(objective, (0, 1))(weights, x)


def _forward_over_reverse(weights: Weights, x: Array, v: Array) -> Array:
    return jax.jvp(lambda y: jax.grad(objective, 1)(weights, y), (x,), (v,))[1]


def _reverse_over_reverse(weights: Weights, x: Array, v: Array) -> Array:
    return jax.grad(lambda y: jnp.vdot(jax.grad(objective, 1)(weights, y), v))(x)


def _full_hessian_vector(weights: Weights, x: Array, v: Array) -> tuple[Weights, Array]:
    # The direction in the weights is the weights themselves, since its values do not change the count.
    return jax.jvp(jax.grad(objective, (0, 1)), (weights, x), (weights, v))[1]


def _forward_gradient(weights: Weights, x: Array, _: Array) -> Array:
    return jax.jacfwd(objective, 1)(weights, x)


def _hessian(weights: Weights, x: Array, _: Array) -> Array:
    return jax.hessian(objective, 1)(weights, x)


DERIVATIVES: dict[str, Derivative] = {
    "product": Derivative(_product, lambda d: 2.5),
    "gradient": Derivative(_gradient, lambda d: 5.0),
    "gradient, all": Derivative(_full_gradient, lambda d: 5.0),
    "Hessian product, forward over reverse": Derivative(_forward_over_reverse, lambda d: 10.0),
    "Hessian product, reverse over reverse": Derivative(_reverse_over_reverse, lambda d: 10.0),
    "Hessian product, all": Derivative(_full_hessian_vector, lambda d: 10.0),
    "gradient, forward": Derivative(_forward_gradient, lambda d: 1 + 1.5 * d),
    "Hessian": Derivative(_hessian, lambda d: 4 + 6.0 * d),
}
"""By the point x of d numbers, or by all, weights too. "forward" is d products at once, which share their point.

**Source** of the bounds: Baur and Strassen 1983; Griewank and Walther 2008, sections 3.2, 3.3 and 5.2: tangents take at
most 5/2 times, gradients 4 times the operations and 5 with memory, second-order adjoints 10 times; for d directions
together 1 + 3/2 d, and by the same count 4 + 6 d (not checked)."""


def jacobian_costs(width: int, outputs: Sequence[int]) -> list[tuple[int, float, float]]:
    """Return rows (m, forward, reverse): operations of the Jacobian of a network of m outputs over the network's."""
    rows = []
    for m in outputs:
        arguments = shapes(width, m)
        once = compiled_cost(network, *arguments).operations
        forward, reverse = (compiled_cost(mode(network, 1), *arguments).operations for mode in (jax.jacfwd, jax.jacrev))
        rows.append((m, forward / once, reverse / once))
    return rows
