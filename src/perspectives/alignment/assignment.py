"""The linear assignment problem, solved exactly: a few Sinkhorn iterations first make it an easy one."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy.optimize import linear_sum_assignment

TEMPERATURE = 0.025
"""Of the softened demand, in mean distances of a gain from its row's best: colder is nearer to the optimal prices, but
is reached in more iterations. Found by timing assignments of 512 units; the assignment is exact with any."""
ITERATIONS = 20
ITERATIONS_AGAIN = 10
"""Sinkhorn iterations without, and with, the prices of a similar problem."""
FEW = 64
"""Up to so many units SciPy's solver takes less time than the prices."""
CLEAR = 0.9
"""Share of columns that are some row's best from which on the problem is easy as it stands."""


class Assignment(NamedTuple):
    """Row i takes column `columns[i]`; the `prices` of the columns ease the next, similar, problem."""

    columns: Int[ndarray, "n"]
    prices: Float[ndarray, "n"]


def assignment(gains: Float[ndarray, "n n"], prices: Float[ndarray, "n"] | None = None) -> Assignment:
    """Return the permutation p that maximises the sum of gains[i, p[i]], to the precision of the gains.

    Subtracting prices from columns and each row's best from rows changes the gain of all permutations alike. SciPy's
    algorithm of shortest augmenting paths visits far fewer columns when the prices are near the optimal ones; those of
    the entropically regularised problem are, and cost a few matrix-vector products. How near decides the time only.

    **Source**: Crouse 2016 for the exact solver, as in SciPy; Cuturi 2013 for the prices.
    """
    size = len(gains)
    iterations = ITERATIONS if prices is None else ITERATIONS_AGAIN
    if prices is None:
        prices = np.zeros(size, gains.dtype)
    costs = gains - prices
    best = costs.argmax(axis=1)
    demanded = np.count_nonzero(np.bincount(best, minlength=size))
    if demanded == size:  # nobody competes at these prices, so that everyone gets the best
        return Assignment(best, prices)
    np.subtract(costs[np.arange(size), best][:, None], costs, out=costs)
    if size > FEW and demanded < CLEAR * size:
        change = _change_of_prices(costs, iterations)
        prices = prices + change
        costs += change
        costs -= costs.min(axis=1, keepdims=True)
    costs -= costs.min(axis=0)
    return Assignment(linear_sum_assignment(costs)[1], prices)


def _change_of_prices(costs: Float[ndarray, "n n"], iterations: int) -> Float[ndarray, "n"]:
    """Return by how much to raise each column's price so that the softened demand for each is about one."""
    lowest = costs.min(axis=0)
    kernel = costs - lowest  # holds a zero in every row and column and nothing negative: no sum below vanishes
    temperature = costs.dtype.type(TEMPERATURE * kernel.mean())
    if temperature == 0:
        return -lowest
    columns = np.ones_like(lowest)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        kernel *= -1 / temperature
        np.exp(kernel, out=kernel)
        for _ in range(iterations):
            rows = 1 / (kernel @ columns)
            columns = 1 / (rows @ kernel)
        change = -lowest - temperature * np.log(columns)
    return change if np.all(np.isfinite(change)) else -lowest  # prices beyond the floating-point range
