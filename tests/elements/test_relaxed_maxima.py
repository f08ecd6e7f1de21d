"""Laws of relaxed maxima and the entropies behind them: Danskin's theorem, bounds, sparsity, Fenchel-Young losses."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.special import log_softmax

from perspectives.elements.entropies import EXPONENTS, gini, shannon, simplex_lattice, tsallis
from perspectives.elements.relaxed_maxima import HARD, RELAXATIONS, SOFT, SPARSE, Relaxation, fenchel_young_loss

N = 5
DRAWN = np.random.default_rng(0).normal(size=(59, N)) * np.logspace(-1, 1, 59)[:, None]
SCORES = jnp.asarray(np.append(DRAWN, np.full((1, N), 1.5), axis=0))  # the last are equal
TARGETS = jnp.asarray(np.random.default_rng(3).dirichlet(np.ones(N), size=60))
LABELS = np.arange(60) % N
ROUNDING = 1e-12  # identities of a few operations on scores up to 30


class Evaluated(NamedTuple):
    """A relaxation over all scores, compiled once for the tests: what it gives and the losses made of it."""

    relaxation: Relaxation
    maxima: np.ndarray
    arguments: np.ndarray
    gradients: np.ndarray
    losses: np.ndarray
    loss_gradients: np.ndarray
    losses_at_arguments: np.ndarray
    losses_at_corners: np.ndarray


@pytest.fixture(params=RELAXATIONS, scope="module")
def evaluated(request):
    return evaluate(request.param)


@functools.cache
def evaluate(name: str) -> Evaluated:
    relaxation = RELAXATIONS[name]

    @jax.jit
    @jax.vmap
    def compute(u, target, corner):
        def loss(u, y):
            return fenchel_young_loss(relaxation, u, y)

        maximum, gradient = jax.value_and_grad(relaxation.maximum)(u)
        argument = relaxation.argument(u)
        return maximum, argument, gradient, *jax.value_and_grad(loss)(u, target), loss(u, argument), loss(u, corner)

    return Evaluated(relaxation, *map(np.asarray, compute(SCORES, TARGETS, jnp.eye(N)[LABELS])))


def test_gradient_is_the_argument(evaluated):
    smooth = slice(-1) if evaluated.relaxation is HARD else slice(None)  # equal scores are a kink of the maximum
    np.testing.assert_allclose(evaluated.gradients[smooth], evaluated.arguments[smooth], atol=ROUNDING)


def test_argument_attains_the_maximum_and_no_other_distribution_does_better(evaluated):
    entropy = jax.vmap(evaluated.relaxation.entropy)
    np.testing.assert_allclose(evaluated.arguments.sum(axis=1), 1, atol=ROUNDING)
    attained = np.sum(evaluated.arguments * SCORES, axis=1) + entropy(jnp.asarray(evaluated.arguments))
    np.testing.assert_allclose(attained, evaluated.maxima, atol=ROUNDING)
    others = SCORES @ TARGETS.T + entropy(TARGETS)
    assert float(np.max(others - attained[:, None])) <= ROUNDING


def test_excess_is_bounded_and_largest_for_equal_scores(evaluated):
    excess, bound = evaluated.maxima - np.max(SCORES, axis=1), evaluated.relaxation.largest_excess(N)
    assert excess.min() >= -ROUNDING
    assert excess.max() <= bound + ROUNDING
    assert excess[-1] == pytest.approx(bound, abs=1e-14)


def test_sparse_argument_is_a_corner_just_when_the_margin_is_one():
    scores = jnp.array([[2.0, 0.999, 0.0], [2.0, 1.001, 0.0]])
    sparse, soft = jax.jit(lambda u: (jax.vmap(SPARSE.argument)(u), jax.vmap(SOFT.argument)(u)))(scores)
    assert sparse[0, 1] == 0
    assert sparse[1, 1] > 0
    assert jnp.all(soft > 0)


def test_two_scores_give_activations_in_closed_form():
    u = np.linspace(-3, 3, 61)

    @jax.jit
    @jax.vmap
    def compute(x):
        pair = jnp.stack([x, jnp.zeros_like(x)])
        maxima = [relaxation.maximum(pair) for relaxation in (HARD, SOFT, SPARSE)]
        return *maxima, SOFT.argument(pair)[0], SPARSE.argument(pair)[0]

    sparseplus = np.where(u <= -1, 0, np.where(u >= 1, u, (u + 1) ** 2 / 4))
    closed = np.maximum(u, 0), np.log1p(np.exp(u)), sparseplus, 1 / (1 + np.exp(-u)), np.clip((u + 1) / 2, 0, 1)
    for found, expected in zip(compute(u), closed, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-14)  # rounding of values up to 3


def test_losses_at_corners_are_the_logistic_and_the_sparsemax_loss():
    logistic = -log_softmax(SCORES, axis=1)[np.arange(60), LABELS]
    np.testing.assert_allclose(evaluate("soft").losses_at_corners, logistic, atol=ROUNDING)
    library = jax.jit(optax.losses.multiclass_sparsemax_loss)(SCORES, LABELS)
    np.testing.assert_allclose(evaluate("sparse").losses_at_corners, library, atol=ROUNDING)


@pytest.mark.parametrize("name", ["soft", "sparse"])
def test_loss_is_positive_zero_at_the_argument_and_its_gradient_the_difference(name):
    found = evaluate(name)
    assert found.losses.min() > 0
    np.testing.assert_allclose(found.losses_at_arguments, 0, atol=ROUNDING)
    np.testing.assert_allclose(found.loss_gradients, found.arguments - TARGETS, atol=ROUNDING)


def test_tsallis_tends_to_shannon_and_is_gini_at_two():
    p = jnp.asarray(np.random.default_rng(4).dirichlet(np.ones(4), size=20))
    np.testing.assert_allclose(tsallis(p, 1 + 1e-6), shannon(p), atol=1e-5)  # the limit is approached linearly
    np.testing.assert_allclose(gini(p), (1 - jnp.sum(p**2, axis=1)) / 2, atol=1e-15)


@pytest.mark.parametrize("exponent", EXPONENTS.values())
def test_entropy_is_zero_at_corners_and_largest_at_the_centre(exponent):
    lattice = jnp.asarray(simplex_lattice(30))
    values = np.asarray(tsallis(lattice, exponent))
    np.testing.assert_array_equal(values[np.asarray(lattice).max(axis=1) == 1], 0)
    np.testing.assert_allclose(lattice[int(values.argmax())], 1 / 3)
    assert len(lattice) == 31 * 32 / 2
    np.testing.assert_allclose(lattice.sum(axis=1), 1, atol=1e-15)
