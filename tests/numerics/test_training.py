import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from perspectives.numerics.batches import Epochs, Fresh
from perspectives.numerics.training import averaged, fit

ROWS, DIMENSIONS = 24, 3


class Linear(eqx.Module):
    weight: jax.Array

    def __call__(self, x):
        return x @ self.weight


def squared_error(model, batch, key):
    x, y = batch
    return jnp.mean((model(x) - y) ** 2) / 2


def weight(model):
    return model.weight


def there_corrected(gradient, there, full):
    return jax.tree.map(lambda g, t, f: g - t + f, gradient, there, full)


@pytest.fixture(scope="module")
def regression():
    """A planted linear regression with noise, and its least-squares solution."""
    x, noise = (jax.random.normal(key, shape) for key, shape in
                zip(jax.random.split(jax.random.key(0)), ((ROWS, DIMENSIONS), (ROWS,)), strict=True))  # fmt: skip
    y = x @ jnp.array([1.0, -2.0, 0.5]) + 0.1 * noise
    return (x, y), jnp.linalg.lstsq(x, y)[0]


def start():
    return Linear(jnp.zeros(DIMENSIONS))


def descend(data, size, *, steps, rate=0.2, **options):
    return fit(
        start(), squared_error, Epochs(data, size), optax.sgd(rate), steps=steps, key=jax.random.key(1), **options
    )


def test_full_batch_descent_reaches_the_least_squares_solution(regression):
    data, solution = regression
    fitted = descend(data, ROWS, steps=400, rate=0.5)
    np.testing.assert_allclose(fitted.model.weight, solution, atol=1e-10)  # contraction below .9 a step, 400 steps


def test_variance_reduction_reaches_it_from_single_batches_and_plain_descent_does_not(regression):
    data, solution = regression
    plain, reduced = (descend(data, 4, steps=3000, estimate=e).model.weight for e in (None, there_corrected))
    np.testing.assert_allclose(reduced, solution, atol=1e-10)  # converges linearly; plain stays at the noise
    assert jnp.abs(plain - solution).max() > 1e-4


def test_variance_reduction_with_one_batch_a_round_is_plain_descent(regression):
    data, _ = regression
    plain, reduced = (descend(data, ROWS, steps=20, estimate=e) for e in (None, there_corrected))
    np.testing.assert_allclose(plain.model.weight, reduced.model.weight, atol=1e-14)  # g - g + mean(g): rounding


def test_an_epoch_takes_every_row_once():
    batches = Epochs(jnp.arange(ROWS), 4)
    first, second = (batches.draw(jax.random.key(seed)) for seed in (0, 1))
    taken = jax.vmap(batches.take)(first)
    np.testing.assert_array_equal(jnp.sort(taken.ravel()), jnp.arange(ROWS))
    assert (first != second).any()


@pytest.mark.parametrize("together", [False, True], ids=["in turn", "together"])
def test_each_of_several_seeds_trains_as_it_would_alone(regression, together):
    data, _ = regression
    keys = jax.random.split(jax.random.key(2), 3)
    starts = jnp.eye(3)
    adam = optax.adam(0.01)  # one object, so that each kind of training compiles once

    def train(weight, key):
        return fit(Linear(weight), squared_error, Epochs(data, 4), adam, steps=12, together=together, key=key)

    many = train(starts, keys)
    for i, key in enumerate(keys):
        alone = train(starts[i], key)
        np.testing.assert_allclose(many.record.loss[i], alone.record.loss, rtol=1e-12)  # float64 sums in another order
        np.testing.assert_allclose(many.model.weight[i], alone.model.weight, atol=1e-12)


def test_a_fit_step_by_step_is_the_scanned_one(regression):
    data, _ = regression
    scanned, stepwise = (descend(data, 8, steps=30, measure=weight, stepwise=way) for way in (False, True))
    # one program against many: fused differently, hence rounding
    np.testing.assert_allclose(stepwise.model.weight, scanned.model.weight, rtol=1e-12)
    np.testing.assert_allclose(stepwise.record.loss, scanned.record.loss, rtol=1e-12)
    np.testing.assert_array_equal(stepwise.record.measured[-1], stepwise.model.weight)


def test_batches_of_a_distribution_are_fresh_draws_of_it():
    batches = Fresh(lambda size, *, key: 3 + jax.random.normal(key, (size,)), 4000, 2)
    first, second = (batches.take(drawn) for drawn in batches.draw(jax.random.key(0)))
    assert not np.any(first == second)
    assert abs(first.mean() - 3) < 5 / 4000**0.5  # five standard errors


@pytest.mark.parametrize("options", [{"key": jax.random.split(jax.random.key(0))}, {"estimate": there_corrected}])
def test_a_fit_step_by_step_takes_one_key_and_no_estimate(regression, options):
    data, _ = regression
    options = {"key": jax.random.key(0)} | options
    with pytest.raises(ValueError, match="stepwise"):
        fit(start(), squared_error, Epochs(data, 8), optax.sgd(0.1), steps=3, stepwise=True, **options)


def test_the_average_of_parameters_forgets_at_its_rate_and_leaves_the_training_alone(regression):
    data, _ = regression
    arguments = (start(), squared_error, Epochs(data, ROWS))
    plain = fit(*arguments, optax.sgd(0.2), steps=5, measure=weight, key=jax.random.key(1))
    both = fit(*arguments, averaged(optax.sgd(0.2), 0.9), steps=5, key=jax.random.key(1))
    np.testing.assert_array_equal(both.model.weight, plain.model.weight)
    weights = 0.9 ** np.arange(4.0, -1.0, -1.0)
    expected = weights @ plain.record.measured / weights.sum()
    np.testing.assert_allclose(both.optimiser.average.weight, expected, rtol=1e-13)


def test_a_round_is_recorded_and_reported(regression):
    data, _ = regression
    calls = []
    fitted = descend(
        data,
        4,
        steps=18,
        measure=lambda model: {"norm": jnp.linalg.norm(model.weight)},
        progress=lambda done, total, **numbers: calls.append((done, total, numbers["loss"])),
    )
    assert [(done, total) for done, total, _ in calls] == [(1, 3), (2, 3), (3, 3)]
    np.testing.assert_array_equal([loss for *_, loss in calls], fitted.record.loss)
    assert fitted.record.measured["norm"].shape == (3,)
    np.testing.assert_allclose(fitted.record.measured["norm"][-1], jnp.linalg.norm(fitted.model.weight))


def test_a_part_of_a_round_is_refused(regression):
    with pytest.raises(ValueError, match="steps = 7 is no positive multiple of the 6 steps"):
        descend(regression[0], 4, steps=7)


@pytest.mark.parametrize("seeds", [(), (2,)], ids=["one seed", "two seeds"])
def test_an_interrupted_run_ends_with_the_bytes_of_an_uninterrupted_one(regression, tmp_path, seeds):
    data, _ = regression
    keys = jax.random.split(jax.random.key(3), seeds) if seeds else jax.random.key(3)
    model = Linear(jnp.zeros((*seeds, DIMENSIONS)))
    adam = optax.adam(0.05)

    def train(**options):
        return fit(
            model,
            squared_error,
            Epochs(data, 4),
            adam,
            steps=60,
            estimate=there_corrected,
            measure=weight,
            checkpoint_every=3,
            key=keys,
            **options,
        )

    done = []

    def interrupt(now, total, **_):
        done.append(now)
        if now == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(checkpoints=tmp_path / "run", progress=interrupt)
    resumed = train(checkpoints=tmp_path / "run", progress=lambda now, total, **_: done.append(now))
    assert done == [1, 2, 3, 4, 5, 6, 7, *range(7, 11)], "goes on from the last checkpoint, round 6"
    whole = train()
    for one, other in zip(jax.tree.leaves(resumed), jax.tree.leaves(whole), strict=True):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


DEVICES = """
import jax, jax.numpy as jnp, numpy as np, optax
jax.config.update("jax_enable_x64", True)
from perspectives.numerics.batches import Epochs, Fresh
from perspectives.numerics.training import averaged, fit
assert jax.local_device_count() == 2
x = jax.random.normal(jax.random.key(0), (24, 3))
data = x, x.sum(1)
loss = lambda model, batch, key: jnp.mean((batch[0] @ model["w"] - batch[1]) ** 2)
train = lambda w, key: fit({"w": w}, loss, Epochs(data, 4), optax.sgd(.1), steps=12, together=True, key=key)
keys = jax.random.split(jax.random.key(1), 4)
many = train(jnp.zeros((4, 3)), keys)
assert len(many.model["w"].sharding.device_set) == 2, many.model["w"].sharding
one = train(jnp.zeros(3), keys[0])
assert len(one.model["w"].sharding.device_set) == 2, one.model["w"].sharding
np.testing.assert_allclose(many.model["w"][0], one.model["w"], atol=1e-12)
odd = train(jnp.zeros((3, 3)), keys[:3])
np.testing.assert_allclose(odd.model["w"][0], one.model["w"], atol=1e-12)
"""


def test_seeds_or_batches_spread_over_two_devices_give_the_same_model():
    """Two of XLA's simulated CPU devices; a process of its own, since their number is fixed when a backend starts."""
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    result = subprocess.run([sys.executable, "-c", DEVICES], env=flags, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]


def test_the_averaged_model_is_whole_where_not_all_of_it_is_arrays():
    model = eqx.nn.MLP(1, 1, 2, 1, key=jax.random.key(0))
    data = (jnp.zeros((4, 1)), jnp.ones((4, 1)))

    def loss(model, batch, key):
        return jnp.mean((jax.vmap(model)(batch[0]) - batch[1]) ** 2)

    found = fit(model, loss, Epochs(data, 2), averaged(optax.sgd(0.1), 0.5), steps=4, key=jax.random.key(1))
    assert found.averaged(jnp.zeros(1)).shape == (1,)
    assert found.averaged.layers[1].bias != found.model.layers[1].bias
