"""Layers and the predictor against library convolutions; float64, so that tolerances are of rounding."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.protein.predictors import (
    Convolution,
    ConvolutionPredictor,
    Dense,
    fitted_predictor,
    sampling_weights,
)
from perspectives.protein.sequences import one_hot
from perspectives.protein.settings import PredictorSettings


def drawn(make):
    """Return the model that `make(key)` would, with weights of order a tenth in float64.

    Drawn by NumPy: JAX would compile a draw for each of the shapes.
    """
    rng = np.random.default_rng(7)
    leaves, structure = jax.tree.flatten(eqx.filter_eval_shape(make, jax.random.key(0)))
    return jax.tree.unflatten(structure, [jnp.asarray(0.1 * rng.standard_normal(leaf.shape)) for leaf in leaves])


def normal(number, *shape):
    return jnp.asarray(np.random.default_rng(number).standard_normal(shape))


def library_convolution(x, weight, bias, *, stride=1, border=0):
    axes = ("NWC", "WIO", "NWC")
    return jax.lax.conv_general_dilated(x, weight, (stride,), ((border, border),), dimension_numbers=axes) + bias


@pytest.mark.parametrize(("size", "stride", "border"), [(3, 1, 1), (3, 2, 1), (4, 2, 1), (5, 1, 0), (7, 1, 3)])
def test_convolution_and_its_gradients_are_the_librarys(size, stride, border):
    layer = drawn(lambda key: Convolution(3, 4, size=size, stride=stride, border=border, key=key))
    x, into = normal(1, 2, 8, 3), (layer.weight, layer.bias)
    ours = lambda x, w, b: Convolution.__call__(with_weights(layer, w, b), x)  # noqa: E731
    plain = lambda x, w, b: library_convolution(x, w, b, stride=stride, border=border)  # noqa: E731

    @jax.jit
    def both():
        found, expected = jax.vjp(ours, x, *into), jax.vjp(plain, x, *into)
        cotangent = jnp.sin(jnp.arange(found[0].size, dtype=float)).reshape(found[0].shape)
        return (found[0], *found[1](cotangent)), (expected[0], *expected[1](cotangent))

    for one, other in zip(*both(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def with_weights(layer, weight, bias):
    leaves, structure = jax.tree.flatten(layer)
    assert len(leaves) == 2
    return jax.tree.unflatten(structure, (weight, bias))


def test_weights_and_bias_start_within_the_bound_of_their_inputs():
    layer = Convolution(4, 64, size=5, key=jax.random.key(0))
    for leaf in (layer.weight, layer.bias):
        largest = float(jnp.abs(leaf).max())
        assert 0.9 * 20**-0.5 < largest <= 20**-0.5
    assert Dense(9, 4, biased=False, key=jax.random.key(0)).bias is None


call = eqx.filter_jit(lambda model, x: model(x))


@pytest.fixture(scope="module")
def predictor():
    return drawn(lambda key: ConvolutionPredictor(key=key))


def test_predictor_is_the_released_networks_formula(predictor):
    x = jax.nn.softmax(3 * normal(4, 5, 9, 20))
    maps = library_convolution(x, predictor.convolution.weight, predictor.convolution.bias)
    h = jax.nn.relu(maps @ predictor.hidden.weight + predictor.hidden.bias).max(1)
    expected = (h @ predictor.out.weight + predictor.out.bias)[:, 0]
    np.testing.assert_allclose(call(predictor, x), expected, atol=1e-12)


def test_predictor_does_not_see_where_a_motif_is(predictor):
    tokens = np.zeros((2, 16), np.uint8)
    tokens[0, 5:8] = tokens[1, 8:11] = (3, 7, 11)
    found = call(predictor, jnp.asarray(one_hot(tokens)))
    np.testing.assert_allclose(found[0], found[1], atol=1e-12)


def test_low_fitness_is_drawn_more_often():
    weights = sampling_weights(np.array([2.0, 3.0, 5.0, 9.0]))
    np.testing.assert_allclose(weights, np.array([1, 1 / 2, 1 / 4, 1 / 8]) / 1.875)


def test_training_finds_a_planted_motif():
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 20, (96, 8)).astype(np.uint8)
    tokens[::2, 2:5] = (1, 2, 3)
    scores = np.where(np.arange(96) % 2 == 0, 4.0, 1.0)
    settings = PredictorSettings(batch=48, epochs=30, learning_rate=1e-3)
    seen = []
    fitted = fitted_predictor(
        tokens, scores, settings, progress=lambda done, total, **now: seen.append((total, now)), key=jax.random.key(0)
    )
    assert seen[0][0] == 30, "a round an epoch"
    fresh = rng.integers(0, 20, (40, 8)).astype(np.uint8)
    fresh[:20, 3:6] = (1, 2, 3)  # elsewhere than in training
    found = np.asarray(call(fitted, jnp.asarray(one_hot(fresh))))
    assert found[:20].mean() - found[20:].mean() > 1.5
    assert found.dtype == np.float32
