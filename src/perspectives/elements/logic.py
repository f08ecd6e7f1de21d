"""Soft logic: three pairs of and and or on [0, 1], and how far a pair is from the laws of logic."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

Truth = Float[Array, "*shape"]
Connective = Callable[[Truth, Truth], Truth]


class Logic(NamedTuple):
    """A triangular norm, for and, and its dual, for or."""

    conjunction: Connective
    disjunction: Connective


LOGICS: dict[str, Logic] = {
    "probabilistic": Logic(lambda a, b: a * b, lambda a, b: a + b - a * b),
    "extremum": Logic(jnp.minimum, jnp.maximum),
    "lukasiewicz": Logic(lambda a, b: jnp.maximum(a + b - 1, 0.0), lambda a, b: jnp.minimum(a + b, 1.0)),
}
"""Blondel and Roulet, chapter Control flows (not checked); Klement, Mesiar and Pap 2000 for the axioms."""


def violations(logic: Logic, grid: Float[Array, "points"]) -> dict[str, Float[Array, ""]]:
    """Return the largest distance of `logic` from each law, over all pairs or triples of `grid`.

    Corners are the truth tables. De Morgan's law is not (a and b) = (not a) or (not b), with not a = 1 - a. The unit is
    1 for and, 0 for or. Monotonicity is broken by the largest fall as an argument rises to the next of `grid`.
    """
    conjunction, disjunction = logic
    a, b, c = grid[:, None, None], grid[:, None], grid
    ands, ors = conjunction(b, c), disjunction(b, c)
    truths = jnp.array([0.0, 0.0, 1.0, 1.0]), jnp.array([0.0, 1.0, 0.0, 1.0])

    def distance(*pairs: tuple[Truth, Truth]) -> Float[Array, ""]:
        return jnp.max(jnp.array([jnp.max(jnp.abs(one - other)) for one, other in pairs]))

    return {
        "corners": distance(
            (conjunction(*truths), jnp.array([0.0, 0.0, 0.0, 1.0])),
            (disjunction(*truths), jnp.array([0.0, 1.0, 1.0, 1.0])),
        ),
        "associativity": distance(
            (conjunction(conjunction(a, b), c), conjunction(a, conjunction(b, c))),
            (disjunction(disjunction(a, b), c), disjunction(a, disjunction(b, c))),
        ),
        "de_morgan": distance((1 - ands, disjunction(1 - b, 1 - c))),
        "commutativity": distance((ands, ands.T), (ors, ors.T)),
        "unit": distance(
            (conjunction(grid, jnp.ones_like(grid)), grid), (disjunction(grid, jnp.zeros_like(grid)), grid)
        ),
        "monotonicity": jnp.maximum(0.0, -jnp.min(jnp.diff(jnp.stack([ands, ors]), axis=1))),
    }
