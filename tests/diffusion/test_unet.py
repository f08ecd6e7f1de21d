"""The U-Net against plain formulas, and what its shape implies; float64, so that tolerances are of rounding."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.diffusion.images import OneByOne
from perspectives.diffusion.unet import (
    FLOOR,
    GROUPS,
    Attention,
    Convolution,
    GroupNorm,
    UNet,
    embedded,
    group_norm,
    upsampled,
)


def normal(number, *shape):
    return jax.random.normal(jax.random.key(number), shape)


def awake(make):
    """Return what `make(key)` would, with weights of order a tenth everywhere: fresh, the last are nearly 0.

    Drawn by NumPy: JAX would compile a draw for each of a hundred shapes.
    """
    rng = np.random.default_rng(7)
    leaves, structure = jax.tree.flatten(eqx.filter_eval_shape(make, jax.random.key(0)))
    return jax.tree.unflatten(structure, [jnp.asarray(0.1 * rng.standard_normal(leaf.shape)) for leaf in leaves])


@pytest.fixture(scope="module")
def network():
    return awake(lambda key: UNet(4, 2, channels=32, multipliers=(1, 2), dtype=float, key=key))


@pytest.mark.parametrize(
    ("height", "image_channels", "channels", "multipliers", "expected"),
    [
        # 1,560,769 was counted from the released module by a prototype, at height 16. At 28 there is attention in the
        # middle only: 5 x 4 x (32^2 + 32) + 5 x 64 fewer. CIFAR-10's is counted here alone.
        pytest.param(28, 1, 32, (1, 2, 2), 1_539_329, id="MNIST"),
        pytest.param(16, 1, 32, (1, 2, 2), 1_560_769, id="MNIST at 16 pixels"),
        pytest.param(32, 3, 128, (1, 2, 2, 2), 35_746_307, id="CIFAR-10"),
    ],
)
def test_parameter_count_is_that_of_the_released_network(height, image_channels, channels, multipliers, expected):
    make = lambda key: UNet(height, image_channels, channels=channels, multipliers=multipliers, key=key)  # noqa: E731
    network = eqx.filter_eval_shape(make, jax.random.key(0))
    assert sum(leaf.size for leaf in jax.tree.leaves(network)) == expected


def test_a_convolution_of_doubled_maps_is_that_of_maps_with_each_pixel_four_times():
    convolution = awake(lambda key: Convolution(3, 5, dtype=float, key=key))
    x = normal(1, 2, 4, 6, 3)
    fourfold = jnp.repeat(jnp.repeat(x, 2, 1), 2, 2)
    found, slopes = eqx.filter_value_and_grad(lambda c: (upsampled(c, x) ** 2).sum())(convolution)
    doubled = lambda c: (c(fourfold) ** 2).sum()  # noqa: E731
    direct, expected = eqx.filter_value_and_grad(doubled)(convolution)
    np.testing.assert_allclose(upsampled(convolution, x), convolution(fourfold), rtol=1e-12)
    np.testing.assert_allclose(found, direct, rtol=1e-13)
    for one, other in zip(jax.tree.leaves(slopes), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11)


call = eqx.filter_jit(lambda network, y, s: network(y, s))


def plain_group_norm(y, gain, offset):
    n, pixels, channels = y.shape
    grouped = y.reshape(n, pixels, GROUPS, channels // GROUPS)
    mean, variance = grouped.mean((1, 3), keepdims=True), grouped.var((1, 3), keepdims=True)
    return ((grouped - mean) / jnp.sqrt(variance + FLOOR)).reshape(y.shape) * gain + offset


@pytest.mark.parametrize("channels", [32, 96])
def test_group_norm_and_both_derivatives_are_those_of_the_plain_formula(channels):
    arguments = 3 + 2 * normal(0, 2, 6, channels), normal(1, channels), normal(2, channels)
    tangents = tuple(normal(3 + number, *part.shape) for number, part in enumerate(arguments))
    for ours, plain in zip(
        jax.jvp(group_norm, arguments, tangents), jax.jvp(plain_group_norm, arguments, tangents), strict=True
    ):
        np.testing.assert_allclose(ours, plain, atol=1e-11)
    weights = normal(9, *arguments[0].shape)
    gradients = (jax.vjp(norm, *arguments)[1](weights) for norm in (group_norm, plain_group_norm))
    for ours, plain in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-11)


def test_group_norm_ignores_shift_and_scale_of_an_example():
    norm, x = GroupNorm(64, dtype=float), normal(0, 2, 3, 3, 64)
    np.testing.assert_allclose(norm(5 + 1e3 * x), norm(x), atol=1e-5)  # FLOOR is 1e-12 of the variance, and 1e-6


def test_channels_that_are_no_multiple_of_the_groups_are_refused():
    with pytest.raises(ValueError, match="48 channels are no multiple of the 32 groups"):
        GroupNorm(48, dtype=float)


@pytest.mark.parametrize("stride", [1, 2])
def test_convolution_is_a_sum_over_neighbours_with_a_border_of_zeros(stride):
    layer = awake(lambda key: Convolution(2, 3, stride=stride, dtype=float, key=key))
    x = normal(1, 1, 4, 6, 2)
    bordered = np.pad(np.asarray(x)[0], ((1, 1), (1, 1), (0, 0)))
    for i in range(0, 4, stride):
        for j in range(0, 6, stride):
            expected = np.einsum("hwi,hwio->o", bordered[i : i + 3, j : j + 3], layer.weight) + layer.bias
            np.testing.assert_allclose(layer(x)[0, i // stride, j // stride], expected, atol=1e-12)


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_attention_is_the_plain_formula(monkeypatch, backend):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    layer, x = awake(lambda key: Attention(32, dtype=float, key=key)), normal(1, 2, 2, 3, 32)
    found = layer(x)
    for image, result in zip(np.asarray(layer.norm(x)).reshape(2, 6, 32), np.asarray(found - x), strict=True):
        query, key, value = (image @ part.weight + part.bias for part in (layer.query, layer.key, layer.value))
        weights = np.exp(query @ key.T / 32**0.5)
        attended = (weights / weights.sum(1, keepdims=True)) @ value
        np.testing.assert_allclose(result.reshape(6, 32), attended @ layer.out.weight + layer.out.bias, atol=1e-12)


def test_times_are_embedded_by_sines_then_cosines_from_frequency_one_to_a_ten_thousandth():
    s = jnp.array([0.0, 0.3, 1.0])
    found = embedded(s, 6)
    np.testing.assert_allclose(found[:, :3], np.sin(np.outer(s, [1, 1e-2, 1e-4])), atol=1e-15)
    np.testing.assert_allclose(found[:, 3:], np.cos(np.outer(s, [1, 1e-2, 1e-4])), atol=1e-15)


def test_images_of_a_batch_do_not_see_each_other(network):
    y, s = normal(0, 3, 4, 4, 2), jnp.array([0.1, 0.5, 0.9])
    found = call(network, y, s)
    assert found.shape == y.shape
    order = jnp.array([2, 0, 1])
    np.testing.assert_allclose(call(network, y[order], s[order]), found[order], atol=1e-12)
    np.testing.assert_allclose(eqx.filter_jit(eqx.filter_vmap(OneByOne(network)))(y, s), found, atol=1e-12)


def test_time_matters_to_each_image(network):
    y = jnp.broadcast_to(normal(0, 1, 4, 4, 2), (2, 4, 4, 2))
    found = call(network, y, jnp.array([0.1, 0.9]))
    assert jnp.abs(found[0] - found[1]).max() > 1e-3 * jnp.abs(found).max()


def test_with_mirrored_kernels_and_one_resolution_a_mirrored_image_has_a_mirrored_drift():
    network = awake(lambda key: UNet(4, 1, channels=32, multipliers=(1,), dtype=float, key=key))
    mirrored = jax.tree.map(lambda leaf: leaf[:, ::-1] if leaf.ndim == 4 else leaf, network)
    y, s = normal(1, 2, 4, 4, 1), jnp.array([0.2, 0.7])
    np.testing.assert_allclose(call(mirrored, y[:, :, ::-1], s), call(network, y, s)[:, :, ::-1], atol=1e-11)


def test_forward_and_reverse_mode_agree_through_the_whole_network(network):
    y, s = normal(0, 1, 4, 4, 2), jnp.array([0.4])
    at = jax.jit(lambda y: network(y, s))
    right, left = normal(1, *y.shape), normal(2, *y.shape)
    forward = jnp.vdot(left, jax.jit(lambda y, v: jax.jvp(at, (y,), (v,))[1])(y, right))
    backward = jnp.vdot(jax.jit(lambda y, v: jax.vjp(at, y)[1](v)[0])(y, left), right)
    np.testing.assert_allclose(backward, forward, rtol=1e-10)
    step = 1e-5
    difference = jnp.vdot(left, at(y + step * right) - at(y - step * right)) / (2 * step)
    np.testing.assert_allclose(difference, forward, rtol=1e-6)  # order two: an error of about step^2


def test_a_fresh_network_says_zero_and_its_weights_have_the_released_spread():
    make = lambda key: UNet(8, 1, channels=32, multipliers=(1, 2), key=key)  # noqa: E731
    network = eqx.filter_jit(make)(jax.random.key(0))
    found = call(network, normal(0, 2, 8, 8, 1).astype(jnp.float32), jnp.array([0.1, 0.9], jnp.float32))
    assert found.dtype == jnp.float32
    assert jnp.abs(found).max() < 1e-3  # root of ZERO_SCALE, times sums of some hundred
    weight = network.down[1].blocks[1].first.weight
    np.testing.assert_allclose(weight.var(), 1 / (9 * 64), rtol=0.03)  # 36,864 numbers: five standard errors
    assert jnp.abs(weight).max() <= (3 / (9 * 64)) ** 0.5


def test_a_height_that_cannot_be_halved_is_refused():
    with pytest.raises(ValueError, match="height 10 cannot be halved 2 times"):
        UNet(10, 1, channels=32, multipliers=(1, 1, 1), key=jax.random.key(0))
