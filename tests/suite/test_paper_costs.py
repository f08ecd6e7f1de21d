"""What the page of costs counts is what a training has, although XLA counts the body of a loop once."""

import importlib.util
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
import pytest

from perspectives.highres.classification import cross_entropy
from perspectives.numerics.batches import Epochs
from perspectives.numerics.nets import Perceptron
from perspectives.numerics.training import prepared, train_round

ROWS, FEATURES, BATCH = 160, 64, 32
STEPS = ROWS // BATCH


@pytest.fixture(scope="module")
def costs():
    path = Path(__file__).parents[2] / "benchmarks" / "paper_costs.py"
    spec = importlib.util.spec_from_file_location("paper_costs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def epochs(images):
    return Epochs(images, BATCH)


def product(x, y):
    return x @ y


def test_a_product_costs_twice_its_multiplications(costs):
    x, y = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((30, 50), (50, 70)))
    assert costs.compiled_cost(product, x, y).operations == 2 * 30 * 50 * 70


def test_steps_times_the_cost_of_one_are_a_round_without_a_loop(costs):
    images = jax.ShapeDtypeStruct((ROWS, FEATURES), jnp.float32), jax.ShapeDtypeStruct((ROWS,), jnp.int32)
    model = eqx.filter_eval_shape(lambda key: Perceptron((FEATURES, 120, 84, 10), key=key), costs.KEY)
    batches, adam = costs.abstract(epochs, images), optax.adam(0.1)
    one = costs.step_cost(model, cross_entropy, batches, adam)

    def whole(model, batches, key, unrolled):
        training, state = prepared(model, cross_entropy, batches, adam, None, None, seeds=False)
        if not unrolled:
            return train_round(training, state, key, jnp.asarray(0), False)
        drawn = training.draw(key, jnp.asarray(0))
        for number in range(STEPS):
            state, _ = training.step(state, jax.tree.map(lambda leaf, n=number: leaf[n], drawn), None, None)
        return state

    looped, unrolled = (costs.compiled_cost(whole, model, batches, costs.KEY, way) for way in (False, True))
    # Sorting the rows and what is fused otherwise are the rest; products are four fifths of all operations.
    assert STEPS * one.operations == pytest.approx(unrolled.operations, rel=0.05)
    assert one.operations == pytest.approx(looped.operations, rel=0.1), "a loop's body is counted once"


def test_variance_reduction_costs_a_second_gradient(costs):
    images = jax.ShapeDtypeStruct((ROWS, FEATURES), jnp.float32), jax.ShapeDtypeStruct((ROWS,), jnp.int32)
    model = eqx.filter_eval_shape(lambda key: Perceptron((FEATURES, 120, 84, 10), key=key), costs.KEY)

    def corrected(gradient, there, full):
        return jax.tree.map(lambda g, t, f: g - t + f, gradient, there, full)

    plain, reduced = (
        costs.step_cost(model, cross_entropy, costs.abstract(epochs, images), optax.sgd(0.1), estimate=estimate)
        for estimate in (None, corrected)
    )
    assert 1.9 < reduced.operations / plain.operations < 2.1
    assert reduced.memory > plain.memory


def test_eight_gpus_take_whole_jobs_the_longest_first(costs):
    second = costs.Cost(costs.OPERATIONS_A_SECOND, 0.0, 1.0)
    found = costs.total([(8, [costs.Repeated(second, 3600)]), (1, [costs.Repeated(second, 7200)])], costs.bound_by_work)
    assert (found.jobs, found.longest, found.one) == (9, 2.0, 10.0)
    assert found.eight == 2.0, "seven beside the longest, and the eighth after one of them"
