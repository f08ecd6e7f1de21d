"""The paper preset trains U-Nets on a GPU; that its trainings and its bounds lower for CUDA is checked without one."""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
import pytest

from perspectives.diffusion.image_trainings import settings_of
from perspectives.diffusion.images import LEVELS, ReleasedEvaluation, bound_bits, drift_network, image_loss
from perspectives.numerics.batches import Passes
from perspectives.numerics.training import averaged, prepared, train_round
from perspectives.suite.settings import resolve

PAPER = resolve({"preset": "paper"}, Path(__file__).parents[2] / "workflow" / "presets").diffusion.images
SHAPES = {"mnist": (28, 28, 1), "cifar-10": (32, 32, 3)}
SEED = jax.ShapeDtypeStruct((2,), jnp.uint32)


@pytest.fixture(autouse=True)
def on_a_gpu(monkeypatch):
    """The U-Net attends in another way on a CPU."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")


@pytest.mark.parametrize(("dataset", "proposal"), [("mnist", "uniform"), ("cifar-10", "debiasing")])
def test_training_round_of_the_paper_preset_lowers_for_cuda(dataset, proposal):
    settings, shape = settings_of(PAPER, dataset), SHAPES[dataset]

    def first_round(images, test, seed):
        key = jax.random.wrap_key_data(seed)
        training, state = prepared(
            drift_network(settings, shape, key=key),
            image_loss(settings, dataset, proposal),
            Passes(images, settings.batch, settings.evaluate_every),
            averaged(optax.adam(settings.learning_rate), settings.average),
            None,
            ReleasedEvaluation(test, key, LEVELS[dataset]),
            seeds=False,
        )
        state, record = train_round(training, state, key, jnp.asarray(0), False)
        return eqx.filter(state, eqx.is_array), record

    images, test = (jax.ShapeDtypeStruct((count, *shape), jnp.float32) for count in (50_000, 10_000))
    exported = jax.export.export(jax.jit(first_round), platforms=["cuda"])(images, test, SEED)
    assert exported.platforms == ("cuda",)
    assert [leaf.shape for leaf in exported.out_avals[-3:]] == [(), (), ()]
    wide = {leaf.dtype for leaf in exported.out_avals} - {jnp.dtype(jnp.float32), jnp.dtype(jnp.int32)}
    assert not wide, "float64 is slow on a GPU"


def test_bounds_of_the_paper_preset_lower_for_cuda():
    settings, shape = settings_of(PAPER, "mnist"), SHAPES["mnist"]
    arrays, static = eqx.partition(
        eqx.filter_eval_shape(lambda: drift_network(settings, shape, key=jax.random.key(0))),
        lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct),
    )

    def evaluate(arrays, image, seed):
        key = jax.random.wrap_key_data(seed)
        return bound_bits(eqx.combine(arrays, static), image, LEVELS["mnist"], times=settings.times, key=key)

    exported = jax.export.export(jax.jit(evaluate), platforms=["cuda"])(
        arrays, jax.ShapeDtypeStruct(shape, jnp.float32), SEED
    )
    assert exported.platforms == ("cuda",)
    assert {(leaf.shape, leaf.dtype) for leaf in exported.out_avals} == {((), jnp.dtype(jnp.float32))}
