"""Smoothing of fitness on a graph of sequences.

Nodes are the base set and random substitutions of it. Each node knows its nearest by Hamming distance, and of two that
know each other, one way at least, the edge weighs the inverse of their distance. Fitness f becomes the y that is near
to it and changes little along edges: it minimises |y - f|^2 + gamma y' L y, L the normalised Laplacian, so that
(I + gamma L) y = f.

Memory for n nodes and k = floor(sqrt(n) + 1) neighbours: about 60 n k bytes while the edges are made symmetric (12 an
entry for both directions, for their union, which may have twice as many, and for the weights before), then 40 n k. What
comes before takes 80 n L bytes for one-hots of L residues and 20 n `BLOCK` for distances of a block of nodes.
For n = 250,000, k = 501: 7.5 GB, and before that 1.8 GB with AAV and 6.0 GB with GFP.
"""

from math import isqrt
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numpy import ndarray
from numpy.random import Generator
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, cg

from perspectives.protein.search_space import SearchSpace, random_places
from perspectives.protein.selection import different
from perspectives.protein.sequences import LETTERS, Tokens, one_hot
from perspectives.protein.settings import SmoothingSettings

BLOCK = 256
"""Nodes whose distances to all others are in memory at once."""
TOLERANCE = 1e-8
"""Of conjugate gradients, relative; the eigenvalues lie between 1 and 1 + 2 gamma, so that a dozen steps reach it."""
MAX_ITERATIONS = 1000


class Smoothed(NamedTuple):
    """Smoothed fitness of each node, the relative residual, and the Dirichlet energy y' L y over that before."""

    values: Float[ndarray, "n"]
    residual: float
    energy_ratio: float


def graph_nodes(
    tokens: Tokens, number: int, *, allowed: Bool[ndarray, "length 20"] | None = None, generator: Generator
) -> UInt8[ndarray, "nodes length"]:
    """Return `number` different sequences: `tokens`, and random single substitutions of these and of one another.

    More than `number` of `tokens` are all kept. `allowed` residues limit the substitutions.

    **Source**: Kirjner et al. 2024, their algorithm's random walk from the base set.

    **Departs**: as many substitutions are drawn at a time as there are sequences so far.
    """
    length = tokens.shape[1]
    everything = np.ones((length, LETTERS), bool) if allowed is None else allowed
    space = SearchSpace(tokens[0], everything, None)
    nodes = tokens[different(tokens)]
    while len(nodes) < number:
        parents = nodes[generator.integers(len(nodes), size=len(nodes))]
        children = space.substituted(parents, random_places(len(parents), length, 1, generator), generator)
        grown = np.concatenate([nodes, children])
        grown = grown[different(grown)][:number]
        if len(grown) == len(nodes):
            raise ValueError(f"{number} nodes were asked for, but the {len(nodes)} found have no other neighbour")
        nodes = grown
    return nodes


def neighbour_count(nodes: int) -> int:
    """Return how many neighbours a node has: floor(sqrt(n) + 1), as Kirjner et al. 2024 have it, or all others."""
    return min(isqrt(nodes) + 1, nodes - 1)


def nearest_nodes(tokens: Tokens, count: int, *, block: int = BLOCK) -> Int[ndarray, "n count"]:
    """Return the `count` nearest other nodes of each by Hamming distance; of equally near ones the first in order.

    Distances come from products of one-hots, a block of nodes at a time.
    """
    number, length = tokens.shape
    everything = one_hot(tokens).reshape(number, -1)
    found = np.empty((number, count), np.int32)
    kind = np.int32 if (length + 2) * number < 2**31 else np.int64
    column = np.arange(number, dtype=kind)
    for start in range(0, number, block):
        rows = np.arange(start, min(start + block, number))
        distances = length - np.rint(everything[rows] @ everything.T).astype(kind)
        distances[np.arange(len(rows)), rows] = length + 1  # itself is the last
        # Distance and place in one number, all different: the least are the nearest, and of equals the first.
        keys = np.partition(distances * number + column, count - 1, axis=1)[:, :count]
        found[rows] = keys % number
    return found


def adjacency(tokens: Tokens, neighbours: Int[ndarray, "n count"]) -> csr_array:
    """Return the symmetric weights of edges: the inverse Hamming distance of nodes of which one knows the other.

    **Source**: Kirjner et al. 2024. **Departs**: from their released code, where weights are distances in the end.
    """
    number, count = neighbours.shape
    blocks = range(0, number, BLOCK)
    distances = [(tokens[b : b + BLOCK, None] != tokens[neighbours[b : b + BLOCK]]).sum(2).ravel() for b in blocks]
    entries = np.arange(0, number * count + 1, count)
    one_way = csr_array((1 / np.concatenate(distances), neighbours.ravel(), entries), shape=(number, number))
    return csr_array(one_way.maximum(one_way.T))


def normalised(weights: csr_array) -> csr_array:
    """Return D^(-1/2) W D^(-1/2), D having the sums of weights of each node; the Laplacian is I less this."""
    scale = 1 / np.sqrt(weights.sum(1))
    scaled = weights.data * scale[weights.indices]
    scaled *= np.repeat(scale, np.diff(weights.indptr))
    return csr_array((scaled, weights.indices, weights.indptr), shape=weights.shape)


def smooth(tokens: Tokens, fitness: Float[ndarray, "n"], settings: SmoothingSettings) -> Smoothed:
    """Return the fitness of different sequences smoothed on their graph.

    **Source**: Kirjner et al. 2024, graph-based smoothing, with Tikhonov's regularisation.

    **Raises**: ValueError when a sequence is repeated, whose edge would weigh without end; RuntimeError when conjugate
    gradients do not reach their tolerance.
    """
    if len(different(tokens)) < len(tokens):
        raise ValueError(
            f"of {len(tokens)} sequences only {len(different(tokens))} differ; average repeated ones first"
        )
    return solved(normalised(adjacency(tokens, nearest_nodes(tokens, neighbour_count(len(tokens))))), fitness, settings)


def solved(graph: csr_array, fitness: Float[ndarray, "n"], settings: SmoothingSettings) -> Smoothed:
    """Return fitness smoothed on a graph, given by its normalised weights.

    **Raises**: RuntimeError when conjugate gradients do not reach their tolerance.
    """

    def roughness(values: Float[ndarray, "n"]) -> Float[ndarray, "n"]:
        return values - graph @ values

    def applied(values: Float[ndarray, "n"]) -> Float[ndarray, "n"]:
        return values + settings.weight * roughness(values)

    # The system's matrix is never made: it would be as large as the graph.
    system: Any = LinearOperator(graph.shape, matvec=applied, dtype=float)  # type: ignore[call-arg]
    values, failed = cg(system, fitness, rtol=TOLERANCE, maxiter=MAX_ITERATIONS)
    if failed:
        raise RuntimeError(f"conjugate gradients did not reach {TOLERANCE:g} in {MAX_ITERATIONS} iterations")
    return Smoothed(
        values,
        float(np.linalg.norm(applied(values) - fitness) / np.linalg.norm(fitness)),
        float(values @ roughness(values) / (fitness @ roughness(fitness))),
    )
