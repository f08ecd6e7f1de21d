"""Alignment of any number of networks to one barycentre, in which no network is the reference."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perspectives.alignment.gaussians import Gaussians, barycentre, permuted, squared_distance
from perspectives.alignment.matching import match
from perspectives.alignment.permutations import Permutations, Symmetries, identity, inverse


@dataclass(frozen=True)
class Alignments:
    """The permutations of each network, those of the first being the identity, and the barycentre of all as permuted.

    `before` is the sum of squared W2 distances to the barycentre of the networks as they came, `history` that sum when
    all are first aligned and after each sweep since, `objective` its last entry. `settled` says whether the last sweep
    moved nothing.
    """

    permutations: tuple[Permutations, ...]
    barycentre: Gaussians
    before: float
    objective: float
    history: tuple[float, ...]
    settled: bool


def match_many(
    posteriors: Sequence[Gaussians], symmetries: Symmetries, *, sweeps: int = 20, restarts: int = 1, seed: int = 0
) -> Alignments:
    """Return the permutations P_k that bring the networks P_k#q_k near to their common W2 barycentre.

    First each network is aligned to the barycentre of those before it, with `restarts` starts. Then, in random order,
    each is aligned to the barycentre of all others, until nothing moves or `sweeps` are over. The sum of squared
    distances to the barycentre is a constant less <P_k x_k, sum of all other P_j x_j>, in x_k, so that this never
    raises it; aligning to the barycentre of all, the network itself included, would hold it where it is.

    **Source**: the barycentre of Agueh and Carlier 2011; Ainsworth, Hayase and Srinivasa 2023, algorithm 3
    ("MergeMany"), for alternating over the means of more than two networks (number of the algorithm not checked).
    **Raises**: ValueError when there are fewer than two posteriors, or as in `match`.
    """
    if len(posteriors) < 2:
        raise ValueError(f"{len(posteriors)} posteriors: aligning needs at least two")
    generator = np.random.default_rng(seed)
    found: list[Permutations] = [identity(symmetries)]
    placed = [posteriors[0]]
    for posterior in posteriors[1:]:
        own = int(generator.integers(2**32))
        matching = match(barycentre(placed), posterior, symmetries, restarts=restarts, seed=own)
        found.append(matching.permutations)
        placed.append(permuted(posterior, matching.permutations, symmetries))
    history, settled = [_spread(placed)], False
    for _ in range(sweeps):
        settled = True
        for number in generator.permutation(len(posteriors)).tolist():
            others = barycentre([one for other, one in enumerate(placed) if other != number])
            matching = match(
                others,
                posteriors[number],
                symmetries,
                restarts=1,
                seed=int(generator.integers(2**32)),
                start=found[number],
            )
            if len(matching.history) > 1:
                found[number], settled = matching.permutations, False
                placed[number] = permuted(posteriors[number], matching.permutations, symmetries)
        history.append(_spread(placed))
        if settled:
            break
    back = inverse(found[0])
    found = [{group: order[back[group]] for group, order in permutations.items()} for permutations in found]
    return Alignments(
        permutations=tuple(found),
        barycentre=permuted(barycentre(placed), back, symmetries),
        before=_spread(posteriors),
        objective=history[-1],
        history=tuple(history),
        settled=settled,
    )


def _spread(posteriors: Sequence[Gaussians]) -> float:
    """Return the sum of squared W2 distances to the barycentre."""
    centre = barycentre(list(posteriors))
    return sum(squared_distance(centre, posterior) for posterior in posteriors)
