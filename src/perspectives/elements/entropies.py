"""Tsallis' entropies of distributions, with Shannon's and Gini's among them, and a lattice of the simplex."""

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import entr
from jaxtyping import Array, Float
from numpy import ndarray

EXPONENTS = {"Shannon": 1.0, "Tsallis 1.5": 1.5, "Gini": 2.0}
"""Tsallis' exponent of each named entropy."""


def tsallis(p: Float[Array, "*batch n"], exponent: float) -> Float[Array, "*batch"]:
    """Return Tsallis' entropy (1 - sum p^a) / (a (a - 1)); at a = 1 its limit, Shannon's -sum p log p.

    At a = 2 it is Gini's (1 - |p|^2) / 2. It is greatest at the uniform distribution and zero at the corners.

    **Source**: Tsallis 1988, scaled by 1/a as in Blondel, Martins and Niculae 2020, so that relaxed maxima of all
    exponents have comparable arguments.
    """
    if exponent == 1:
        return jnp.sum(entr(p), axis=-1)
    return (1 - jnp.sum(p**exponent, axis=-1)) / (exponent * (exponent - 1))


def shannon(p: Float[Array, "*batch n"]) -> Float[Array, "*batch"]:
    """Return -sum p log p in nats."""
    return tsallis(p, 1.0)


def gini(p: Float[Array, "*batch n"]) -> Float[Array, "*batch"]:
    """Return (1 - |p|^2) / 2."""
    return tsallis(p, 2.0)


def simplex_lattice(cells: int) -> Float[ndarray, "points 3"]:
    """Return the distributions over three outcomes whose probabilities are multiples of 1 / `cells`."""
    first, second = (axis.ravel() for axis in np.indices((cells + 1, cells + 1)))
    inside = first + second <= cells
    first, second = first[inside], second[inside]
    return np.stack([first, second, cells - first - second], axis=1) / cells
