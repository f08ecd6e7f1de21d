import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.alignment.networks import FilterResponseNorm, ResNet20, perceptron
from perspectives.numerics.trees import named_arrays


def shapes(make):
    """The shapes of a network's arrays by name, which takes no time to draw."""
    hollow = eqx.filter_eval_shape(lambda key: eqx.filter(make(key), eqx.is_array), jax.random.key(0))
    return {jax.tree_util.keystr(path): leaf.shape for path, leaf in jax.tree_util.tree_leaves_with_path(hollow)}


@pytest.mark.parametrize(("width", "channels", "classes"), [(1, 3, 10), (4, 3, 100), (2, 1, 10)])
def test_resnet20_has_as_many_numbers_as_its_architecture(width, channels, classes):
    a, b, c = 16 * width, 32 * width, 64 * width
    kernels = 9 * (channels * a + 6 * a * a + a * b + 5 * b * b + b * c + 5 * c * c) + a * b + b * c
    norms = 3 * (7 * a + 7 * b + 7 * c)  # stem and 6, 6 and a shortcut, 6 and a shortcut
    head = classes * c + classes
    sizes = shapes(lambda key: ResNet20(width, classes, channels, key=key))
    assert sum(int(np.prod(shape)) for shape in sizes.values()) == kernels + norms + head


def test_resnet20_has_twenty_layers_with_weights_and_two_shortcuts():
    weights = [name for name in shapes(lambda key: ResNet20(1, key=key)) if name.endswith("weight")]
    assert len([name for name in weights if "shortcut" not in name]) == 20
    assert len([name for name in weights if "shortcut" in name]) == 2


def test_resnet20_ends_in_maps_of_eight_by_eight():
    """He et al. 2016: maps of 32, 16 and 8 pixels a side."""
    net = eqx.filter_eval_shape(lambda key: ResNet20(1, key=key), jax.random.key(0))
    x, sides = jax.ShapeDtypeStruct((16, 32, 32), jnp.float32), []
    for block in net.blocks:
        x = eqx.filter_eval_shape(lambda block, x: block(x), block, x)
        sides.append(x.shape)
    assert sides == [(16, 32, 32)] * 3 + [(32, 16, 16)] * 3 + [(64, 8, 8)] * 3


@pytest.fixture(scope="module")
def resnet():
    return eqx.filter_jit(lambda key: ResNet20(1, 10, 3, key=key))(jax.random.key(0))


def test_resnet20_starts_he_normal(resnet):
    arrays = named_arrays(resnet)
    for name, array in arrays.items():
        if name.endswith("weight"):
            fan_in = array[0].size
            # The relative error of a standard deviation from n draws is about (2n)^-1/2; five of them.
            assert np.std(array) == pytest.approx((2 / fan_in) ** 0.5, rel=5 / (2 * array.size) ** 0.5), name
        else:
            assert np.all(array == (1 if name.endswith("gamma") else 0)), name


def test_resnet20_maps_images_as_stored_and_in_batches(resnet):
    images = jax.random.normal(jax.random.key(1), (2, 32, 32, 3), jnp.float32)
    logits = jax.jit(jax.vmap(resnet))(images)
    assert logits.shape == (2, 10)
    assert logits.dtype == jnp.float32
    assert np.isfinite(logits).all()
    assert np.abs(logits[0] - logits[1]).max() > 1e-3


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_perceptron_is_affine_maps_with_relu_between(depth):
    net = perceptron(12, 7, depth, 5, key=jax.random.key(0), dtype=jnp.float64)
    x = image = np.random.default_rng(0).normal(size=(2, 3, 2))
    x = x.ravel()
    for number, layer in enumerate(net.layers):
        x = np.asarray(layer.weight) @ (np.maximum(x, 0) if number else x) + np.asarray(layer.bias)
    assert len(net.layers) == depth + 1
    np.testing.assert_allclose(net(jnp.asarray(image)), x, atol=1e-13)  # sums of a dozen products of order one


def test_perceptron_starts_he_normal_with_biases_of_zero():
    net = perceptron(400, 300, 1, 10, key=jax.random.key(0))
    assert {array.dtype for array in named_arrays(net).values()} == {np.dtype(np.float32)}
    assert not any(np.any(layer.bias) for layer in net.layers)
    for layer, fan_in in zip(net.layers, (400, 300), strict=True):
        # Five times the relative error of a standard deviation, (2n)^-1/2.
        assert np.std(layer.weight) == pytest.approx((2 / fan_in) ** 0.5, rel=5 / (2 * layer.weight.size) ** 0.5)


def test_perceptron_maps_batches():
    net = perceptron(6, 4, 1, 3, key=jax.random.key(0))
    images = jax.random.normal(jax.random.key(1), (5, 2, 3, 1), jnp.float32)
    batch = jax.vmap(net)(images)
    # Products of a batch are summed in another order: a few roundings of numbers of order one.
    np.testing.assert_allclose(batch, [net(image) for image in images], atol=1e-6)


def frn(norm, x):
    gamma, beta, tau = (np.asarray(vector)[:, None, None] for vector in (norm.gamma, norm.beta, norm.tau))
    return np.maximum(gamma * x / np.sqrt(np.mean(x**2, (1, 2), keepdims=True) + 1e-6) + beta, tau)


def test_response_norm_is_its_formula():
    generator = np.random.default_rng(0)
    vectors = [jnp.asarray(generator.normal(size=4)) for _ in range(3)]
    norm = eqx.tree_at(lambda n: (n.gamma, n.beta, n.tau), FilterResponseNorm(4, dtype=jnp.float64), vectors)
    x = generator.normal(size=(4, 5, 6))
    np.testing.assert_allclose(norm(jnp.asarray(x)), frn(norm, x), atol=1e-13)  # roundings of order one


def test_response_norm_ignores_the_scale_of_its_input():
    """All but the floor of 1e-6 beside a mean square of one."""
    norm = FilterResponseNorm(3, dtype=jnp.float64)
    x = jax.random.normal(jax.random.key(0), (3, 8, 8), jnp.float64)
    np.testing.assert_allclose(norm(x), norm(100 * x), rtol=1e-6)


def test_response_norm_of_nothing_is_finite():
    norm = FilterResponseNorm(3)
    gradient = jax.grad(lambda x: jnp.sum(norm(x)))(jnp.zeros((3, 4, 4), jnp.float32))
    assert np.isfinite(gradient).all()
