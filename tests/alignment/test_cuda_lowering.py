"""The paper preset trains on a GPU; that its trainings and its evaluation lower for CUDA can be checked without one."""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
import pytest

from perspectives.alignment.architectures import network
from perspectives.alignment.arms import SHAPES, arms
from perspectives.alignment.marginal import _log_probabilities, _path_log_likelihoods
from perspectives.alignment.posterior import initial
from perspectives.alignment.priors import prior
from perspectives.alignment.variational import NegativeElbo, NegativeLogPosterior
from perspectives.numerics.batches import Epochs
from perspectives.numerics.training import prepared, train_round
from perspectives.suite.settings import resolve

PAPER = arms(resolve({"preset": "paper"}, Path(__file__).parents[2] / "workflow" / "presets").alignment)
IMAGES = 50_000


def smallest(dataset, role, **changed):
    """Return the training of the narrowest arm of a role; the graph is the same at any width."""
    chosen = [arm.training for arm in PAPER.values() if (arm.training.dataset, arm.role) == (dataset, role)]
    return min(chosen, key=lambda training: training.width).model_copy(update=changed)


TRAININGS = {
    "perceptron": smallest("fashion-mnist", "width"),
    "perceptron, Laplace prior": smallest("fashion-mnist", "family", width=32),
    "perceptron, point estimate": smallest("fashion-mnist", "point"),
    "ResNet20, augmented": smallest("cifar-10", "augmentation", width=1),
}


def abstract(settings, count):
    images = jax.ShapeDtypeStruct((count, *SHAPES[settings.dataset]), jnp.float32)
    return images, jax.ShapeDtypeStruct((count,), jnp.int32)


@pytest.mark.parametrize("settings", TRAININGS.values(), ids=TRAININGS.keys())
def test_training_round_of_the_paper_preset_lowers_for_cuda(settings):
    def first_round(images, labels, seed):
        key = jax.random.wrap_key_data(seed)
        model = network(settings, key=key)
        belief = prior(model, settings.prior, settings.prior_variance)
        weight = jnp.asarray(settings.temperature / IMAGES, jnp.float32)
        sure = settings.inference == "map"
        objective = (NegativeLogPosterior if sure else NegativeElbo)(belief, weight, settings.augmentation)
        start = model if sure else initial(model, belief, settings.initial_deviation)
        batches = Epochs((images, labels), settings.batch)
        optimiser = optax.adam(optax.cosine_decay_schedule(settings.learning_rate, settings.epochs * batches.steps))
        training, state = prepared(start, objective, batches, optimiser, None, None, seeds=False)
        state, record = train_round(training, state, key, jnp.asarray(0), False)
        return eqx.filter(state, eqx.is_array), record.loss

    seed = jax.ShapeDtypeStruct((2,), jnp.uint32)
    exported = jax.export.export(jax.jit(first_round), platforms=["cuda"])(*abstract(settings, IMAGES), seed)
    assert exported.platforms == ("cuda",)
    loss = exported.out_avals[-1]
    assert (loss.shape, loss.dtype) == ((), jnp.float32), "float64 is slow on a GPU"
    wide = {leaf.dtype for leaf in exported.out_avals} - {jnp.dtype(jnp.float32), jnp.dtype(jnp.int32)}
    assert not wide, "so is it in the model and in the optimiser's state"


@pytest.mark.parametrize("name", ["perceptron", "ResNet20, augmented"])
def test_common_draws_of_the_paper_preset_lower_for_cuda(name):
    settings = TRAININGS[name]
    model = jax.eval_shape(lambda: network(settings, key=jax.random.key(0)))
    arrays, static = eqx.partition(model, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct))

    def evaluate(mean, deviation, images, seed):
        keys = jax.random.split(jax.random.wrap_key_data(seed), 64)
        return _log_probabilities(eqx.combine(mean, static), deviation, images, keys)

    seed, (images, _) = jax.ShapeDtypeStruct((2,), jnp.uint32), abstract(settings, 4000)
    exported = jax.export.export(jax.jit(evaluate), platforms=["cuda"])(arrays, arrays, images, seed)
    assert exported.platforms == ("cuda",)
    [found] = exported.out_avals
    assert (found.shape, found.dtype) == ((64, 4000, 10), jnp.float32)


@pytest.mark.parametrize("name", ["perceptron", "ResNet20, augmented"])
def test_paths_of_the_paper_preset_lower_for_cuda(name):
    settings = TRAININGS[name]
    model = jax.eval_shape(lambda: network(settings, key=jax.random.key(0)))
    arrays, static = eqx.partition(model, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct))
    targets = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((3, *leaf.shape), leaf.dtype), arrays)
    points = jax.ShapeDtypeStruct((73,), jnp.int32), jax.ShapeDtypeStruct((73,), jnp.float32)

    def evaluate(first, targets, points, images, labels, seed):
        one, other = ((eqx.combine(mean, static), deviation) for mean, deviation in (first, targets))
        return _path_log_likelihoods(one, other, points, images, labels, jax.random.wrap_key_data(seed))

    seed = jax.ShapeDtypeStruct((2,), jnp.uint32)
    exported = jax.export.export(jax.jit(evaluate), platforms=["cuda"])(
        (arrays, arrays), (targets, targets), points, *abstract(settings, 4000), seed
    )
    assert exported.platforms == ("cuda",)
    found, finite = exported.out_avals
    assert (found.shape, found.dtype) == ((73, 4000), jnp.float32)
    assert finite.shape == (73,)
