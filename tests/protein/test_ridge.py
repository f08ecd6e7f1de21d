"""Ridge regression against least squares on rows written out, and what it says of substitutions it never saw."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.numerics.trees import named_arrays, with_arrays
from perspectives.protein import ridge
from perspectives.protein.ridge import fit_ridge, unfitted_ridge
from perspectives.protein.sequences import one_hot
from perspectives.protein.settings import PredictorSettings

LENGTH = 6
WILD_TYPE = np.full(LENGTH, 4, np.uint8)
SETTINGS = PredictorSettings(kind="ridge", penalty=1.5, anchor=30.0)


@pytest.fixture(scope="module")
def base():
    """Two hundred invented sequences of up to three mutations to six residues, and scores."""
    rng = np.random.default_rng(0)
    tokens = np.tile(WILD_TYPE, (200, 1))
    for row in tokens:
        row[rng.choice(LENGTH, 3, replace=False)] = rng.integers(0, 6, 3)
    return tokens, rng.normal(-2, 1, 200)


def fitted_to(base, **options):
    tokens, scores = base
    return fit_ridge(tokens, scores, WILD_TYPE, SETTINGS, **({"anchor": SETTINGS.anchor} | options))


def by_hand(tokens, scores, anchor):
    """Return weights of all residues and the intercept by least squares: penalties are rows, the anchor is a row."""
    rows = np.column_stack([one_hot(tokens).reshape(len(tokens), -1).astype(float), np.ones(len(tokens))])
    rows[:, :-1].reshape(len(tokens), LENGTH, 20)[:, np.arange(LENGTH), WILD_TYPE] = 0
    wild_type = np.zeros(rows.shape[1])
    wild_type[-1] = anchor**0.5
    penalties = SETTINGS.penalty**0.5 * np.eye(rows.shape[1])[:-1]
    stacked = np.vstack([rows, wild_type, penalties])
    target = np.concatenate([scores, np.zeros(1 + len(penalties))])
    *weights, intercept = np.linalg.lstsq(stacked, target)[0]
    return np.reshape(weights, (LENGTH, 20)), intercept


@pytest.mark.parametrize("anchor", [30.0, 0.0])
def test_fit_is_least_squares_with_penalties_and_anchor_as_rows(base, anchor):
    fitted = fitted_to(base, anchor=anchor)
    tokens, scores = base
    weights, intercept = by_hand(tokens, scores, anchor)
    seen = fitted.allowed & (np.arange(20) != WILD_TYPE[:, None])
    np.testing.assert_allclose(np.asarray(fitted.weights)[seen], weights[seen], atol=1e-6)  # float32
    np.testing.assert_allclose(fitted.intercept, intercept, atol=1e-6)
    assert 0 < seen.sum() < LENGTH * 19


def test_the_wild_types_value_may_be_another(base):
    tokens, scores = base
    moved = fit_ridge(tokens, scores + 5, WILD_TYPE, SETTINGS, anchor=30.0, wild_type_fitness=5.0)
    fitted = fitted_to(base)
    np.testing.assert_allclose(moved.weights, fitted.weights, atol=1e-6)
    np.testing.assert_allclose(moved.intercept, fitted.intercept + 5, atol=1e-6)


def test_planted_effects_are_recovered_with_little_penalty(base):
    tokens, _ = base
    effects = np.random.default_rng(1).normal(size=(LENGTH, 20))
    effects[np.arange(LENGTH), WILD_TYPE] = 0
    scores = effects[np.arange(LENGTH), tokens].sum(1)
    fitted = fit_ridge(tokens, scores, WILD_TYPE, PredictorSettings(kind="ridge", penalty=1e-8), anchor=200.0)
    np.testing.assert_allclose(fitted(jnp.asarray(one_hot(tokens))), scores, atol=1e-5)
    assert abs(fitted.intercept) < 1e-5


def test_blocks_of_rows_change_no_fit(base, monkeypatch):
    whole = fitted_to(base)
    monkeypatch.setattr(ridge, "_TOGETHER", 7)
    np.testing.assert_allclose(fitted_to(base).weights, whole.weights, atol=1e-6)


def test_what_was_not_seen_is_never_rewarded(base):
    tokens, _ = base
    fitted = fitted_to(base)
    occurs = (one_hot(tokens) > 0).max(0)
    occurs[np.arange(LENGTH), WILD_TYPE] = True
    np.testing.assert_array_equal(fitted.allowed, occurs)
    weights = np.asarray(fitted.weights)
    assert (weights[~occurs] == weights[occurs].min()).all()
    # The gradient by a soft one-hot, which guidance follows, has its least entries there.
    soft = jnp.full((1, LENGTH, 20), 0.05, jnp.float32)
    gradient = np.asarray(jax.grad(lambda x: fitted(x)[0])(soft))[0]
    assert gradient[~occurs].max() <= gradient.min()


def test_residues_of_the_wild_type_weigh_nothing(base):
    fitted = fitted_to(base)
    np.testing.assert_array_equal(fitted.weights[np.arange(LENGTH), WILD_TYPE], 0)
    assert fitted(jnp.asarray(one_hot(WILD_TYPE[None])))[0] == fitted.intercept


def test_a_fit_comes_back_from_its_arrays_with_what_is_allowed(base):
    fitted = fitted_to(base)
    again = with_arrays(eqx.filter_eval_shape(unfitted_ridge, LENGTH), named_arrays(fitted))
    assert eqx.tree_equal(again, fitted)
    np.testing.assert_array_equal(again.allowed, fitted.allowed)
    assert {leaf.dtype.name for leaf in jax.tree.leaves(fitted)} == {"float32"}


def test_a_base_set_of_the_wild_type_alone_says_its_fitness():
    fitted = fit_ridge(WILD_TYPE[None], np.array([-1.0]), WILD_TYPE, SETTINGS, anchor=30.0)
    np.testing.assert_allclose(fitted.intercept, -1 / 31)
    np.testing.assert_array_equal(fitted.allowed, one_hot(WILD_TYPE[None])[0] > 0)
