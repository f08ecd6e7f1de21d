"""The velocities against plain formulas, and what their shape implies; float64, so that tolerances are of rounding."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.protein.settings import PriorSettings
from perspectives.protein.velocities import (
    Attention,
    Residual,
    ResidualPerceptron,
    RootMeanSquare,
    UNet,
    embedded,
    velocity_for,
)


def normal(number, *shape):
    return jnp.asarray(np.random.default_rng(number).standard_normal(shape))


def drawn(make):
    """Return the model that `make(key)` would, with weights of order a third in float64.

    Drawn by NumPy: JAX would compile a draw for each of the shapes.
    """
    rng = np.random.default_rng(7)
    leaves, structure = jax.tree.flatten(eqx.filter_eval_shape(make, jax.random.key(0)))
    return jax.tree.unflatten(structure, [jnp.asarray(0.3 * rng.standard_normal(leaf.shape)) for leaf in leaves])


MAKERS = {
    "unet": lambda key: UNet(key=key),
    "perceptron": lambda key: ResidualPerceptron(6, width=5, depth=3, key=key),
}
call = eqx.filter_jit(lambda velocity, z, t: velocity(z, t))


@pytest.fixture(scope="module", params=MAKERS)
def velocity(request):
    return drawn(MAKERS[request.param])


def test_codes_of_a_batch_do_not_see_each_other_nor_other_times(velocity):
    z, t = normal(0, 4, 6), jnp.array([0.1, 0.4, 0.4, 0.9])
    found = call(velocity, z, t)
    other = call(velocity, z.at[0].set(1.0).at[3].set(-1.0), t.at[0].set(0.7).at[3].set(0.2))
    np.testing.assert_allclose(found[1:3], other[1:3], atol=1e-12)
    assert not np.allclose(found[0], other[0])
    later = call(velocity, z, t.at[1].set(0.8))
    assert not np.allclose(found[1], later[1])


def test_one_time_for_all_is_a_time_each(velocity):
    z = normal(1, 4, 6)
    found = call(velocity, z, jnp.asarray(0.3))
    np.testing.assert_allclose(found, call(velocity, z, jnp.full(4, 0.3)), atol=1e-12)


def test_gradients_are_finite_where_maps_are_zero():
    """A new network has biases, but a padded or constant map may be zero: its norm has no derivative there."""
    norm = RootMeanSquare(3)
    gradient = jax.grad(lambda x: norm(x).sum())(jnp.zeros((1, 2, 3)))
    assert np.isfinite(gradient).all()


def test_normalisation_is_of_each_positions_channels():
    norm = eqx.tree_at(lambda norm: norm.gain, RootMeanSquare(4), jnp.array([1.0, 2.0, 3.0, 4.0]))
    x = normal(2, 2, 3, 4)
    expected = np.asarray(x) / np.sqrt(np.mean(np.asarray(x) ** 2, -1, keepdims=True)) * [1, 2, 3, 4]
    np.testing.assert_allclose(norm(x), expected, atol=1e-12)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@pytest.mark.parametrize("linear", [False, True])
def test_attention_is_the_plain_formula_head_by_head(linear):
    layer, x = drawn(lambda key: Attention(6, linear=linear, key=key)), normal(3, 2, 5, 6)
    found = eqx.filter_jit(layer)(x) - x
    for code, result in zip(np.asarray(layer.norm(x)), found, strict=True):
        query, key, value = np.split(code @ np.asarray(layer.mix.weight), 3, 1)
        heads = []
        for head in range(4):
            q, k, v = (part[:, 32 * head : 32 * (head + 1)] for part in (query, key, value))
            if linear:
                heads.append(softmax(q, 1) / 32**0.5 @ (softmax(k, 0).T @ v))
            else:
                heads.append(softmax(q @ k.T / 32**0.5, 1) @ v)
        expected = jnp.asarray(layer.out(jnp.asarray(np.concatenate(heads, 1))))
        if linear:
            expected = layer.out_norm(expected[None])[0]
        np.testing.assert_allclose(result, expected, atol=1e-12)


def test_residual_block_scales_and_shifts_by_the_time_once():
    layer = drawn(lambda key: Residual(2, 2, key=key))
    x, active = normal(4, 3, 5, 2), normal(5, 1, 32)
    without = eqx.tree_at(lambda layer: (layer.time.weight, layer.time.bias), layer, (jnp.zeros((32, 4)), jnp.zeros(4)))
    silu = jax.nn.silu
    expected = x + silu(layer.second_norm(layer.second(silu(layer.first_norm(layer.first(x))))))
    np.testing.assert_allclose(without(x, active), expected, atol=1e-12)
    assert not np.allclose(layer(x, active), expected)


def test_times_are_embedded_as_they_are_by_sines_then_cosines():
    t = jnp.array([0.0, 0.3, 1.0])
    found = embedded(t, 6, jnp.zeros((3, 2)))
    np.testing.assert_allclose(found[:, :3], np.sin(np.outer(t, [1, 1e-2, 1e-4])), atol=1e-15)
    np.testing.assert_allclose(found[:, 3:], np.cos(np.outer(t, [1, 1e-2, 1e-4])), atol=1e-15)


def test_weights_for_a_fitness_have_no_effect_and_all_others_do():
    velocity, z, t = drawn(MAKERS["unet"]), normal(0, 4, 6), jnp.array([0.1, 0.4, 0.4, 0.9])
    found = call(velocity, z, t)
    leaves, structure = jax.tree.flatten(velocity)
    names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(velocity)]
    for number, name in enumerate(names):
        noise = 0.1 * np.random.default_rng(number).standard_normal(leaves[number].shape)
        changed = [*leaves[:number], leaves[number] + noise, *leaves[number + 1 :]]
        other = call(jax.tree.unflatten(structure, changed), z, t)
        assert np.allclose(found, other, atol=1e-9) == ("fitness" in name), name


def test_perceptron_adds_to_hidden_layers():
    """Without its hidden layers' weights it is the network without hidden layers."""
    velocity = drawn(MAKERS["perceptron"])
    assert len(velocity.hidden) == 2
    still = eqx.tree_at(lambda v: v.hidden, velocity, jax.tree.map(jnp.zeros_like, velocity.hidden))
    none = eqx.tree_at(lambda v: v.hidden, velocity, ())
    z = normal(7, 3, 6)
    np.testing.assert_allclose(call(still, z, jnp.asarray(0.3)), call(none, z, jnp.asarray(0.3)), atol=1e-12)
    assert not np.allclose(call(velocity, z, jnp.asarray(0.3)), call(none, z, jnp.asarray(0.3)))


def test_odd_codes_have_no_unet():
    with pytest.raises(ValueError, match="latent = 5 is odd"):
        velocity_for(PriorSettings(), latent=5, key=jax.random.key(0))
