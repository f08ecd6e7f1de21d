"""Sorting made differentiable: bubble sort with soft swaps, and sorting as entropic transport."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from perspectives.numerics.sinkhorn import sinkhorn

Scalar = Float[Array, ""] | float


def soft_bubble_sort(values: Float[Array, "n"], temperature: Scalar) -> Float[Array, "n"]:
    """Return `values` after bubble sort with soft swaps.

    A swap has weight p, the logistic function of (a - b) / temperature, and makes of the pair (a, b) the pair
    ((1 - p) a + p b, (1 - p) b + p a): the sum is kept. As the temperature falls p becomes 0 or 1.

    **Source**: companion, control_flows/bubble_sort.
    """
    size = values.size
    lefts = np.array([left for end in range(size - 1, 0, -1) for left in range(end)], dtype=int)

    def compare(current: Float[Array, "n"], left: Array) -> tuple[Float[Array, "n"], None]:
        difference = current[left] - current[left + 1]
        moved = jax.nn.sigmoid(difference / temperature) * difference
        return current.at[left].add(-moved).at[left + 1].add(moved), None

    return jax.lax.scan(compare, values, jnp.asarray(lefts))[0]


def transport_sort(
    values: Float[Array, "n"], epsilon: Scalar, *, tolerance: float = 1e-9, max_iterations: int = 20_000
) -> tuple[Float[Array, "n"], Float[Array, "n"], Array]:
    """Return `values` softly sorted, their soft ranks from 1 to n, and whether the plan converged.

    The plan P carries the values, scaled to [0, 1], to n anchors evenly spaced there, at squared distance as cost. Its
    marginals are 1/n, so n P' values are the sorted values and n P (1, ..., n) the ranks: the exact ones when epsilon
    tends to 0, means of values and ranks when it is large. The sum is kept as far as the plan's rows are right.

    **Source**: Cuturi, Teboul and Vert 2019.
    """
    size = values.size
    low, high = jnp.min(values), jnp.max(values)
    scaled = (values - low) / (high - low)
    cost = (scaled[:, None] - jnp.linspace(0.0, 1.0, size)) ** 2
    found = sinkhorn(cost, epsilon, tolerance=tolerance, max_iterations=max_iterations)
    return size * found.plan.T @ values, size * found.plan @ jnp.arange(1.0, size + 1), found.converged
