"""Autoencoders against library convolutions and closed forms; float64, so that tolerances are of rounding."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from perspectives.protein.autoencoders import (
    ENCODED_TOGETHER,
    AutoencoderLoss,
    ConvolutionAutoencoder,
    Doubling,
    PerceptronAutoencoder,
    autoencoder_for,
    commonest,
    decoded_tokens,
    divergence,
    encoded_codes,
    reconstruction_quality,
)
from perspectives.protein.sequences import one_hot
from perspectives.protein.settings import AutoencoderSettings


def drawn(make):
    """Return the model that `make(key)` would, with weights of order a tenth in float64.

    Drawn by NumPy: JAX would compile a draw for each of the shapes.
    """
    rng = np.random.default_rng(7)
    leaves, structure = jax.tree.flatten(eqx.filter_eval_shape(make, jax.random.key(0)))
    return jax.tree.unflatten(structure, [jnp.asarray(0.1 * rng.standard_normal(leaf.shape)) for leaf in leaves])


encode = eqx.filter_jit(lambda model, x: model.encode(x))
decode = eqx.filter_jit(lambda model, z: model.decode(z))


def ones(tokens):
    return jnp.asarray(one_hot(tokens), jnp.float64)


def sequences(number, rows, length):
    return np.random.default_rng(number).integers(0, 20, (rows, length)).astype(np.uint8)


def test_doubling_is_pytorchs_transposed_convolution():
    """Position i of the input, times W_j, goes to position 2 i + j - 1."""
    layer = drawn(lambda key: Doubling(3, 4, key=key))
    x = np.random.default_rng(1).standard_normal((2, 5, 3))
    expected = np.zeros((2, 12, 4))
    for i in range(5):
        for j in range(3):
            expected[:, 2 * i + j] += x[:, i] @ layer.weight[j]
    np.testing.assert_allclose(layer(jnp.asarray(x)), expected[:, 1:11] + layer.bias, atol=1e-12)


@pytest.fixture(scope="module")
def released():
    return drawn(lambda key: ConvolutionAutoencoder(6, 3, key=key))


def test_sequences_are_filled_up_with_residue_zero_and_cut_again(released):
    tokens = sequences(0, 4, 6)
    longer = drawn(lambda key: ConvolutionAutoencoder(8, 3, key=key))  # of the same shapes: with the same weights
    filled = np.pad(tokens, ((0, 0), (0, 2)))
    for one, other in zip(encode(released, ones(tokens)), encode(longer, ones(filled)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
    z = jnp.asarray(np.random.default_rng(2).standard_normal((4, 3)))
    whole = decode(longer, z)
    assert whole.shape == (4, 8, 20)
    np.testing.assert_allclose(decode(released, z), whole[:, :6], atol=1e-12)


@pytest.mark.parametrize("network", ["convolutions", "perceptron"])
def test_sequences_of_a_batch_do_not_see_each_other(network):
    settings = AutoencoderSettings(network=network, latent=3)
    model = drawn(lambda key: autoencoder_for(settings, 6, latent=3, key=key))
    assert model.latent == 3
    x, z = ones(sequences(3, 5, 6)), jnp.asarray(np.random.default_rng(3).standard_normal((5, 3)))
    # The same shapes, so that both are one program.
    others_x, others_z = x.at[0].set(x[3]).at[4].set(x[3]), z.at[0].set(9.0).at[4].set(-9.0)
    pairs = (encode(model, x)[0], encode(model, others_x)[0]), (decode(model, z), decode(model, others_z))
    for one, other in pairs:
        np.testing.assert_allclose(one[1:4], other[1:4], atol=1e-12)
        assert not np.allclose(one[0], other[0])


def test_hidden_layers_of_a_new_perceptron_keep_the_mean_square_of_what_passes_through():
    model = eqx.filter_jit(lambda key: PerceptronAutoencoder(55, 32, key=key))(jax.random.key(4))
    z = jnp.asarray(np.random.default_rng(6).standard_normal((200, 32)), jnp.float32)
    for h, layers in ((one_hot(sequences(7, 200, 55)).reshape(200, -1), model.encoder), (z, model.decoder)):
        for layer in layers:
            before = np.asarray(h) @ np.asarray(layer.weight) + np.asarray(layer.bias)
            # 2 up to the draw of a few hundred units; with PyTorch's start it is at most 1 / 3.
            assert 1.4 < np.mean(before**2) < 2.8
            h = np.maximum(before, 0)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (0.7, 0.3), (-1.2, 1.6)])
def test_divergence_is_the_integral(mean, deviation):
    def integrand(z):
        density = norm.pdf(z, mean, deviation)
        return density * (norm.logpdf(z, mean, deviation) - norm.logpdf(z))

    expected, _ = quad(integrand, -12, 12, epsabs=1e-11, limit=200)
    found = divergence(jnp.array([[mean, 0.0]]), jnp.array([[2 * np.log(deviation), 0.0]]))
    np.testing.assert_allclose(found, [expected], atol=1e-9)


def test_loss_is_cross_entropy_a_token_and_beta_times_divergence_a_sequence(released):
    certain = eqx.tree_at(  # no noise: the code is its mean
        lambda model: (model.log_variance.weight, model.log_variance.bias),
        released,
        (jnp.zeros_like(released.log_variance.weight), jnp.full(3, -80.0)),
    )
    tokens = sequences(4, 7, 6)
    mean, log_variance = encode(certain, ones(tokens))
    logits = np.asarray(decode(certain, mean))
    likely = np.take_along_axis(logits, tokens[..., None], -1)[..., 0] - np.log(np.exp(logits).sum(-1))
    variance = np.exp(log_variance)
    expected = -likely.mean() + 0.01 * np.mean((mean**2 + variance - 1 - np.log(variance)).sum(1) / 2)
    found = eqx.filter_jit(AutoencoderLoss(0.01))(certain, jnp.asarray(tokens), jax.random.key(0))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


class WildType(PerceptronAutoencoder):
    """An autoencoder that has only learnt one sequence; or all of them, when its codes are the one-hots themselves."""

    remembers: bool = eqx.field(static=True, default=False)

    def encode(self, x):
        return x.reshape(len(x), -1), jnp.full((len(x), self.length * 20), -2.0)

    def decode(self, z):
        logits = z.reshape(len(z), self.length, 20)
        return logits if self.remembers else jnp.zeros_like(logits).at[:, :, 5].set(1)


def test_recall_of_mutations_tells_the_wild_type_from_an_autoencoder():
    tokens = np.full((12, 6), 5, np.uint8)
    tokens[np.arange(12), np.arange(12) % 6] = np.arange(12) + 7
    assert commonest(tokens).tolist() == [5] * 6
    base = drawn(lambda key: PerceptronAutoencoder(6, 3, key=key))
    arrays = {name: getattr(base, name) for name in ("encoder", "mean", "log_variance", "decoder", "out", "length")}
    for remembers, shares in ((False, (5 / 6, 0, 0)), (True, (1, 1, 1))):
        model = object.__new__(WildType)
        for name, value in (arrays | {"remembers": remembers}).items():
            object.__setattr__(model, name, value)
        found = reconstruction_quality(model, tokens)
        names = ("token_accuracy", "exact", "mutation_recall")
        np.testing.assert_allclose([found[name] for name in names], shares)
        np.testing.assert_allclose(found["posterior_deviation"], np.exp(-1), rtol=1e-6)
    assert np.isnan(reconstruction_quality(model, np.full((3, 6), 5, np.uint8))["mutation_recall"])


def test_long_lists_are_encoded_and_decoded_in_parts():
    model = drawn(lambda key: PerceptronAutoencoder(4, 2, key=key))
    tokens = sequences(5, ENCODED_TOGETHER + 3, 4)
    codes = encoded_codes(model, tokens)
    mean, log_variance = encode(model, ones(tokens))
    np.testing.assert_allclose(codes.mean, mean, atol=1e-12)
    np.testing.assert_allclose(codes.deviation, np.exp(0.5 * np.asarray(log_variance)), atol=1e-12)
    np.testing.assert_array_equal(decoded_tokens(model, codes.mean), np.asarray(decode(model, mean)).argmax(-1))
