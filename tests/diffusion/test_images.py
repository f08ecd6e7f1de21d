"""Batches, the loss and the two estimates of bits per dimension."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.diffusion import images
from perspectives.diffusion.bits import bits_per_dim, dequantised, to_logit
from perspectives.diffusion.claims import CLAIMS
from perspectives.diffusion.images import (
    SDE,
    ReleasedEvaluation,
    bound_bits,
    bounds_of_images,
    drift_network,
    image_loss,
    released_bits,
    restored,
)
from perspectives.diffusion.published import CIFAR10_CURVES
from perspectives.diffusion.settings import DigitsSettings, ImageSettings
from perspectives.numerics.trees import named_arrays

LEVELS, SHAPE = 17, (2, 2, 1)
SMALL = DigitsSettings(width=16, depth=2)


class Stationary(eqx.Module):
    """The drift of which a standard normal distribution is kept: score -y."""

    def __call__(self, y, s):
        return -SDE.diffusion(s).astype(y.dtype) * y


@pytest.fixture(scope="module")
def pixels():
    return jnp.round(jax.random.uniform(jax.random.key(0), (20, *SHAPE), jnp.float32) * 16) / 16


@pytest.fixture(scope="module")
def perceptron():
    return drift_network(SMALL, SHAPE, key=jax.random.key(1))


@pytest.mark.parametrize(
    ("estimate", "cell_key"),
    [
        pytest.param(released_bits, lambda key: jax.random.split(key, 5)[0], id="released"),
        pytest.param(
            lambda *arguments, key: bound_bits(*arguments, times=4, key=key).bits,
            lambda key: jax.random.split(key)[0],
            id="stratified",
        ),
    ],
)
def test_both_estimates_are_exact_on_average_where_the_bound_is_tight(pixels, estimate, cell_key):
    """The inference SDE reverses the generative one whose score is -y, so the bound of every image is its density."""
    image = pixels[0]

    def both(key):
        noise = jax.random.uniform(cell_key(key), image.shape, image.dtype)
        x, determinant = to_logit(dequantised(image, LEVELS, noise))
        exact = bits_per_dim(SDE.log_prior(x), determinant, x.size, LEVELS)
        return estimate(Stationary(), image, LEVELS, key=key), exact

    found, exact = jax.jit(jax.vmap(both))(jax.random.split(jax.random.key(2), 20_000))
    assert found.dtype == jnp.float32
    difference = np.asarray(found - exact, np.float64)
    # four standard errors, and float32's of a sum of numbers up to 100
    assert abs(difference.mean()) < 4 * difference.std() / len(difference) ** 0.5 + 1e-5
    assert difference.std() > 1e-3


def test_both_estimates_have_one_mean_and_the_stratified_one_varies_less(perceptron, pixels):
    keys = jax.random.split(jax.random.key(3), 4000)
    one = jax.jit(jax.vmap(lambda key: released_bits(perceptron, pixels[0], LEVELS, key=key)))(keys)
    many = jax.jit(jax.vmap(lambda key: bound_bits(perceptron, pixels[0], LEVELS, times=8, key=key).bits))(keys)
    one, many = (np.asarray(found, np.float64) for found in (one, many))
    error = np.hypot(one.std(), many.std()) / len(keys) ** 0.5
    assert abs(one.mean() - many.mean()) < 4 * error
    assert many.std() < one.std() / 2


def test_flips_change_the_loss_of_no_symmetric_image(perceptron, pixels):
    settings = SMALL.model_copy(update={"flips": True})
    flipping, plain = image_loss(settings, "digits", "uniform"), image_loss(SMALL, "digits", "uniform")
    symmetric = (pixels + pixels[:, :, ::-1]) / 2
    key = jax.random.key(0)
    np.testing.assert_array_equal(flipping(perceptron, symmetric, key), plain(perceptron, symmetric, key))
    assert flipping(perceptron, pixels, key) != plain(perceptron, pixels, key)


def test_proposals_share_all_but_times(perceptron, pixels):
    uniform, debiasing = (image_loss(SMALL, "digits", name) for name in ("uniform", "debiasing"))
    assert (uniform.levels, uniform.flips) == (debiasing.levels, debiasing.flips) == (17, False)
    key = jax.random.key(0)
    assert uniform(perceptron, pixels, key).dtype == jnp.float32
    assert uniform(perceptron, pixels, key) != debiasing(perceptron, pixels, key)


@pytest.mark.parametrize("settings", [SMALL, ImageSettings(multipliers=(1,))], ids=["perceptron", "unet"])
def test_networks_come_back_from_their_arrays(settings):
    shape = (4, 4, 1)
    network = eqx.filter_jit(lambda key: drift_network(settings, shape, key=key))(jax.random.key(0))
    arrays = named_arrays(network)
    assert eqx.tree_equal(restored(settings, shape, arrays), network)


def test_an_evaluation_has_noise_of_its_own_and_the_same_for_the_same_weights(perceptron, pixels):
    evaluate = eqx.filter_jit(ReleasedEvaluation(pixels, jax.random.key(0), LEVELS))
    moved = jax.tree.map(lambda leaf: leaf * (1 + 1e-5), perceptron)
    first, again, other = evaluate(perceptron), evaluate(perceptron), evaluate(moved)
    assert first["bits"] == again["bits"]
    # A hundred-thousandth of the weights would not move an estimate so far.
    assert abs(first["bits"] - other["bits"]) > 1e-3
    assert 0 < first["error"] < 10


def test_chunks_change_no_estimate(perceptron, pixels, monkeypatch):
    key = jax.random.key(0)
    evaluate = eqx.filter_jit(lambda: ReleasedEvaluation(pixels, key, LEVELS)(perceptron))
    whole = evaluate()
    bounds = bounds_of_images(perceptron, pixels, LEVELS, times=2, key=key)
    assert bounds.bits.shape == bounds.terminal.shape == (20,)
    monkeypatch.setattr(images, "EVALUATED_TOGETHER", 7)
    monkeypatch.setattr(images, "NETWORK_BATCH", 28)
    parts = eqx.filter_jit(lambda: ReleasedEvaluation(pixels, key, LEVELS)(perceptron))()
    # float32 sums in another order
    np.testing.assert_allclose([parts["bits"], parts["error"]], [whole["bits"], whole["error"]], rtol=1e-5)
    np.testing.assert_allclose(
        bounds_of_images(perceptron, pixels, LEVELS, times=2, key=key).bits, bounds.bits, rtol=1e-5
    )


def test_digitised_curves_end_as_the_claims_say():
    ends = {name: np.mean(curve.bits[-10:]) for name, curve in CIFAR10_CURVES.items()}
    published = {claim.id: float(claim.published) for claim in CLAIMS if claim.published}
    np.testing.assert_allclose(ends["uniform"], published["diffusion-27"], atol=0.005)  # two decimals are published
    np.testing.assert_allclose(ends["debiasing"], published["diffusion-28"], atol=0.005)
    np.testing.assert_allclose(ends["uniform"] - ends["debiasing"], published["diffusion-26"], atol=0.005)
    for curve in CIFAR10_CURVES.values():
        assert len(curve.iterations) == len(curve.bits) == 51
        assert curve.iterations[-1] == 100_000
