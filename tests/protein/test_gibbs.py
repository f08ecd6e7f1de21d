"""Gibbs with gradients against the laws of Metropolis and Hastings, on fitness that is invented here."""

from itertools import product

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from perspectives.protein.budget import Budget, Predicted, predictions_and_gradients
from perspectives.protein.gibbs import accepts, clustered, gibbs_with_gradients, log_acceptance, log_proposals
from perspectives.protein.search_space import SearchSpace

LENGTH, RESIDUES, TEMPERATURE = 3, 3, 0.7


class Pairwise(eqx.Module):
    """Fitness with effects of positions and of two of them together: not linear, so that gradients mislead."""

    single: Float[Array, "length 20"]
    pair: Float[Array, "20 20"]

    def __call__(self, x):
        return jnp.einsum("nla,la->n", x, self.single) + jnp.einsum("na,nb,ab->n", x[:, 0], x[:, 1], self.pair)


@pytest.fixture(scope="module")
def fitness():
    rng = np.random.default_rng(0)
    return Pairwise(*(jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in ((LENGTH, 20), (20, 20))))


def space(mutations=None):
    allowed = np.zeros((LENGTH, 20), bool)
    allowed[:, :RESIDUES] = True
    return SearchSpace(np.zeros(LENGTH, np.uint8), allowed, mutations)


def everything(here):
    tokens = np.array(list(product(range(RESIDUES), repeat=LENGTH)), np.uint8)
    return tokens[here.contains(tokens)]


def transition(fitness, here):
    """The whole matrix of the chain, from its proposals and acceptances."""
    tokens = everything(here)
    values, gradients = predictions_and_gradients(fitness, tokens)
    log_q = log_proposals(gradients, tokens, here, temperature=TEMPERATURE)
    number = {sequence.tobytes(): row for row, sequence in enumerate(tokens)}
    matrix = np.zeros((len(tokens), len(tokens)))
    for row, sequence in enumerate(tokens):
        for place, residue in zip(*np.nonzero(np.isfinite(log_q[row])), strict=True):
            other = sequence.copy()
            other[place] = residue
            column = number[other.tobytes()]
            ratio = log_acceptance(
                values[column] - values[row : row + 1],
                log_q[row, place, residue][None],
                log_q[column, place, sequence[place]][None],
                temperature=TEMPERATURE,
            )[0]
            matrix[row, column] = np.exp(log_q[row, place, residue] + min(0, ratio))
    matrix[np.diag_indices(len(tokens))] = 1 - matrix.sum(1)
    return matrix, values


@pytest.mark.parametrize("mutations", [None, 2])
def test_the_chain_leaves_the_distribution_of_fitness_over_temperature_unchanged(fitness, mutations):
    matrix, values = transition(fitness, space(mutations))
    assert (matrix >= -1e-12).all()
    density = np.exp(values / TEMPERATURE)
    density /= density.sum()
    np.testing.assert_allclose(density @ matrix, density, atol=1e-12)
    flow = density[:, None] * matrix
    np.testing.assert_allclose(flow, flow.T, atol=1e-12)


def test_proposals_are_probabilities_of_substitutions_in_the_space(fitness):
    here = space(2)
    tokens = everything(here)
    _, gradients = predictions_and_gradients(fitness, tokens)
    log_q = log_proposals(gradients, tokens, here, temperature=TEMPERATURE)
    np.testing.assert_array_equal(np.isfinite(log_q), here.substitutions(tokens))
    np.testing.assert_allclose(np.exp(log_q).sum((1, 2)), 1, rtol=1e-12)


def test_where_fitness_is_linear_proposals_are_locally_balanced(fitness):
    linear = Pairwise(fitness.single, jnp.zeros((20, 20), jnp.float32))
    here = space()
    tokens = everything(here)
    values, gradients = predictions_and_gradients(linear, tokens)
    log_q = log_proposals(gradients, tokens, here, temperature=TEMPERATURE)
    sequence, change = tokens[0], []
    for place, residue in zip(*np.nonzero(np.isfinite(log_q[0])), strict=True):
        other = sequence.copy()
        other[place] = residue
        row = np.flatnonzero((tokens == other).all(1))[0]
        change.append(log_q[0, place, residue] - (values[row] - values[0]) / (2 * TEMPERATURE))
    np.testing.assert_allclose(change, change[0], atol=1e-5)  # float32 predictions


def test_a_tiny_temperature_makes_no_probability_of_nothing(fitness):
    here = space()
    tokens = everything(here)
    _, gradients = predictions_and_gradients(fitness, tokens)
    assert np.exp(log_proposals(gradients, tokens, here, temperature=1e-6)).sum((1, 2)) == pytest.approx(1)


def test_inverted_acceptance_is_the_opposite_decision():
    ratio, uniform = np.array([-5.0, -0.1, 3.0]), np.array([0.5, 0.5, 0.5])
    np.testing.assert_array_equal(accepts(ratio, uniform, inverted=False), [False, True, True])
    np.testing.assert_array_equal(accepts(ratio, uniform, inverted=True), [True, False, False])


def climb(predictor, *, budget=None, inverted=False, mutations=None, length=8):
    everything = SearchSpace(np.zeros(length, np.uint8), np.ones((length, 20), bool), mutations)
    budget = budget or Budget(predictor, calls=1000)
    start = np.zeros((1, length), np.uint8)
    return gibbs_with_gradients(
        budget, start, everything, rounds=5, temperature=0.05, clusters=10, inverted=inverted,
        generator=np.random.default_rng(0),
    )  # fmt: skip


@pytest.fixture(scope="module")
def additive():
    rng = np.random.default_rng(3)
    return Pairwise(jnp.asarray(rng.random((8, 20)), jnp.float32), jnp.zeros((20, 20), jnp.float32))


def test_the_textbook_chain_climbs_and_the_inverted_one_does_not(additive):
    textbook, inverted = climb(additive), climb(additive, inverted=True)
    assert np.median(textbook.values[-50:]) > textbook.values[0] + 2
    assert np.median(textbook.values[-50:]) > np.median(inverted.values[-50:]) + 1


@pytest.mark.parametrize("calls", [100, 333])
@pytest.mark.parametrize("mutations", [1, 3])
def test_budget_and_mutations_are_kept(additive, calls, mutations):
    budget = Budget(additive, calls=calls)
    found = climb(additive, budget=budget, mutations=mutations)
    assert 0 < budget.used <= calls
    assert (found.tokens != 0).sum(1).max() <= mutations


def test_values_are_those_of_the_sequences(additive):
    found = climb(additive)
    np.testing.assert_allclose(found.values, predictions_and_gradients(additive, found.tokens)[0], rtol=1e-6)


def test_of_planted_clusters_the_fittest_of_each_is_kept():
    rng = np.random.default_rng(0)
    centres = np.repeat(np.arange(4, dtype=np.uint8) * 5, 12).reshape(4, 12)
    tokens = np.repeat(centres, 6, axis=0)
    tokens[np.arange(24), rng.integers(0, 12, 24)] += 1
    values = rng.permutation(24).astype(float)
    found = clustered(Predicted(tokens, values), 4)
    best = [values[6 * cluster : 6 * cluster + 6].max() for cluster in range(4)]
    np.testing.assert_array_equal(found.values, np.sort(best)[::-1])
    for sequence, value in zip(found.tokens, found.values, strict=True):
        np.testing.assert_array_equal(sequence, tokens[values == value][0])


def test_fewer_sequences_than_clusters_are_all_kept():
    found = clustered(Predicted(np.eye(3, dtype=np.uint8), np.array([1.0, 3.0, 2.0])), 5)
    np.testing.assert_array_equal(found.values, [3, 2, 1])
