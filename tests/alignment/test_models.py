"""The public face on models of one's own."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.alignment import permutations as units
from perspectives.alignment.models import align, gaussians, interpolate, loss_path, with_gaussians
from perspectives.alignment.posterior import initial
from perspectives.alignment.priors import prior
from perspectives.alignment.symmetries import infer_symmetries


def own_model(key, width=12):
    return eqx.nn.MLP(4, 3, width, depth=2, dtype=jnp.float64, key=jax.random.key(key))


def tanh_model():
    return eqx.nn.MLP(4, 3, 8, 1, activation=jax.nn.tanh, key=jax.random.key(0))


@pytest.fixture(scope="module")
def symmetries():
    return infer_symmetries(own_model(0), jnp.zeros(4))


def posterior(key):
    model = own_model(key)
    return initial(model, prior(model, "fan_in", 2.0), 0.1)


def shuffled(model, symmetries):
    arrays = gaussians(model)
    order = units.drawn(symmetries, np.random.default_rng(0))
    moved = type(arrays)(*(units.permuted(part, order, symmetries) for part in (arrays.mean, arrays.deviation)))
    return with_gaussians(model, moved)


@pytest.mark.parametrize("make", [own_model, posterior], ids=["model", "posterior"])
def test_a_shuffled_copy_is_brought_back_and_has_no_barrier(make, symmetries):
    first = make(0)
    second = shuffled(first, symmetries)
    aligned = align(first, second, symmetries)
    for ours, theirs in zip(jax.tree.leaves(first), jax.tree.leaves(aligned), strict=True):
        if eqx.is_array(ours):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)  # logarithms of deviations are taken anew
    x = jax.random.normal(jax.random.key(1), (20, 4))
    labels = jax.vmap(first if make is own_model else first.mean)(x).argmax(-1)
    assert loss_path(first, aligned, x, labels, key=jax.random.key(2)).barrier < 1e-12
    assert loss_path(first, second, x, labels, key=jax.random.key(2)).barrier > 1e-3


def test_aligning_leaves_the_function_as_it_is(symmetries):
    first, second = own_model(0), own_model(1)
    aligned = align(first, second, symmetries)
    x = jnp.arange(4.0)
    np.testing.assert_allclose(aligned(x), second(x), rtol=1e-12)
    assert not np.allclose(aligned.layers[0].weight, second.layers[0].weight)


def test_interpolation_has_the_models_at_its_ends_and_the_mean_between():
    first, second = own_model(0), own_model(1)
    np.testing.assert_array_equal(interpolate(first, second, 0.0).layers[0].weight, first.layers[0].weight)
    np.testing.assert_array_equal(interpolate(first, second, 1.0).layers[0].weight, second.layers[0].weight)
    middle = (first.layers[1].weight + second.layers[1].weight) / 2
    np.testing.assert_allclose(interpolate(first, second, 0.5).layers[1].weight, middle, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda labels: labels[:5], r"20 class indices, one an input, got int64 of shape \(5,\)", id="few"),
        pytest.param(lambda labels: labels - 1, "class indices from 0, got -1", id="negative"),
        pytest.param(lambda labels: labels + 3, "label 5 is beyond the model's 3 logits", id="too large"),
    ],
)
def test_wrong_labels_are_named(change, words):
    x = jax.random.normal(jax.random.key(1), (20, 4))
    with pytest.raises(ValueError, match=words):
        loss_path(own_model(0), own_model(1), x, change(jnp.arange(20) % 3), key=jax.random.key(2))


def test_mistakes_are_named(symmetries):
    model = own_model(0)
    with pytest.raises(ValueError, match="different architectures"):
        interpolate(model, own_model(0, width=13), 0.5)
    with pytest.raises(ValueError, match="different architectures: .*tanh"):
        interpolate(eqx.nn.MLP(4, 3, 8, 1, key=jax.random.key(0)), tanh_model(), 0.5)
    with pytest.raises(ValueError, match="has shape"):
        align(model, own_model(0, width=13), symmetries)
    with pytest.raises(ValueError, match="one of the two is a posterior"):
        interpolate(model, posterior(0), 0.5)
    with pytest.raises(ValueError, match="take 'w2'"):
        align(model, own_model(1), symmetries, divergence="kl")
    broken = eqx.tree_at(lambda m: m.layers[0].weight, model, model.layers[0].weight.at[0].set(jnp.nan))
    with pytest.raises(ValueError, match="not finite"):
        align(model, broken, symmetries)
    with pytest.raises(ValueError, match=r"outside \[0, 1\]"):
        interpolate(model, own_model(1), 1.5)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        pytest.param(jnp.zeros((0, 4)), "there are no inputs", id="none"),
        pytest.param(jnp.full((2, 4), jnp.nan), "8 numbers of the inputs are not finite", id="nan"),
    ],
)
def test_inputs_that_give_no_loss_are_refused(inputs, words):
    with pytest.raises(ValueError, match=words):
        loss_path(own_model(0), own_model(1), inputs, jnp.zeros(len(inputs), int), key=jax.random.key(2))
