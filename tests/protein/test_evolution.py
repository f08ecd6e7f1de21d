"""The space of searches, the budget of calls, evolution and its floors, on additive fitness that is invented here."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from perspectives.protein.budget import Budget, predictions, predictions_and_gradients
from perspectives.protein.evolution import (
    evolve,
    exhaustive_doubles,
    founders,
    near_best,
    random_mutants,
    recombined,
    round_ends,
)
from perspectives.protein.landscapes import Scale
from perspectives.protein.search_space import SearchSpace, random_places
from perspectives.protein.sequences import one_hot

LENGTH = 6
UNIT = Scale(0.0, 1.0)


class Additive(eqx.Module):
    """Fitness as a sum over positions, in the shape of a predictor."""

    weights: Float[Array, "length 20"]

    def __call__(self, x):
        return jnp.einsum("nla,la->n", x, self.weights)


@pytest.fixture(scope="module")
def additive():
    return Additive(jnp.asarray(np.random.default_rng(0).random((LENGTH, 20)), jnp.float32))


def space(mutations=None, allowed=None):
    everything = np.ones((LENGTH, 20), bool)
    return SearchSpace(np.zeros(LENGTH, np.uint8), everything if allowed is None else allowed, mutations)


def drawn(rows, seed=0, most=20):
    return np.random.default_rng(seed).integers(0, most, (rows, LENGTH)).astype(np.uint8)


# --- The space


def test_a_space_has_what_is_allowed_and_near():
    allowed = np.ones((LENGTH, 20), bool)
    allowed[0, 5] = False
    tokens = np.zeros((4, LENGTH), np.uint8)
    tokens[1, 0], tokens[2, :2], tokens[3, :3] = 5, 3, 3
    np.testing.assert_array_equal(space(2, allowed).contains(tokens), [True, False, True, False])
    np.testing.assert_array_equal(space(None, allowed).contains(tokens), [True, False, True, True])


@pytest.mark.parametrize("mutations", [None, 1, 2])
def test_substitutions_are_just_those_that_lead_to_another_sequence_of_the_space(mutations):
    allowed = np.random.default_rng(1).random((LENGTH, 20)) < 0.7
    allowed[:, 0] = True
    here = space(mutations, allowed)
    tokens = here.trimmed(drawn(5), np.random.default_rng(2))
    assert here.contains(tokens).all()
    found = here.substitutions(tokens)
    for row, sequence in enumerate(tokens):
        for place in range(LENGTH):
            for residue in range(20):
                other = sequence.copy()
                other[place] = residue
                expected = residue != sequence[place] and here.contains(other[None])[0]
                assert found[row, place, residue] == expected


def test_substituted_places_get_each_other_allowed_residue_equally_often_and_nothing_else_changes():
    allowed = np.zeros((LENGTH, 20), bool)
    allowed[:, [0, 3, 7, 19]] = True
    allowed[1] = np.arange(20) == 0  # no choice there
    tokens = np.tile(np.array([3, 0, 0, 0, 0, 0], np.uint8), (30_000, 1))
    places = np.zeros(tokens.shape, bool)
    places[:, :2] = True
    found = space(None, allowed).substituted(tokens, places, np.random.default_rng(0))
    np.testing.assert_array_equal(found[:, 1:], tokens[:, 1:])
    counts = np.bincount(found[:, 0], minlength=20)
    np.testing.assert_array_equal(np.flatnonzero(counts), [0, 7, 19])
    np.testing.assert_allclose(counts[[0, 7, 19]] / 10_000, 1, atol=0.05)  # four deviations of a count: 0.04


def test_trimming_leaves_what_is_inside_alone_and_brings_the_rest_in_without_bias():
    here, generator = space(2), np.random.default_rng(0)
    inside = np.zeros((3, LENGTH), np.uint8)
    inside[1, 2], inside[2, :2] = 4, 9
    np.testing.assert_array_equal(here.trimmed(inside, generator), inside)
    full = np.full((6000, LENGTH), 5, np.uint8)
    kept = here.trimmed(full, generator) == 5
    assert (kept.sum(1) == 2).all()
    np.testing.assert_allclose(kept.mean(0), 2 / LENGTH, atol=0.03)  # five deviations


@pytest.mark.parametrize("number", [1, 2])
def test_random_places_are_so_many_different_ones(number):
    places = random_places(5000, LENGTH, number, np.random.default_rng(0))
    assert (places.sum(1) == number).all()
    np.testing.assert_allclose(places.mean(0), number / LENGTH, atol=0.03)


# --- The budget


def test_predictions_do_not_depend_on_the_batch(additive):
    tokens = drawn(21)
    expected = np.einsum("nla,la->n", one_hot(tokens), additive.weights)
    for batch in (4, 21, 64):
        np.testing.assert_allclose(predictions(additive, tokens, batch=batch), expected, rtol=1e-6)
    values, gradients = predictions_and_gradients(additive, tokens, batch=4)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    np.testing.assert_allclose(gradients, np.broadcast_to(additive.weights, gradients.shape))


def test_nothing_is_asked_twice_and_nothing_beyond_the_budget(additive):
    budget, tokens = Budget(additive, calls=10), drawn(6)
    first = budget(tokens)
    assert budget.used == 6
    np.testing.assert_array_equal(budget(tokens[[3, 3, 1]]), first[[3, 3, 1]])
    assert budget.used == 6
    more = drawn(8, seed=1)
    np.testing.assert_array_equal(budget.new(np.concatenate([tokens, more, more])), [6, 7, 8, 9])
    np.testing.assert_array_equal(budget.new(more, 2), [0, 1])
    with pytest.raises(ValueError, match="8 more calls of the predictor, but 4 of 10 are left"):
        budget(more)
    assert budget.used == 6
    budget.gradients(tokens[:4])
    assert budget.left == 0
    np.testing.assert_array_equal(budget.visited().tokens, tokens)
    np.testing.assert_array_equal(budget.visited().values, first)


def test_rounds_share_out_all_calls_that_are_left(additive):
    budget = Budget(additive, calls=20)
    budget(drawn(3))
    assert round_ends(budget, 4) == [7, 11, 15, 20]


# --- Searches


def run(search, additive, calls, here, seed=0):
    budget = Budget(additive, calls=calls)
    found = search(budget, here, np.random.default_rng(seed))
    assert budget.used <= calls
    assert len(found.values) <= calls
    assert here.contains(found.tokens).all()
    np.testing.assert_allclose(found.values, predictions(additive, found.tokens), rtol=1e-6)
    return budget, found


def evolution(budget, here, generator):
    start = np.zeros((1, LENGTH), np.uint8)
    options = {"rounds": 5, "threshold": 0.05, "recombination": 0.2}
    return evolve(budget, start, here, scale=UNIT, generator=generator, **options)


def test_evolution_climbs_to_the_best_of_an_additive_fitness(additive):
    _, found = run(evolution, additive, 3000, space())
    assert found.values.max() > 0.97 * np.asarray(additive.weights).max(1).sum()
    assert found.values.max() > random_mutants_best(additive) + 0.5


def random_mutants_best(additive):
    def floor(budget, here, generator):
        return random_mutants(budget, np.zeros((1, LENGTH), np.uint8), here, generator=generator)

    return run(floor, additive, 3000, space())[1].values.max()


@pytest.mark.parametrize("mutations", [1, 2])
def test_evolution_stays_within_its_mutations_and_finds_the_best_there(additive, mutations):
    _, found = run(evolution, additive, 3000, space(mutations))
    weights = np.asarray(additive.weights)
    gains = np.sort((weights - weights[:, :1]).max(1))[-mutations:]
    assert found.values.max() == pytest.approx(weights[:, 0].sum() + gains.sum(), rel=1e-5)


def test_a_search_ends_when_all_that_it_can_reach_is_known(additive):
    allowed = np.zeros((LENGTH, 20), bool)
    allowed[:, :2] = True
    _, found = run(evolution, additive, 3000, space(None, allowed))
    assert len(found.values) <= 2**LENGTH


def test_the_same_seed_gives_the_same_search(additive):
    once, again, other = (run(evolution, additive, 500, space(), seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(once.tokens, again.tokens)
    assert len(once.tokens) != len(other.tokens) or (once.tokens != other.tokens).any()


@pytest.mark.parametrize(
    ("fitness", "kept"), [([1.0, 0.96, 0.94], [True, True, False]), ([-1.0, -1.04, -1.06], [True, True, False])]
)
def test_parents_are_within_a_share_of_the_best_whatever_its_sign(fitness, kept):
    np.testing.assert_array_equal(near_best(np.array(fitness), 0.05), kept)


def test_recombination_takes_each_residue_from_one_parent_and_at_rate_one_from_both_in_turn():
    one, other = np.zeros((4000, LENGTH), np.uint8), np.ones((4000, LENGTH), np.uint8)
    np.testing.assert_array_equal(recombined(one, other, 0.0, np.random.default_rng(0)), one)
    np.testing.assert_array_equal(recombined(one, other, 1.0, np.random.default_rng(0))[0], [1, 0, 1, 0, 1, 0])
    found = recombined(one, other, 0.2, np.random.default_rng(0))
    switched = (found[:, 1:] != found[:, :-1]).mean()
    assert switched == pytest.approx(0.2, abs=0.015)  # five deviations


def test_random_mutants_differ_from_a_parent_in_one_place_or_two(additive):
    parents = drawn(3)

    def floor(budget, here, generator):
        return random_mutants(budget, parents, here, generator=generator)

    budget, found = run(floor, additive, 700, space())
    assert budget.used == 700
    distance = (found.tokens[:, None] != parents[None]).sum(2).min(1)
    assert set(distance) <= {1, 2}
    assert 0.3 < (distance == 1).mean() < 0.6


def test_all_doubles_are_there_once_and_the_best_of_them_is_the_best(additive):
    allowed = np.zeros((LENGTH, 20), bool)
    allowed[:, [0, 3, 4]] = True
    allowed[2] = np.arange(20) == 0
    found = exhaustive_doubles(additive, space(2, allowed))
    assert len(found.tokens) == 10 * 4  # pairs of five positions, two substitutions each
    assert len(np.unique(found.tokens, axis=0)) == len(found.tokens)
    assert ((found.tokens != 0).sum(1) == 2).all()
    assert space(2, allowed).contains(found.tokens).all()
    np.testing.assert_allclose(found.values, predictions(additive, found.tokens))


def test_searches_begin_with_the_best_measured_that_lie_in_the_space():
    tokens = np.zeros((5, LENGTH), np.uint8)
    tokens[1, 0], tokens[2, :3], tokens[3, 1], tokens[4, 0] = 1, 2, 3, 1
    scores = np.array([0.0, 1.0, 9.0, 2.0, 3.0])
    np.testing.assert_array_equal(founders(tokens, scores, space(2), 2), tokens[[4, 3]])
    np.testing.assert_array_equal(founders(tokens, scores, space(2), 9), tokens[[4, 3, 0]])
    np.testing.assert_array_equal(founders(tokens[2:3], scores[2:3], space(2), 2), tokens[:1], "the reference")
