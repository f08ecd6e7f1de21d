"""Searches that mutate: evolution with recombination, and the floors below it."""

from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy import ndarray
from numpy.random import Generator

from perspectives.protein.budget import Budget, Predicted, predictions
from perspectives.protein.landscapes import Scale
from perspectives.protein.search_space import SearchSpace, random_places
from perspectives.protein.sequences import Tokens

TOGETHER = 256
"""Sequences that mutate at a time: a batch of the predictor. AdaLead takes 20, to the same end."""
PATIENCE = 20
"""Times in turn that nothing new may come up before a search ends: what it can reach is used up."""
_EXHAUSTIVE_BATCH = 8192


def founders(
    tokens: Tokens, scores: Float[ndarray, "n"], space: SearchSpace, number: int
) -> UInt8[ndarray, "found length"]:
    """Return where all searches begin: the best measured sequences of the base set that lie in the space, or reference.

    Each once, at most `number`.
    """
    best = tokens[np.argsort(-scores, kind="stable")]
    best = best[space.contains(best)]
    _, first = np.unique(best, axis=0, return_index=True)
    found = best[np.sort(first)][:number]
    return found if len(found) else space.reference[None]


def evolve(
    budget: Budget,
    start: Tokens,
    space: SearchSpace,
    *,
    rounds: int,
    threshold: float,
    recombination: float,
    scale: Scale,
    generator: Generator,
) -> Predicted:
    """Return all that an evolution guided by the predictor has asked of it.

    In each round the parents are those asked so far whose scaled fitness is within the share `threshold` of the best.
    Pairs of them recombine: from position to position the sequence goes over to the other with the rate
    `recombination`. Each child mutates with rate 1 / L a position as long as it is no worse than where it began.

    **Source**: AdaLead, Sinai et al. 2020 (arXiv:2010.02141), section not checked.

    **Departs**: children with more mutations than the space has lose some, drawn at random, to the reference; many
    mutate at a time; the model is never fitted anew, since there is one predictor for all methods.
    """
    budget(start)
    length = start.shape[1]
    for end in round_ends(budget, rounds):
        visited = budget.visited()
        parents = visited.tokens[near_best(scale.scaled(visited.values), threshold)]
        idle = 0
        while budget.used < end and idle < PATIENCE:
            before = budget.used
            pair = parents[generator.integers(len(parents), size=(2, TOGETHER))]
            roots = space.trimmed(recombined(pair[0], pair[1], recombination, generator), generator)
            affordable = budget.known(roots)
            affordable[budget.new(roots, end - budget.used)] = True
            nodes = roots[affordable]
            floors = budget(nodes)
            while len(nodes) and budget.used < end:
                places = generator.random(nodes.shape) < 1 / length
                children = space.trimmed(space.substituted(nodes, places, generator), generator)
                rows = budget.new(children, end - budget.used)
                values = budget(children[rows])
                better = values >= floors[rows]
                nodes, floors = children[rows][better], floors[rows][better]
            idle = idle + 1 if budget.used == before else 0
    return budget.visited()


def near_best(fitness: Float[ndarray, "n"], threshold: float) -> Bool[ndarray, "n"]:
    """Say which are within the share `threshold` of the best.

    **Source**: AdaLead's released code: best (1 - sign(best) threshold), so that it is below a negative best too.
    """
    best = fitness.max()
    return fitness >= best * (1 - np.sign(best) * threshold)


def recombined(one: Tokens, other: Tokens, rate: float, generator: Generator) -> Tokens:
    """Return sequences that go over from one to the other, or back, before each position with probability `rate`."""
    there = np.cumsum(generator.random(one.shape) < rate, axis=1) % 2 == 1
    return np.where(there, other, one)


def random_mutants(budget: Budget, tokens: Tokens, space: SearchSpace, *, generator: Generator) -> Predicted:
    """Return as many different random mutants of the sequences as the budget pays for: a floor for every search."""
    ask_mutants(budget, tokens, space, end=budget.calls, generator=generator)
    return budget.visited()


def ask_mutants(budget: Budget, parents: Tokens, space: SearchSpace, *, end: int, generator: Generator) -> None:
    """Ask for new random mutants of `parents` until `end` calls are used, or nothing new comes up.

    Half of them have one substitution, half two. Those outside of the space lose mutations, drawn at random.
    """
    idle, length = 0, parents.shape[1]
    while budget.used < end and idle < PATIENCE:
        before = budget.used
        chosen = parents[generator.integers(len(parents), size=TOGETHER)]
        places = np.concatenate([random_places(TOGETHER // 2, length, number, generator) for number in (1, 2)])
        mutants = space.trimmed(space.substituted(chosen, places, generator), generator)
        budget(mutants[budget.new(mutants, end - budget.used)])
        idle = idle + 1 if budget.used == before else 0


def exhaustive_doubles(predictor: Any, space: SearchSpace) -> Predicted:
    """Return all sequences with two mutations of the reference, allowed ones, and what the predictor gives them.

    No budget holds it: it is what a search would be compared with that cannot fail.
    """
    reference, allowed = space.reference, space.allowed.copy()
    allowed[np.arange(len(reference)), reference] = False
    residues = [np.flatnonzero(row) for row in allowed]
    found = []
    for first, second in combinations(range(len(reference)), 2):
        one, two = (grid.ravel() for grid in np.meshgrid(residues[first], residues[second], indexing="ij"))
        doubles = np.repeat(reference[None], len(one), axis=0)
        doubles[:, first], doubles[:, second] = one, two
        found.append(doubles)
    tokens = np.concatenate(found)
    return Predicted(tokens, predictions(predictor, tokens, batch=_EXHAUSTIVE_BATCH))


def round_ends(budget: Budget, rounds: int) -> list[int]:
    """Return how many calls are used at the end of each round when all that are left are divided equally."""
    return [budget.used + budget.left * (number + 1) // rounds for number in range(rounds)]
