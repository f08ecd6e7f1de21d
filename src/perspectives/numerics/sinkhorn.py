"""Entropic optimal transport between two uniform distributions on as many points, in the log domain."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Bool, Float, Int
from scipy.optimize import linear_sum_assignment

Scalar = Float[Array, ""] | float


class Plan(NamedTuple):
    """A transport plan whose columns sum to 1/n, how far its rows are from that, and whether this is near enough.

    `error` is the sum over rows of |row sum - 1/n|, the total mass that is out of place, of a mass of one.
    """

    plan: Float[Array, "n n"]
    iterations: Int[Array, ""]
    error: Float[Array, ""]
    converged: Bool[Array, ""]


class _State(NamedTuple):
    """Potentials of rows and columns, the rows' next ones, and how far the loop has come."""

    rows: Float[Array, "n"]
    columns: Float[Array, "n"]
    following: Float[Array, "n"]
    iterations: Int[Array, ""]
    error: Float[Array, ""]


@partial(jax.jit, static_argnames="max_iterations")
def sinkhorn(
    cost: Float[Array, "n n"],
    epsilon: Scalar,
    *,
    tolerance: Scalar = 1e-6,
    max_iterations: int = 10_000,
) -> Plan:
    """Return the plan P that minimises <P, cost> - epsilon H(P), H(P) = -sum P log P, with both marginals 1/n.

    The unregularised cost <P, cost> of a converged plan exceeds the least by at most epsilon log n, since the entropy
    of a plan lies between log n, of a permutation, and 2 log n. When `max_iterations` are over first, `converged` is
    false.

    **Source**: Cuturi 2013; Peyre and Cuturi 2019, section 4.4, for the log domain: alternately
    f <- -epsilon (log sum_j exp((g_j - cost_ij) / epsilon) + log n), and g likewise over rows.
    """
    size = cost.shape[0]

    def potentials(other: Float[Array, "n"], axis: int) -> Float[Array, "n"]:
        return -epsilon * (logsumexp((jnp.expand_dims(other, 1 - axis) - cost) / epsilon, axis=axis) + jnp.log(size))

    def unfinished(state: _State) -> Bool[Array, ""]:
        return (state.error > tolerance) & (state.iterations < max_iterations)

    def iterate(state: _State) -> _State:
        columns = potentials(state.following, 0)
        following = potentials(columns, 1)
        # the rows' next potentials differ from the present ones by just the mass that the rows lack
        error = jnp.abs(jnp.expm1((state.following - following) / epsilon)).sum() / size
        return _State(state.following, columns, following, state.iterations + 1, error)

    zeros = jnp.zeros(size, cost.dtype)
    start = _State(zeros, zeros, zeros, jnp.asarray(0), jnp.asarray(jnp.inf, cost.dtype))
    end = jax.lax.while_loop(unfinished, iterate, start)
    plan = jnp.exp((end.rows[:, None] + end.columns - cost) / epsilon)
    return Plan(plan, end.iterations, end.error, end.error <= tolerance)


def rounded(plan: Float[Array, "n n"]) -> Int[np.ndarray, "n"]:
    """Return the permutation p with the greatest sum of plan[i, p[i]]."""
    return linear_sum_assignment(np.asarray(plan), maximize=True)[1]
