from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy import stats

from perspectives.alignment.networks import Block, ResNet20
from perspectives.alignment.posterior import LocalLinear, MeanField, initial, perturbed
from perspectives.alignment.priors import prior

DRAWS = 10_000
QUICKLY = {"xla_backend_optimization_level": 0}
"""Compiling takes nearly all of the time here."""
FIVE = 5.0
"""Standard errors allowed: of some hundred entries one in 10,000 runs would pass them by chance, and keys are fixed."""


def around(model, *, level=-0.7, key):
    """A posterior whose means are the model and whose deviations vary around exp(level)."""
    leaves, structure = jax.tree.flatten(eqx.filter(model, eqx.is_inexact_array))
    keys = jax.random.split(key, len(leaves))
    logs = [level + 0.4 * jax.random.normal(key, leaf.shape) for leaf, key in zip(leaves, keys, strict=True)]
    return MeanField(model, jax.tree.unflatten(structure, logs))


def weights_drawn(posterior, *, key):
    """The model with all its arrays drawn: what `perturbed` must not be told from, seen from one example."""
    leaves, structure = jax.tree.flatten(posterior.deviation)
    keys = jax.random.split(key, len(leaves))
    noise = [deviation * jax.random.normal(key, deviation.shape) for deviation, key in zip(leaves, keys, strict=True)]
    return eqx.apply_updates(posterior.mean, jax.tree.unflatten(structure, noise))


def in_turn(function, keys):
    """What `function` makes of each key. Batches of convolutions with kernels of their own take minutes on a CPU."""
    return jax.jit(lambda keys: jax.lax.map(function, keys), compiler_options=QUICKLY)(keys)


LAYERS = {
    "linear": (lambda key: eqx.nn.Linear(5, 3, key=key), (5,)),
    "linear without bias": (lambda key: eqx.nn.Linear(5, 3, use_bias=False, key=key), (5,)),
    "convolution": (lambda key: eqx.nn.Conv2d(2, 3, 3, padding=1, key=key), (2, 4, 3)),
    "strided along a line": (lambda key: eqx.nn.Conv1d(3, 2, 3, 2, use_bias=False, key=key), (3, 9)),
}
layers = pytest.mark.parametrize("name", LAYERS)


def layer(name, examples=1):
    """The posterior of a layer, inputs and targets."""
    make, shape = LAYERS[name]
    keys = jax.random.split(jax.random.key(0), 4)
    posterior = around(make(keys[0]), key=keys[1])
    x = jax.random.normal(keys[2], (examples, *shape))
    out = jax.vmap(posterior.mean)(x).shape
    return posterior, x, jax.random.normal(keys[3], out)


def closed_form(posterior, x):
    """Mean and variance of a layer's output: the layer of squares has the variance."""
    variance = jax.tree.map(jnp.square, posterior.deviation)
    return posterior.mean(x), eqx.combine(variance, posterior.mean)(x**2)


@cache
def outputs(name):
    """Outputs of as many stochastic passes, and of as many draws of all weights."""
    posterior, x, _ = layer(name)

    def one(key):
        shared, own = jax.random.split(key)
        return perturbed(posterior, shared=shared, key=own)(x[0]).ravel(), weights_drawn(posterior, key=key)(
            x[0]
        ).ravel()

    return tuple(map(np.asarray, in_turn(one, jax.random.split(jax.random.key(1), DRAWS))))


@layers
def test_noisy_layer_has_the_mean_and_variance_of_the_closed_form(name):
    posterior, x, _ = layer(name)
    mean, variance = (np.ravel(moment) for moment in closed_form(posterior, x[0]))
    drawn, _ = outputs(name)
    np.testing.assert_array_less(np.abs(drawn.mean(0) - mean), FIVE * np.sqrt(variance / DRAWS))
    np.testing.assert_allclose(drawn.var(0), variance, rtol=FIVE * np.sqrt(2 / DRAWS))


@layers
def test_noisy_layer_is_the_weight_sampled_layer_in_distribution(name):
    drawn, reference = outputs(name)
    for direction in np.random.default_rng(0).normal(size=(3, drawn.shape[1])):
        assert stats.ks_2samp(drawn @ direction, reference @ direction)[1] > 1e-4  # type: ignore[operator]
    # Entries are covariances of order one or less, each known to a few 1 / sqrt(draws).
    scale = reference.std(0)
    difference = np.cov((drawn / scale).T) - np.cov((reference / scale).T)
    assert np.abs(difference).max() < FIVE * np.sqrt(2) * np.sqrt(2 / DRAWS)


def test_linear_layer_of_nothing_without_bias_has_finite_gradients():
    posterior, x, _ = layer("linear without bias")

    def loss(posterior):
        return jnp.sum(perturbed(posterior, shared=jax.random.key(0), key=jax.random.key(1))(jnp.zeros_like(x[0])))

    value, gradient = eqx.filter_value_and_grad(loss)(posterior)
    assert abs(value) < 1e-150  # the root of the least positive number
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_examples_of_a_batch_are_uncorrelated_in_a_convolution_though_they_share_a_draw():
    posterior, x, _ = layer("convolution")

    def one(key):
        shared, *own = jax.random.split(key, 3)
        return [perturbed(posterior, shared=shared, key=key)(x[0]).ravel() for key in own]

    first, second = map(np.asarray, in_turn(one, jax.random.split(jax.random.key(1), DRAWS)))
    correlation = np.mean((first - first.mean(0)) * (second - second.mean(0)), 0) / (first.std(0) * second.std(0))
    # Products of such noises have a kurtosis above a Gaussian's, hence half as much again.
    assert np.abs(correlation).max() < 1.5 * FIVE / np.sqrt(DRAWS)


def test_signs_of_a_convolution_are_of_its_channels_and_of_the_example():
    posterior = around(eqx.nn.Conv2d(1, 2, 3, use_bias=False, key=jax.random.key(0)), key=jax.random.key(1))
    x = jax.random.normal(jax.random.key(2), (1, 4, 4))

    def noise(key):
        return perturbed(posterior, shared=jax.random.key(3), key=key)(x) - posterior.mean(x)

    noises = np.asarray(in_turn(noise, jax.random.split(jax.random.key(4), 100)))
    signs = noises / noises[0]
    # roundings of a difference of numbers of order one, over noises that may be small
    np.testing.assert_allclose(np.abs(signs), 1, rtol=1e-9)
    assert {tuple(row) for row in np.sign(signs[:, :, 0, 0])} == {(1, 1), (1, -1), (-1, 1), (-1, -1)}


def shared_draw(posterior, keys, shared):
    """The pass of each example when the batch shares one draw of all weights."""
    del keys
    model = weights_drawn(posterior, key=shared)
    return lambda number, x: model(x)


def noisy_layers(posterior, keys, shared):
    """The pass of each example that is ours."""
    return lambda number, x: perturbed(posterior, shared=shared, key=keys[number])(x)


def flipout_linear(posterior, keys, shared):
    """The pass of each example by Flipout in a linear layer: Wen et al. 2018, (4)."""
    drawn = posterior.deviation.weight * jax.random.normal(shared, posterior.mean.weight.shape)
    bias = posterior.deviation.bias

    def one(number, x):
        ins, outs, own = jax.random.split(keys[number], 3)
        signs = [jax.random.rademacher(key, (size,), x.dtype) for key, size in ((outs, len(bias)), (ins, len(x)))]
        return posterior.mean(x) + signs[0] * (drawn @ (signs[1] * x)) + bias * jax.random.normal(own, bias.shape)

    return one


def gradients(pass_of, posterior, x, targets, count):
    """Gradients of the mean over the batch of half the squared error, one row for each of `count` keys."""

    def loss(posterior, key):
        shared, own = jax.random.split(key)
        one = pass_of(posterior, jax.random.split(own, len(x)), shared)
        return jnp.mean(jnp.sum((jax.vmap(one)(jnp.arange(len(x)), x) - targets) ** 2, range(1, targets.ndim))) / 2

    def gradient(key):
        return ravel_pytree(eqx.filter_grad(loss)(posterior, key))[0]

    return np.asarray(in_turn(gradient, jax.random.split(jax.random.key(2), count)))


@pytest.mark.parametrize("name", ["linear", "convolution"])
@pytest.mark.parametrize("pass_of", [noisy_layers, shared_draw])
def test_gradient_of_a_quadratic_loss_is_unbiased(pass_of, name):
    posterior, x, targets = layer(name, examples=3)

    def expected(posterior):
        mean, variance = jax.vmap(lambda x: closed_form(posterior, x))(x)
        return jnp.sum((mean - targets) ** 2 + variance) / (2 * len(x))

    exact = ravel_pytree(eqx.filter_grad(expected)(posterior))[0]
    found = gradients(pass_of, posterior, x, targets, count=2000)
    np.testing.assert_array_less(np.abs(found.mean(0) - exact), FIVE * found.std(0) / np.sqrt(len(found)) + 1e-12)


def gradient_variances(pass_of, name):
    """Variances of the gradients of means and of log-deviations, summed over all entries of each."""
    posterior, x, targets = layer(name, examples=16)
    # Not centred, as what a layer gets from a ReLU: of orthogonal inputs a shared draw makes independent outputs.
    found = gradients(pass_of, posterior, 1 + x, targets, count=500).var(0)
    return np.array([half.sum() for half in np.split(found, 2)])


def test_flipout_has_a_fraction_of_the_gradient_variance_of_a_draw_shared_by_the_batch():
    ours, shared = (gradient_variances(one, "convolution") for one in (noisy_layers, shared_draw))
    # Measured 0.08 of the means, and 0.67 of the deviations: that gradient has the square of the draw that is shared.
    assert np.all(ours < (0.3, 0.9) * shared)


def test_local_reparameterisation_has_less_gradient_variance_than_flipout_and_that_less_than_a_shared_draw():
    ours, flipout, shared = (gradient_variances(one, "linear") for one in (noisy_layers, flipout_linear, shared_draw))
    # Measured 0.99 and 0.14: the means' gradient is the error times the input in both.
    assert np.all(ours < (1.2, 0.4) * flipout)
    # Measured 0.15 and 0.53.
    assert np.all(flipout < (0.4, 0.8) * shared)


def shallow_resnet(key):
    """All kinds of layer of the residual network, in one block of its nine."""
    first, second = jax.random.split(key)
    net, block = ResNet20(1, key=first, dtype=jnp.float64), Block(16, 64, 2, key=second, dtype=jnp.float64)
    return eqx.tree_at(lambda net: net.blocks, net, (block,))


class Normalised(eqx.Module):
    """A network with a normalisation and with something that is no array."""

    layers: list
    norm: eqx.nn.LayerNorm
    name: str = "some"

    def __init__(self, key):
        first, second = jax.random.split(key)
        self.layers = [eqx.nn.Linear(4, 6, key=first), eqx.nn.Linear(6, 2, key=second)]
        self.norm = eqx.nn.LayerNorm(6)

    def __call__(self, x):
        return self.layers[1](jax.nn.gelu(self.norm(self.layers[0](x))))


MODELS = {
    "perceptron": (lambda key: eqx.nn.MLP(4, 3, 8, depth=2, key=key), (4,)),
    "layer normalisation": (Normalised, (4,)),
    "resnet": (shallow_resnet, (8, 8, 3)),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_posterior_without_deviations_is_its_mean(name):
    make, shape = MODELS[name]
    model = eqx.filter_jit(make)(jax.random.key(0))
    sure = MeanField(model, jax.tree.map(lambda leaf: jnp.full_like(leaf, -40.0), eqx.filter(model, eqx.is_array)))
    x = jax.random.normal(jax.random.key(1), shape)

    arrays, static = eqx.partition(sure, eqx.is_array)

    def both(arrays, x):
        sure = eqx.combine(arrays, static)
        return perturbed(sure, shared=jax.random.key(2), key=jax.random.key(3))(x), sure.mean(x)

    noisy, plain = jax.jit(both, compiler_options=QUICKLY)(arrays, x)
    # Deviations of e^-40 = 4e-18 are below a rounding; those of some 20 layers remain.
    np.testing.assert_allclose(noisy, plain, rtol=1e-12, atol=1e-14)


def test_scales_of_a_normalisation_are_drawn_for_each_example():
    posterior = around(Normalised(jax.random.key(0)), key=jax.random.key(1))

    def norm(key):
        return perturbed(posterior, shared=jax.random.key(2), key=key).norm

    drawn = jax.vmap(norm)(jax.random.split(jax.random.key(3), DRAWS))
    for name in ("weight", "bias"):
        found, mean, deviation = (getattr(of, name) for of in (drawn, posterior.mean.norm, posterior.deviation.norm))
        np.testing.assert_array_less(np.abs(found.mean(0) - mean), FIVE * deviation / np.sqrt(DRAWS))
        np.testing.assert_allclose(found.std(0), deviation, rtol=FIVE / np.sqrt(2 * DRAWS))


def test_noises_of_the_layers_of_a_network_are_independent():
    """Were a key used twice, two layers of one shape would have the same noise."""
    posterior = around(eqx.nn.MLP(6, 6, 6, depth=1, key=jax.random.key(0)), key=jax.random.key(1))
    model = perturbed(posterior, shared=jax.random.key(2), key=jax.random.key(3))
    x = jnp.ones(6)
    noises = []
    for noisy in model.layers:
        assert isinstance(noisy, LocalLinear)
        mean, variance = closed_form(MeanField(noisy.mean, jax.tree.map(jnp.log, noisy.deviation)), x)
        noises.append((noisy(x) - mean) / jnp.sqrt(variance))
    assert np.abs(noises[0] - noises[1]).min() > 1e-3


def test_initial_deviations_are_those_asked_for_but_at_most_half_the_prior():
    model = eqx.nn.MLP(4, 3, 800, depth=1, key=jax.random.key(0))
    posterior = initial(model, prior(model, "fan_in", 2.0), 0.3)
    assert posterior.mean is model
    first, second = (layer.weight for layer in posterior.deviation.layers)
    np.testing.assert_allclose(first, 0.3, rtol=1e-12)
    np.testing.assert_allclose(second, (2 / 800) ** 0.5 / 2, rtol=1e-12)


def test_plain_arrays_of_a_posterior_are_its_means_and_deviations():
    posterior = around(Normalised(jax.random.key(0)), key=jax.random.key(1))
    plain = posterior.gaussians()
    assert set(plain.mean) == {
        ".layers[0].weight", ".layers[0].bias", ".layers[1].weight", ".layers[1].bias", ".norm.weight", ".norm.bias"
    }  # fmt: skip
    np.testing.assert_array_equal(plain.mean[".norm.bias"], posterior.mean.norm.bias)
    np.testing.assert_allclose(plain.deviation[".norm.bias"], np.exp(posterior.log_deviation.norm.bias), rtol=1e-15)


@pytest.mark.parametrize("deviation", [0.0, -0.1, float("nan")])
def test_an_initial_deviation_that_is_none_is_refused(deviation):
    model = eqx.nn.Linear(3, 2, key=jax.random.key(0))
    with pytest.raises(ValueError, match="must be above 0, got"):
        initial(model, prior(model, "fan_in", 1.0), deviation)


@pytest.mark.parametrize("shape", [("scalar", 3), (3, "scalar")])
def test_a_layer_from_or_to_a_scalar_has_its_own_weights_drawn(shape):
    model = eqx.nn.Linear(*shape, key=jax.random.key(0))
    posterior = initial(model, prior(model, "fan_in", 1.0), 0.1)
    noisy = perturbed(posterior, shared=jax.random.key(1), key=jax.random.key(2))
    x = jnp.asarray(0.5) if shape[0] == "scalar" else jnp.ones(3)
    assert noisy(x).shape == model(x).shape
    assert not np.allclose(noisy(x), model(x))


def test_a_model_that_reads_a_layers_weight_is_told_to_keep_it_as_an_array():
    model = eqx.nn.Linear(3, 2, key=jax.random.key(0))
    noisy = perturbed(initial(model, prior(model, "fan_in", 1.0), 0.1), shared=jax.random.key(1), key=jax.random.key(2))
    with pytest.raises(TypeError, match="reads the weight of a layer, a LocalLinear"):
        _ = noisy.weight
