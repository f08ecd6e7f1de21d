import importlib.util
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.highres import race as module
from perspectives.highres.nnag import nnag
from perspectives.highres.perturbed import per_fe_c, shrinking_gradient_descent
from perspectives.highres.race import (
    Pair,
    finite_sum_epoch,
    gaussian_epoch,
    gradients,
    losses,
    race_problem,
    sample_indices,
)
from perspectives.highres.schemes import finite_sum_methods, gaussian_methods

ITERATIONS, BLOCK, SEEDS, DIM, SAMPLES = 60, 10, 3, 4, 50


@pytest.fixture(scope="module")
def problem():
    return race_problem(samples=SAMPLES, dimensions=DIM, seeds=SEEDS, key=jax.random.key(0))


@pytest.fixture(scope="module")
def reference() -> Any:
    """Return the benchmark's NumPy program."""
    path = Path(__file__).parents[2] / "benchmarks" / "reference" / "race_numpy.py"
    spec = importlib.util.spec_from_file_location("race_numpy", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def coefficients(methods):
    return np.stack([m.coefficients for m in methods], axis=1).reshape(-1, BLOCK, len(methods), 6)


def start(problem, methods):
    x = jnp.broadcast_to(problem.starts, (len(methods), *problem.starts.shape))
    return Pair(x, x)


def gaussian_curves(problem, mode, noise):
    methods = gaussian_methods(mode, smoothness=float(problem.row_smoothness), iterations=ITERATIONS, samples=SAMPLES)
    fresh = jnp.array([m.fresh_noise for m in methods])
    _, curve = gaussian_epoch(problem.rows, start(problem, methods), coefficients(methods), fresh, noise)
    return {m.name: np.asarray(curve[:, i]) for i, m in enumerate(methods)}


def stepper(problem, method):
    """Return one compiled step of an optax method on the noisy gradient."""

    @jax.jit
    def step(x, state, noise):
        updates, state = method.update(gradients(problem.rows, x) + noise, state, x)
        return x + jnp.asarray(updates), state

    return step


def test_loss_and_gradient_are_those_of_logistic_regression(problem):
    f = problem.regression
    for x in problem.starts:
        np.testing.assert_allclose(losses(problem.rows, x), f(x), rtol=1e-14)  # two orders of summing 50 terms
        np.testing.assert_allclose(gradients(problem.rows, x), f.gradient(x), atol=1e-15)


def test_row_smoothness_bounds_the_smoothness_from_far_above(problem):
    assert problem.row_smoothness > 4 * problem.regression.smoothness


def test_gaussian_losses_equal_those_of_the_numpy_program(problem, reference):
    noise = np.random.default_rng(1).normal(size=(ITERATIONS, 2, SEEDS, DIM))
    curves = gaussian_curves(problem, "code", jnp.asarray(noise))
    rows, starts = np.asarray(problem.rows), np.asarray(problem.starts)
    # The reference moves v at the end of iteration k, our loop at the beginning of k + 1: one index later.
    noise[:-1, 1] = noise[1:, 1].copy()
    for name in reference.GAUSSIAN:
        together = reference.gaussian(name, rows, starts, noise, BLOCK)
        np.testing.assert_allclose(curves[name], together, rtol=1e-10)  # rounding of 60 steps
        alone = [reference.gaussian(name, rows, starts[i], noise[:, :, i], BLOCK) for i in range(SEEDS)]
        np.testing.assert_allclose(curves[name].T, alone, rtol=1e-10)


def test_finite_sum_losses_equal_those_of_the_numpy_program(problem, reference):
    methods = finite_sum_methods(
        "code",
        smoothness=float(problem.row_smoothness),
        iterations=ITERATIONS,
        per_epoch=ITERATIONS,
        samples=SAMPLES,
        dimensions=DIM,
    )
    generator = np.random.default_rng(2)
    drawn = {pool: generator.integers(0, pool, size=(ITERATIONS, SEEDS)) for pool in (DIM, SAMPLES)}
    pools = tuple(drawn)
    _, curve = finite_sum_epoch(
        problem.rows,
        start(problem, methods),
        coefficients(methods),
        jnp.array([m.variance_reduced for m in methods]),
        jnp.stack([jnp.asarray(drawn[pool]) for pool in pools], axis=1),
        pool_of=tuple(pools.index(m.pool) for m in methods),
        same_sample=True,
    )
    rows, starts = np.asarray(problem.rows), np.asarray(problem.starts)
    for i, method in enumerate(methods):
        name = method.name.removesuffix("_all_samples")
        expected = reference.finite_sum(name, rows, starts, drawn[method.pool], BLOCK)
        np.testing.assert_allclose(curve[:, i], expected, rtol=1e-10)  # rounding of 60 steps


def test_coefficients_of_the_text_move_like_the_optax_transformations(problem):
    noise = jax.random.normal(jax.random.key(5), (ITERATIONS, 2, SEEDS, DIM))
    curves = gaussian_curves(problem, "text", noise)
    smoothness = float(problem.row_smoothness)
    root = smoothness**0.5
    transformations = {
        "nnag": nnag(1 / root, root / 10),
        "perturbed_gd": shrinking_gradient_descent(1 / root),
    }
    for name, method in transformations.items():
        x, state = problem.starts, method.init(problem.starts)
        step = stepper(problem, method)
        found = []
        for k in range(ITERATIONS):
            x, state = step(x, state, noise[k, 0])
            if (k + 1) % BLOCK == 0:
                found.append(losses(problem.rows, x))
        tolerance = 1e-10 if name == "nnag" else 1e-5  # optax keeps the schedule of its `sgd` in float32
        np.testing.assert_allclose(curves[name], np.array(found), rtol=tolerance)


def test_a_seed_gives_the_same_curve_whatever_the_grouping(problem):
    methods = gaussian_methods("text", smoothness=50.0, iterations=40, samples=SAMPLES)
    arguments: dict[str, Any] = {
        "iterations_per_epoch": 20,
        "logs_per_epoch": 2,
        "same_sample": False,
        "key": jax.random.key(1),
    }
    together = np.stack(list(module.race(problem, methods, (), groups=1, **arguments)))
    apart = np.stack(list(module.race(problem, methods, (), groups=3, **arguments)))
    assert together.shape == (2, 2, 3, 3)
    np.testing.assert_allclose(apart, together, rtol=1e-12)  # another blocking of the matrix products


def test_samples_are_uniform_over_their_pool():
    keys = jax.random.split(jax.random.key(0), 2)
    drawn = np.asarray(sample_indices(keys, 0, 4000, (4, 10)))
    assert drawn.shape == (4000, 2, 2)
    for column, pool in enumerate((4, 10)):
        counts = np.bincount(drawn[:, column].ravel(), minlength=pool)
        assert len(counts) == pool
        # 8000 draws: five standard deviations of a count
        assert np.all(np.abs(counts - 8000 / pool) < 5 * np.sqrt(8000 / pool))


def test_per_fe_c_with_the_gradient_at_x_moves_like_its_transformation(problem):
    noise = jax.random.normal(jax.random.key(6), (ITERATIONS, 2, SEEDS, DIM))
    curves = gaussian_curves(problem, "code", noise)
    smoothness = float(problem.row_smoothness)
    method = per_fe_c(smoothness**-0.5, smoothness)
    x, state = problem.starts, method.init(problem.starts)
    step = stepper(problem, method)
    for k in range(ITERATIONS):
        x, state = step(x, state, noise[k, 0])
    np.testing.assert_allclose(curves["per_fe_c"][-1], losses(problem.rows, x), rtol=1e-10)  # rounding of 60 steps
