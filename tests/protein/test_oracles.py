"""Oracles on invented landscapes: both ways to evaluate them, what they recover, and measures of their quality."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.numerics.trees import named_arrays
from perspectives.protein.budget import predictions
from perspectives.protein.landscapes import Gb1, fitness_of_counts
from perspectives.protein.oracles import (
    GlobalEpistasis,
    PerceptronOracle,
    anchored_loss,
    combined,
    explained_variance,
    good_substitutions,
    noise_ceiling,
    restored,
    trained,
    training_rows,
)
from perspectives.protein.sequences import hamming, one_hot

LENGTH = 10
WILD_TYPE = np.arange(LENGTH, dtype=np.uint8)


def landscape(number, fitness_of, seed=0):
    """Return invented double mutants whose counts give about the fitness that a function of tokens gives."""
    rng = np.random.default_rng(seed)
    places = np.sort(np.argsort(rng.random((number, LENGTH)), axis=1)[:, :2], axis=1)
    residues = (WILD_TYPE[places] + rng.integers(1, 20, (number, 2))) % 20
    inputs = rng.integers(50, 1000, number).astype(np.int32)
    bare = Gb1(
        WILD_TYPE, places.astype(np.uint8), residues.astype(np.uint8), np.zeros(number), inputs, inputs,
        (np.arange(number) % 5).clip(0, 2).astype(np.uint8),
    )  # fmt: skip
    ratio = 2.0 ** (fitness_of(bare.tokens(np.arange(number))) + 0.79)
    selected = rng.poisson(inputs * ratio).astype(np.int32)
    return bare._replace(selected=selected, fitness=fitness_of_counts(selected, inputs))


@pytest.fixture(scope="module")
def models():
    key = jax.random.key(0)
    epistasis = GlobalEpistasis(LENGTH)
    effects = jax.random.normal(key, epistasis.effects.shape, jnp.float32).at[np.arange(LENGTH), WILD_TYPE].set(0)
    return {
        "epistasis": eqx.tree_at(lambda model: model.effects, epistasis, effects),
        "perceptron": PerceptronOracle(WILD_TYPE, key=key),
    }


@pytest.mark.parametrize("name", ["epistasis", "perceptron"])
def test_double_mutants_as_pairs_and_as_one_hots_have_one_fitness(models, name):
    model = models[name]
    found = landscape(200, lambda tokens: np.zeros(len(tokens)))
    tokens = found.tokens(np.arange(200))
    by_pairs = model.of_doubles(jnp.asarray(found.substitutions))
    assert by_pairs.dtype == jnp.float32
    # float32 sums in another order
    np.testing.assert_allclose(model(jnp.asarray(one_hot(tokens))), by_pairs, atol=1e-5)
    np.testing.assert_allclose(predictions(model, tokens), by_pairs, atol=1e-5)
    np.testing.assert_allclose(model.of_wild_type(), model(jnp.asarray(one_hot(WILD_TYPE[None])))[0], atol=1e-5)
    assert np.std(by_pairs) > 0.01


def test_the_order_of_two_substitutions_does_not_matter(models):
    pairs = jnp.asarray(landscape(50, lambda tokens: np.zeros(len(tokens))).substitutions)
    for model in models.values():
        np.testing.assert_allclose(model.of_doubles(pairs), model.of_doubles(pairs[:, ::-1]), atol=1e-6)


def test_the_nonlinearity_rises(models):
    fitness = models["epistasis"].response(jnp.linspace(-10, 10, 400))
    assert (jnp.diff(fitness) >= 0).all()
    assert fitness[-1] > fitness[0] + 1


def test_oracles_come_back_from_their_arrays(models):
    groups = {name: named_arrays(model) for name, model in models.items()}
    assert eqx.tree_equal(restored(groups), models)
    with pytest.raises(ValueError, match="are not GB1's oracles"):
        restored({"oracle": {}})
    with pytest.raises(ValueError, match="another model"):
        restored(groups | {"perceptron": groups["epistasis"]})


def planted(tokens):
    """Return a sigmoid of additive effects that gives the wild type exactly 0."""
    effects = np.random.default_rng(7).normal(-1.0, 1.5, (LENGTH, 20))
    effects[np.arange(LENGTH), WILD_TYPE] = 0
    phenotype = effects[np.arange(LENGTH), tokens].sum(1)
    return 4 * (np.tanh(0.5 * phenotype + 1) - np.tanh(1))


@pytest.fixture(scope="module")
def recovered():
    found = landscape(20_000, planted)
    rows = training_rows(found)
    options = {"batch": 512, "steps": 400, "key": jax.random.key(1)}
    models = {
        "epistasis": trained(GlobalEpistasis(LENGTH), rows, learning_rate=0.03, **options),
        "perceptron": trained(PerceptronOracle(WILD_TYPE, key=jax.random.key(2)), rows, learning_rate=0.003, **options),
    }
    return found.taken(np.flatnonzero(found.split == 2)), models


@pytest.mark.parametrize(("name", "within"), [("epistasis", 0.02), ("perceptron", 0.05)])
def test_planted_fitness_is_recovered_on_rows_not_seen(recovered, name, within):
    test, models = recovered
    prediction = np.asarray(models[name].of_doubles(jnp.asarray(test.substitutions)), np.float64)
    truth = planted(test.tokens(np.arange(len(test.fitness))))
    assert explained_variance(truth, prediction) > 1 - within
    # Measurements are noisier than the truth: no more of them can be explained than the ceiling says.
    ceiling = noise_ceiling(test)
    assert ceiling - within < explained_variance(test.clipped, prediction) < ceiling + 0.01


@pytest.mark.parametrize("name", ["epistasis", "perceptron"])
def test_the_anchor_holds_the_wild_type(recovered, name):
    assert abs(recovered[1][name].of_wild_type()) < 0.05


def test_without_the_anchor_the_wild_type_is_anywhere(models):
    """Any constant may go from the phenotype of the wild type to the effects, half to each of two: no row tells."""
    model = models["epistasis"]
    pairs = jnp.asarray(landscape(100, planted).substitutions)
    mutated = jnp.ones((LENGTH, 20)).at[np.arange(LENGTH), WILD_TYPE].set(0)
    moved = eqx.tree_at(
        lambda model: (model.effects, model.shifts),
        model,
        (model.effects + mutated, model.shifts - 2 * jnp.exp(model.log_slopes)),
    )
    np.testing.assert_allclose(moved.of_doubles(pairs), model.of_doubles(pairs), atol=1e-4)
    assert abs(moved.of_wild_type() - model.of_wild_type()) > 0.5


def test_the_loss_is_the_weighted_square_error_and_the_wild_types(models):
    model = models["perceptron"]
    rows = jax.tree.map(lambda leaf: leaf[:64], training_rows(landscape(200, planted)))
    error = np.asarray(model.of_doubles(rows.substitutions) - rows.fitness)
    expected = np.mean(np.asarray(rows.weight) * error**2) + float(model.of_wild_type()) ** 2
    np.testing.assert_allclose(anchored_loss(model, rows, jax.random.key(0)), expected, rtol=1e-5)


def test_oracles_are_fitted_to_all_but_the_test_split_and_to_clipped_fitness():
    found = landscape(500, lambda tokens: np.where(tokens[:, 0] == 0, -1.0, -20.0))
    rows = training_rows(found)
    assert len(rows.fitness) == (found.split != 2).sum()
    assert rows.fitness.min() == -8
    np.testing.assert_allclose(rows.weight.mean(), 1, rtol=1e-5)
    assert {leaf.dtype.name for leaf in rows} == {"int32", "float32"}


def test_explained_variance_of_the_mean_is_zero_and_of_the_truth_one():
    truth = np.random.default_rng(0).normal(size=50)
    assert explained_variance(truth, np.full(50, truth.mean())) == pytest.approx(0)
    assert explained_variance(truth, truth) == 1


def test_good_substitutions_are_the_fittest_on_average():
    found = landscape(3000, planted)
    found = found._replace(inputs=np.where(found.positions[:, 0] == 3, 5, found.inputs).astype(np.int32))
    deep = found.taken(found.deep)
    means = {
        place: deep.clipped[(deep.substitutions == place).any(1)].mean() for place in np.unique(deep.substitutions)
    }
    best = sorted(means, key=lambda place: -means[place])[:15]
    np.testing.assert_array_equal(good_substitutions(found, 15), best)


def test_good_mutations_are_combined_at_different_positions():
    some = np.array([5, 7, 20 + 3, 60 + 1, 60 + 2, 60 + 9])  # at three positions
    tokens = combined(WILD_TYPE, some, 2, 3000, key=jax.random.key(0))
    assert (hamming(tokens, WILD_TYPE[None]) == 2).all()
    changed = tokens != WILD_TYPE
    places = 20 * np.nonzero(changed)[1] + tokens[changed]
    counts = np.array([(places == place).sum() for place in some])
    assert counts.sum() == 2 * 3000
    # Two positions of three, then a residue of the position: five standard errors.
    shares = np.array([1 / 3, 1 / 3, 2 / 3, 2 / 9, 2 / 9, 2 / 9])
    np.testing.assert_allclose(counts, 3000 * shares, atol=5 * (3000 * 0.25) ** 0.5)
    with pytest.raises(ValueError, match="4 mutations cannot be combined from substitutions at 3 positions"):
        combined(WILD_TYPE, some, 4, 10, key=jax.random.key(0))
