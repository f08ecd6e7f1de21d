"""The paper preset trains on a GPU; that every training step lowers for CUDA can be checked without one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from perspectives.highres.classification import METHODS, Images, arm, cross_entropy
from perspectives.highres.settings import DeepSettings
from perspectives.numerics.training import prepared, train_round

SETTINGS = DeepSettings()  # the defaults are the paper's values


def abstract_images():
    def pixels(count):
        return jax.ShapeDtypeStruct((count, 32, 32, 3), jnp.float32)

    def labels(count):
        return jax.ShapeDtypeStruct((count,), jnp.int32)

    return {
        "train": pixels(50_000),
        "train_labels": labels(50_000),
        "validation": pixels(10_000),
        "validation_labels": labels(10_000),
    }


@pytest.mark.parametrize("method", METHODS)
def test_training_round_of_the_paper_preset_lowers_for_cuda(method):
    def first_round(arrays, seed):
        keys = jax.random.split(jax.random.wrap_key_data(seed), SETTINGS.seeds)
        training = arm(method, Images(**arrays), batch=SETTINGS.batch, keys=keys)
        unchanging, state = prepared(
            training.models,
            cross_entropy,
            training.batches,
            training.optimiser,
            training.estimate,
            training.accuracy,
            seeds=True,
        )
        state, record = train_round(unchanging, state, keys, jnp.asarray(0), True)
        return eqx.filter(state, eqx.is_array), record

    seed = jax.ShapeDtypeStruct((2,), jnp.uint32)
    exported = jax.export.export(jax.jit(first_round), platforms=["cuda"])(abstract_images(), seed)
    assert exported.platforms == ("cuda",)
    loss = exported.out_avals[-2]
    assert (loss.shape, loss.dtype) == ((SETTINGS.seeds,), jnp.float32)
