"""Smoothing on graphs against dense linear algebra, on sequences that are invented here."""

import numpy as np
import pytest

from perspectives.protein.sequences import hamming
from perspectives.protein.settings import SmoothingSettings
from perspectives.protein.smoothing import (
    adjacency,
    graph_nodes,
    nearest_nodes,
    neighbour_count,
    normalised,
    smooth,
)

SETTINGS = SmoothingSettings(weight=2.0)


@pytest.fixture(scope="module")
def nodes():
    tokens = np.random.default_rng(0).integers(0, 4, (90, 7)).astype(np.uint8)
    return np.unique(tokens, axis=0)


def dense_graph(nodes):
    """Normalised weights by the definition, entry by entry."""
    distances, count = hamming(nodes, nodes), neighbour_count(len(nodes))
    knows = np.zeros(distances.shape, bool)
    for row, of_row in enumerate(distances):
        others = sorted((d, place) for place, d in enumerate(of_row) if place != row)
        knows[row, [place for _, place in others[:count]]] = True
    weights = np.where(knows | knows.T, 1 / np.maximum(distances, 1), 0)
    degrees = weights.sum(1)
    return weights / np.sqrt(np.outer(degrees, degrees))


@pytest.mark.parametrize("block", [7, 64, 1000])
def test_nearest_nodes_are_those_of_all_distances_whatever_the_block(nodes, block):
    distances = hamming(nodes, nodes)
    found = nearest_nodes(nodes, 9, block=block)
    for row, of_row in enumerate(distances):
        expected = sorted((d, place) for place, d in enumerate(of_row) if place != row)[:9]
        assert set(found[row]) == {place for _, place in expected}


def test_the_graph_is_the_one_of_the_definition(nodes):
    graph = normalised(adjacency(nodes, nearest_nodes(nodes, neighbour_count(len(nodes)))))
    np.testing.assert_allclose(graph.toarray(), dense_graph(nodes), atol=1e-14)
    np.testing.assert_allclose(graph.toarray(), graph.toarray().T, atol=1e-15)


def test_the_laplacian_annuls_roots_of_degrees_and_its_eigenvalues_lie_between_0_and_2(nodes):
    weights = adjacency(nodes, nearest_nodes(nodes, neighbour_count(len(nodes))))
    laplacian = np.eye(len(nodes)) - normalised(weights).toarray()
    np.testing.assert_allclose(laplacian @ np.sqrt(weights.sum(1)), 0, atol=1e-13)
    eigenvalues = np.linalg.eigvalsh(laplacian)
    assert eigenvalues.min() > -1e-12
    assert eigenvalues.max() <= 2


def test_smoothed_fitness_solves_the_equation(nodes):
    fitness = np.random.default_rng(1).normal(size=len(nodes))
    laplacian = np.eye(len(nodes)) - dense_graph(nodes)
    exact = np.linalg.solve(np.eye(len(nodes)) + 2 * laplacian, fitness)
    found = smooth(nodes, fitness, SETTINGS)
    np.testing.assert_allclose(found.values, exact, atol=1e-7)
    assert found.residual < 1e-7
    assert found.energy_ratio == pytest.approx((exact @ laplacian @ exact) / (fitness @ laplacian @ fitness), rel=1e-6)
    assert found.energy_ratio < 1


def test_more_weight_makes_fitness_smoother(nodes):
    fitness = np.random.default_rng(1).normal(size=len(nodes))
    ratios = [smooth(nodes, fitness, SmoothingSettings(weight=weight)).energy_ratio for weight in (0.1, 1, 10)]
    assert ratios[0] > ratios[1] > ratios[2]


def test_what_is_in_the_kernel_stays_as_it_is(nodes):
    degrees = adjacency(nodes, nearest_nodes(nodes, neighbour_count(len(nodes)))).sum(1)
    np.testing.assert_allclose(smooth(nodes, np.sqrt(degrees), SETTINGS).values, np.sqrt(degrees), atol=1e-7)


@pytest.mark.parametrize(("nodes_", "count"), [(4, 3), (100, 11), (99, 10), (250_000, 501), (2, 1)])
def test_neighbours_are_as_many_as_the_root_of_all_and_one(nodes_, count):
    assert neighbour_count(nodes_) == count


def test_the_graph_grows_by_single_substitutions_of_what_it_has():
    base = np.array([[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]], np.uint8)
    allowed = np.zeros((4, 20), bool)
    allowed[:, :5] = True
    found = graph_nodes(base, 200, allowed=allowed, generator=np.random.default_rng(0))
    assert len(np.unique(found, axis=0)) == 200
    np.testing.assert_array_equal(found[:2], base[:2])
    assert found.max() < 5
    distances = hamming(found, found)
    assert all((distances[row, :row] == 1).any() for row in range(2, 200))


def test_a_base_set_larger_than_the_graph_is_kept_whole():
    base = np.random.default_rng(0).integers(0, 20, (50, 6)).astype(np.uint8)
    assert len(graph_nodes(base, 10, generator=np.random.default_rng(0))) == 50


def test_more_nodes_than_there_are_sequences_is_an_error():
    allowed = np.zeros((2, 20), bool)
    allowed[:, :2] = True
    with pytest.raises(ValueError, match="have no other neighbour"):
        graph_nodes(np.zeros((1, 2), np.uint8), 5, allowed=allowed, generator=np.random.default_rng(0))


def test_repeated_sequences_are_refused(nodes):
    with pytest.raises(ValueError, match="average repeated ones first"):
        smooth(np.concatenate([nodes, nodes[:1]]), np.ones(len(nodes) + 1), SETTINGS)
