"""How much a rounded Sinkhorn plan loses against the exact assignment, on the gains of one group of units."""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from perspectives.alignment.assignment import assignment
from perspectives.numerics.sinkhorn import rounded, sinkhorn


class Loss(NamedTuple):
    """What entropic transport loses at one `epsilon`, which is in the gains' unit.

    `plan` is the exact gain per unit less that of the plan itself, at most epsilon log n when `converged`; `rounded` is
    the share of the exact gain that the rounded permutation lacks.
    """

    epsilon: float
    plan: float
    rounded: float
    iterations: int
    converged: bool


def losses(
    gains: Float[ndarray, "n n"],
    epsilons: Sequence[float],
    *,
    tolerance: float = 1e-6,
    max_iterations: int = 10_000,
) -> list[Loss]:
    """Return the loss at each of `epsilons`, summed in float64."""
    exact, rows = gains.astype(np.float64), np.arange(len(gains))
    most = float(exact[rows, assignment(exact).columns].sum())
    found = []
    for epsilon in epsilons:
        entropic = sinkhorn(-jnp.asarray(exact), epsilon, tolerance=tolerance, max_iterations=max_iterations)
        found.append(
            Loss(
                epsilon=epsilon,
                plan=most / len(gains) - float(np.sum(np.asarray(entropic.plan) * exact)),
                rounded=(most - float(exact[rows, rounded(entropic.plan)].sum())) / abs(most),
                iterations=int(entropic.iterations),
                converged=bool(entropic.converged),
            )
        )
    return found
