"""Refits of an autoencoder to its best samples, at a tiny size, with fitness that is invented here."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from perspectives.protein.autoencoders import PerceptronAutoencoder
from perspectives.protein.budget import Budget
from perspectives.protein.cbas import conditioned_by_adaptive_sampling, log_ratio, sampled
from perspectives.protein.search_space import SearchSpace
from perspectives.protein.settings import AutoencoderSettings

LENGTH = 5
SETTINGS = AutoencoderSettings(
    network="perceptron", latent=2, batch=64, steps=240, divergence_weight=0.01, learning_rate=3e-3
)


class Additive(eqx.Module):
    """Fitness as a sum over positions."""

    weights: Float[Array, "length 20"]

    def __call__(self, x):
        return jnp.einsum("nla,la->n", x, self.weights)


@pytest.fixture(scope="module")
def models():
    weights = jnp.asarray(np.random.default_rng(0).random((LENGTH, 20)), jnp.float32)
    return PerceptronAutoencoder(LENGTH, 2, key=jax.random.key(0)), Additive(weights)


def run(models, calls=600, mutations=None):
    autoencoder, predictor = models
    space = SearchSpace(np.zeros(LENGTH, np.uint8), np.ones((LENGTH, 20), bool), mutations)
    budget = Budget(predictor, calls=calls)
    found = conditioned_by_adaptive_sampling(budget, autoencoder, SETTINGS, space, refits=3, key=jax.random.key(1))
    assert budget.used <= calls
    assert space.contains(found.tokens).all()
    return found


def test_refits_shift_samples_towards_fitness(models):
    found = run(models)
    assert np.mean(found.values[-100:]) > np.mean(found.values[:100]) + 0.2


def test_nothing_outside_of_the_space_is_asked(models):
    assert (run(models, mutations=2).tokens != 0).sum(1).max() == 2


def test_the_ratio_of_a_model_and_itself_is_one_and_of_another_it_is_that_of_likelihoods(models):
    autoencoder, _ = models
    other = PerceptronAutoencoder(LENGTH, 2, key=jax.random.key(3))
    z, tokens = sampled(autoencoder, 20_000, jax.random.key(4))
    np.testing.assert_allclose(log_ratio(autoencoder, autoencoder, z, tokens), 0, atol=1e-6)
    # E exp(log p - log q) = 1 under q.
    assert np.exp(log_ratio(other, autoencoder, z, tokens)).mean() == pytest.approx(1, abs=0.05)


def test_fewer_calls_than_refits_are_refused(models):
    with pytest.raises(ValueError, match="refits = 3 must be from 1 to the number of calls, 2"):
        run(models, calls=2)
