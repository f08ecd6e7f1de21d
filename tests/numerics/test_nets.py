import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.numerics.nets import Convolution, LeNet, Perceptron, convolve_patches, max_pool


def library_convolution(x, kernel):
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("CHWN", "OIHW", "CHWN"))


@pytest.fixture
def image_and_kernel():
    x, kernel = jax.random.split(jax.random.key(0))
    return jax.random.normal(x, (3, 12, 10, 4), jnp.float64), jax.random.normal(kernel, (6, 3, 5, 5), jnp.float64)


def test_convolution_by_patches_is_the_librarys(image_and_kernel):
    ours, theirs = convolve_patches(*image_and_kernel), library_convolution(*image_and_kernel)
    np.testing.assert_allclose(ours, theirs, atol=1e-12)  # rounding of float64 sums of 75 products


@pytest.mark.parametrize("argument", [0, 1], ids=["image", "kernel"])
def test_its_gradient_is_the_librarys(image_and_kernel, argument):
    ours, theirs = (
        jax.grad(lambda x, kernel, f=f: jnp.sum(jnp.sin(f(x, kernel))), argument)(*image_and_kernel)
        for f in (convolve_patches, library_convolution)
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-11)  # sums of up to 320 products of size 10


def test_pooling_is_the_librarys():
    x = jax.random.normal(jax.random.key(1), (2, 6, 4, 3))
    theirs = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    np.testing.assert_array_equal(max_pool(x), theirs)


@pytest.mark.parametrize(("channels", "side", "features"), [(3, 32, 400), (1, 28, 256)], ids=["cifar", "fashion"])
def test_lenet_flattens_to_the_papers_features(channels, side, features):
    net = eqx.filter_eval_shape(lambda key: LeNet(channels, side, key=key), jax.random.key(0))
    assert net.layers[0].weight.shape == (120, features)
    images = jax.ShapeDtypeStruct((2, side, side, channels), jnp.float32)
    assert eqx.filter_eval_shape(lambda net, images: net(images), net, images).shape == (2, 10)


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        pytest.param(lambda key: Perceptron((64, 120, 84, 10), key=key), (8, 8), id="perceptron"),
        pytest.param(lambda key: LeNet(1, 28, key=key), (28, 28, 1), id="lenet"),
    ],
)
def test_an_image_has_the_same_logits_in_any_batch(net, shape):
    @eqx.filter_jit
    def both(key):
        logits = net(key)
        images = jax.random.normal(key, (3, *shape), jnp.float32)
        return logits(images), jax.lax.map(lambda image: logits(image[None])[0], images)

    together, alone = both(jax.random.key(3))
    np.testing.assert_allclose(together, alone, atol=1e-6)  # float32 sums in another order


def test_weights_fill_pytorchs_default_interval():
    kernel = Convolution(6, 16, key=jax.random.key(0)).kernel
    bound = 150**-0.5
    assert kernel.dtype == jnp.float32
    assert float(jnp.abs(kernel).max()) <= bound
    # 2400 uniform draws: standard deviation bound / sqrt(3), known to 1 / sqrt(2 * 2400) = 1.4 %, less for a uniform
    np.testing.assert_allclose(kernel.std(), bound / 3**0.5, rtol=0.05)
