"""Gibbs with gradients: a Markov chain over sequences whose proposals follow the predictor's gradient."""

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from numpy.random import Generator
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from perspectives.protein.budget import Budget, Predicted
from perspectives.protein.evolution import round_ends
from perspectives.protein.search_space import SearchSpace
from perspectives.protein.selection import different
from perspectives.protein.sequences import LETTERS, Tokens, hamming

LARGEST_CLUSTERED = 4000
"""Sequences between which all distances are kept: 128 MB of them. Of more, the fittest are clustered; our choice."""


def log_proposals(
    gradients: Float[ndarray, "n length 20"], tokens: Tokens, space: SearchSpace, *, temperature: float
) -> Float[ndarray, "n length 20"]:
    """Return the logarithm of the probability that each substitution in the space is proposed; the others have -inf.

    **Source**: Grathwohl et al. 2021 (arXiv:2102.04509), equation not checked: q proportional to exp(d / 2) with d the
    change of log-density to first order, here that of fitness over the temperature. Where fitness is linear it is the
    locally balanced proposal.
    """
    now = np.take_along_axis(gradients, tokens[:, :, None].astype(int), axis=2)
    changes = (gradients.astype(float) - now) / (2 * temperature)
    changes = np.where(space.substitutions(tokens), changes, -np.inf)
    flat = changes.reshape(len(tokens), -1)
    largest = flat.max(1, initial=-np.inf)
    largest = np.where(np.isfinite(largest), largest, 0)[:, None]
    with np.errstate(divide="ignore"):  # from a sequence without neighbours nothing is proposed
        total = largest + np.log(np.exp(flat - largest).sum(1, keepdims=True))
    return np.where(np.isfinite(changes), changes - total[:, :, None], -np.inf)


def log_acceptance(
    change: Float[ndarray, "n"],
    forward: Float[ndarray, "n"],
    backward: Float[ndarray, "n"],
    *,
    temperature: float,
) -> Float[ndarray, "n"]:
    """Return the logarithm of Metropolis's and Hastings's ratio for a `change` of fitness, before it is cut at one.

    `forward` and `backward` are logarithms of the probabilities that the proposal and its reversal are made.
    """
    return change / temperature + backward - forward


def gibbs_with_gradients(
    budget: Budget,
    start: Tokens,
    space: SearchSpace,
    *,
    rounds: int,
    temperature: float,
    clusters: int,
    inverted: bool = False,
    generator: Generator,
) -> Predicted:
    """Return the accepted sequences of all rounds, and of the start those where the chains began.

    In a round each chain makes as many proposals as the budget allows, all from where it is; those accepted are
    clustered, and the fittest of each cluster is where a chain goes on. A proposal costs one call, for its value with
    the gradient that its reversal needs; so does each chain at the start of a round.

    **Source**: Kirjner et al. 2024, Gibbs sampling with graph-based smoothing, which is this with the smoothed
    predictor; the chain of Grathwohl et al. 2021.

    **Departs**: their code accepts when the ratio is *below* the uniform draw; `inverted` does so too and leaves the
    rest as it is. Their proposals go as exp(d / T) and their ratio has exp(change) without T, which leaves no
    distribution of this form unchanged. Chains are fewer when a round has no two calls for each.
    """
    centres = clustered(Predicted(start, budget(start)), clusters).tokens
    kept = [Predicted(centres, budget(centres))]
    for end in round_ends(budget, rounds):
        centres = centres[: max(1, (end - budget.used) // 2)]
        each = (end - budget.used) // len(centres) - 1
        if each < 1:
            continue
        values, gradients = budget.gradients(centres)
        log_forward = log_proposals(gradients, centres, space, temperature=temperature)
        chain, place, residue = _drawn(log_forward, each, generator)
        proposals = centres[chain]
        proposals[np.arange(len(chain)), place] = residue
        # The same sequence may be proposed more than once; it is asked once, but each proposal is decided for itself.
        first, index = _indexed(proposals)
        new_values, new_gradients = budget.gradients(proposals[first])
        log_backward = log_proposals(new_gradients, proposals[first], space, temperature=temperature)
        ratio = log_acceptance(
            new_values[index] - values[chain],
            log_forward[chain, place, residue],
            log_backward[index, place, centres[chain, place]],
            temperature=temperature,
        )
        accepted = np.unique(index[accepts(ratio, generator.random(len(ratio)), inverted=inverted)])
        if len(accepted):
            found = Predicted(proposals[first][accepted], new_values[accepted])
            kept.append(found)
            centres = clustered(found, clusters).tokens
    return Predicted(*(np.concatenate(column) for column in zip(*kept, strict=True)))


def clustered(found: Predicted, clusters: int) -> Predicted:
    """Return the fittest sequence of each of at most `clusters` clusters, fittest first.

    **Source**: Kirjner et al. 2024, average linkage; the distance is Hamming's here, as sequences have one length.
    """
    order = np.argsort(-found.values, kind="stable")[:LARGEST_CLUSTERED]
    tokens, values = found.tokens[order], found.values[order]
    if len(tokens) <= clusters:
        return Predicted(tokens, values)
    tree = linkage(squareform(hamming(tokens, tokens).astype(float), checks=False), method="average")
    label = fcluster(tree, clusters, criterion="maxclust")
    _, best = np.unique(label, return_index=True)  # the first of a cluster is its fittest
    best = np.sort(best)
    return Predicted(tokens[best], values[best])


def _drawn(
    log_probabilities: Float[ndarray, "n length 20"], each: int, generator: Generator
) -> tuple[Int[ndarray, "m"], Int[ndarray, "m"], Int[ndarray, "m"]]:
    """Return `each` draws of a substitution for each chain: its number, the place, the residue."""
    flat = np.exp(log_probabilities.reshape(len(log_probabilities), -1))
    possible = np.flatnonzero(flat.sum(1) > 0)
    columns = []
    for chain in possible:
        total = np.cumsum(flat[chain])
        drawn = np.searchsorted(total, generator.random(each) * total[-1], side="right")
        # Rounding may give the draw past the last substitution that has a probability.
        columns.append(np.minimum(drawn, np.flatnonzero(flat[chain])[-1]))
    drawn = np.concatenate([np.zeros(0, int), *columns])
    return np.repeat(possible, each), drawn // LETTERS, drawn % LETTERS


def _indexed(tokens: Tokens) -> tuple[Int[ndarray, "rows"], Int[ndarray, "n"]]:
    """Return the first row of each different sequence, and for each row which of these it is."""
    first = different(tokens)
    number = {tokens[row].tobytes(): place for place, row in enumerate(first)}
    return first, np.array([number[row.tobytes()] for row in tokens], dtype=int)


def accepts(ratio: Float[ndarray, "n"], uniform: Float[ndarray, "n"], *, inverted: bool) -> Bool[ndarray, "n"]:
    """Say which proposals are accepted, given logarithms of ratios and uniform draws."""
    below = np.log(uniform) < ratio
    return ~below if inverted else below
