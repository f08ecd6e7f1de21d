"""A search that stays near its reference: it mutates what is fittest for its number of mutations."""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from numpy.random import Generator

from perspectives.protein.budget import Budget, Predicted
from perspectives.protein.evolution import ask_mutants, round_ends
from perspectives.protein.search_space import SearchSpace
from perspectives.protein.sequences import Tokens

PARENTS = 100
"""Sequences of the foremost frontiers that mutate in a round; our choice."""


def frontier_order(edits: Int[ndarray, "n"], fitness: Float[ndarray, "n"], number: int) -> Int[ndarray, "found"]:
    """Return the rows of the foremost `number` sequences, frontier by frontier, fewest mutations first in each.

    A frontier has those that no other with as few mutations or fewer equals in fitness; the next is that of the rest.
    Of equals the first counts as fitter.
    """
    ranked = {count: list(np.flatnonzero(edits == count)) for count in np.unique(edits)}
    waiting = {count: sorted(rows, key=lambda row: -fitness[row])[::-1] for count, rows in ranked.items()}
    # `sorted` keeps equals in order, and reversed the fittest is the last, from where it is taken.
    found: list[int] = []
    while len(found) < number and any(waiting.values()):
        best = -np.inf
        for rows in waiting.values():
            if rows and fitness[rows[-1]] > best:
                best = fitness[rows[-1]]
                found.append(int(rows.pop()))
    return np.array(found[:number], dtype=int)


def explore_frontier(
    budget: Budget, start: Tokens, space: SearchSpace, *, rounds: int, generator: Generator
) -> Predicted:
    """Return all that a search along the frontier of few mutations and high fitness has asked of the predictor.

    In each round random single and double substitutions are tried in the sequences of the foremost frontiers.

    **Source**: PEX, Ren et al. 2022, proximal exploration; section not checked.

    **Departs**: it is the frontier of Pareto, where the paper has a convex one; the predictor is never fitted anew; and
    designs are selected as those of all methods are, by predicted fitness alone.
    """
    budget(start)
    for end in round_ends(budget, rounds):
        visited = budget.visited()
        parents = visited.tokens[frontier_order(space.edits(visited.tokens), visited.values, PARENTS)]
        ask_mutants(budget, parents, space, end=end, generator=generator)
    return budget.visited()
