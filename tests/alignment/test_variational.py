import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.special import log_softmax

from perspectives.alignment.networks import perceptron
from perspectives.alignment.posterior import MeanField, initial
from perspectives.alignment.priors import prior
from perspectives.alignment.variational import NegativeElbo, NegativeLogPosterior, flipped_and_shifted
from perspectives.numerics.batches import Epochs
from perspectives.numerics.training import fit

VARIANCE, WEIGHT = 2.0, 0.01


@pytest.fixture(scope="module")
def problem():
    keys = jax.random.split(jax.random.key(0), 3)
    model = perceptron(12, 5, 1, 3, key=keys[0], dtype=jnp.float64)
    batch = jax.random.normal(keys[1], (8, 3, 4, 1)), jax.random.randint(keys[2], (8,), 0, 3)
    return model, prior(model, "fan_in", VARIANCE), batch


def constant(model, level):
    return MeanField(model, jax.tree.map(lambda leaf: jnp.full_like(leaf, level), model))


def by_hand(model, images, labels):
    """The mean cross-entropy, and the network's arrays with their prior variances."""
    first, second = model.layers
    hidden = np.maximum(np.asarray(images).reshape(len(images), -1) @ np.asarray(first.weight).T + first.bias, 0)
    scores = log_softmax(hidden @ np.asarray(second.weight).T + second.bias, axis=1)
    arrays = [
        (np.asarray(array), VARIANCE / fan_in)
        for layer, fan_in in ((first, 12), (second, 5))
        for array, fan_in in ((layer.weight, fan_in), (layer.bias, 1))
    ]
    return -scores[np.arange(len(labels)), labels].mean(), arrays


def test_negative_elbo_of_vanishing_deviations_is_cross_entropy_and_weighted_divergence(problem):
    model, belief, batch = problem
    level = -30.0
    found = NegativeElbo(belief, jnp.asarray(WEIGHT))(constant(model, level), batch, jax.random.key(1))
    loss, arrays = by_hand(model, *batch)
    divergence = sum(
        np.sum(np.log(v) / 2 - level + (np.exp(2 * level) + mean**2) / (2 * v) - 0.5) for mean, v in arrays
    )
    # noise of e^-30 = 1e-13 times inputs of order one
    np.testing.assert_allclose(found, loss + WEIGHT * divergence, rtol=1e-11)


def test_negative_log_posterior_is_cross_entropy_and_weighted_penalty(problem):
    model, belief, batch = problem
    found = NegativeLogPosterior(belief, jnp.asarray(WEIGHT))(model, batch, jax.random.key(1))
    loss, arrays = by_hand(model, *batch)
    penalty = sum(np.sum(mean**2) / (2 * variance) for mean, variance in arrays)
    np.testing.assert_allclose(found, loss + WEIGHT * penalty, rtol=1e-12)


def test_negative_elbo_is_unbiased(problem):
    """Against draws of all weights, each of which is used for the whole batch."""
    model, belief, batch = problem
    posterior, objective = constant(model, -1.0), NegativeElbo(belief, jnp.asarray(WEIGHT))
    leaves, structure = jax.tree.flatten(model)

    def drawn(key):
        keys = jax.tree.unflatten(structure, list(jax.random.split(key, len(leaves))))
        point = jax.tree.map(lambda leaf, key: leaf + jnp.exp(-1.0) * jax.random.normal(key, leaf.shape), model, keys)
        return optax.softmax_cross_entropy_with_integer_labels(jax.vmap(point)(batch[0]), batch[1]).mean()

    keys = jax.random.split(jax.random.key(1), 2000)
    ours, theirs = jax.jit(jax.vmap(lambda key: (objective(posterior, batch, key), drawn(key))))(keys)
    expected = theirs.mean() + WEIGHT * belief.divergence(posterior.mean, posterior.deviation)
    assert abs(ours.mean() - expected) < 4 * np.hypot(ours.std(), theirs.std()) / np.sqrt(len(keys))
    assert ours.std() < theirs.std()


def test_augmentation_is_of_the_images_alone(problem):
    model, belief, batch = problem
    key, plain = jax.random.key(1), NegativeLogPosterior(belief, jnp.asarray(WEIGHT))
    moved = flipped_and_shifted(batch[0], key=key), batch[1]
    found = NegativeLogPosterior(belief, jnp.asarray(WEIGHT), augment=True)(model, batch, key)
    np.testing.assert_allclose(found, plain(model, moved, key), rtol=1e-12)
    assert abs(found - plain(model, batch, key)) > 1e-3


def test_augmented_negative_elbo_sees_moved_images(problem):
    model, belief, batch = problem
    sure, key = constant(model, -30.0), jax.random.key(1)
    plain, augmented = (
        NegativeElbo(belief, jnp.asarray(WEIGHT), augment)(sure, batch, key) for augment in (False, True)
    )
    assert abs(plain - augmented) > 1e-3


TRACES = []


class Counted(NegativeElbo):
    """Leaves a mark whenever it is traced; compiled code leaves none."""

    def __call__(self, posterior, batch, key):
        TRACES.append(posterior)
        return super().__call__(posterior, batch, key)


def test_another_temperature_or_prior_variance_compiles_nothing(problem):
    model, _, batch = problem
    batches, optimiser = Epochs(batch, 4), optax.adam(1e-2)
    losses, counts = [], []
    for variance, temperature in ((2.0, 1.0), (0.2, 1.0), (2.0, 0.01)):
        belief = prior(model, "fan_in", variance)
        objective = Counted(belief, jnp.asarray(temperature / 8))
        fitted = fit(initial(model, belief, 0.02), objective, batches, optimiser, steps=4, key=jax.random.key(1))
        losses.append(float(fitted.record.loss[-1]))
        counts.append(len(TRACES))
    assert counts[0] > 0
    assert counts == counts[:1] * 3
    assert len(set(losses)) == 3


def images(count=64, side=12, border=4):
    """Images of distinct pixels, with a border of zeros that a shift cannot use up."""
    inner = np.arange(1, count * (side - 2 * border) ** 2 * 2 + 1, dtype=np.float64)
    inner = inner.reshape(count, side - 2 * border, side - 2 * border, 2)
    return jnp.asarray(np.pad(inner, ((0, 0), (border, border), (border, border), (0, 0))))


def test_augmentation_without_reach_mirrors_or_does_nothing():
    before = images()
    after = np.asarray(flipped_and_shifted(before, key=jax.random.key(0), reach=0))
    same = np.array([np.array_equal(a, b) for a, b in zip(after, before, strict=True)])
    mirrored = np.array([np.array_equal(a, b[:, ::-1]) for a, b in zip(after, before, strict=True)])
    assert np.all(same ^ mirrored)
    # of 64 fair coins: five standard deviations of four
    assert abs(mirrored.sum() - 32) <= 20


def test_augmentation_only_moves_pixels():
    before = images()
    after = np.asarray(flipped_and_shifted(before, key=jax.random.key(0)))
    assert after.shape == before.shape
    assert after.dtype == before.dtype
    for channel in range(2):
        left, right = (np.sort(np.reshape(array[..., channel], (64, -1)), axis=1) for array in (after, before))
        np.testing.assert_array_equal(left, right)


def test_augmentation_shifts_evenly_up_to_its_reach_both_ways():
    dot = jnp.zeros((4000, 9, 9, 1)).at[:, 4, 4].set(1.0)
    found = np.argwhere(np.asarray(flipped_and_shifted(dot, key=jax.random.key(0), reach=2))[..., 0])
    assert len(found) == 4000
    counts = np.zeros((9, 9))
    np.add.at(counts, tuple(found[:, 1:].T), 1)
    assert counts[2:7, 2:7].sum() == 4000
    # 160 in each of 25 places: five standard deviations of 12.4
    assert np.abs(counts[2:7, 2:7] - 160).max() < 62


def test_augmentation_brings_in_zeros():
    before = jnp.ones((200, 6, 6, 1))
    after = np.asarray(flipped_and_shifted(before, key=jax.random.key(0), reach=2))[..., 0]
    assert set(np.unique(after)) == {0.0, 1.0}
    rows, columns = after.any(2).sum(1), after.any(1).sum(1)
    assert {*rows, *columns} == {4, 5, 6}
    np.testing.assert_array_equal(after.sum((1, 2)), rows * columns)


def test_a_model_in_place_of_a_posterior_is_refused(problem):
    model, belief, batch = problem[0], problem[1], problem[2]
    with pytest.raises(TypeError, match="expected a posterior, got a Perceptron"):
        NegativeElbo(belief, jnp.asarray(0.1))(model, batch, jax.random.key(0))
