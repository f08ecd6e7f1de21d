"""Fig. 1b: many methods, many seeds, one logistic regression, in one compiled loop a panel.

Arrays carry (method, seed, dim); what a method is, `schemes` says. Losses f(x) = mean_i log(1 + exp(-y_i a_i . x)) are
written with the signed rows y_i a_i, and the sigmoid as a tanh, which never overflows.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key
from numpy import ndarray

from perspectives.highres.problems import LogisticRegression
from perspectives.highres.schemes import Method

# XLA's default keeps to 256-bit vectors; with 512 the exponentials, which dominate, take a sixth less time where the
# processor has them. Elsewhere the option does nothing.
_WIDE = {"xla_cpu_prefer_vector_width": 512}


class RaceProblem(NamedTuple):
    """The data of Fig. 1b: signed rows y_i a_i, the point that generated the labels, and a start for each seed."""

    rows: Float[Array, "samples dim"]
    generator: Float[Array, "dim"]
    starts: Float[Array, "seeds dim"]

    @property
    def regression(self) -> LogisticRegression:
        """Return f; on signed rows every label is 1."""
        return LogisticRegression(self.rows, jnp.ones(len(self.rows)))

    @property
    def row_smoothness(self) -> Float[Array, ""]:
        """Return max_i |a_i|^2, which the paper takes for L."""
        return 4 * self.regression.largest_example_smoothness


@partial(jax.jit, static_argnames=("samples", "dimensions", "seeds"))
def race_problem(*, samples: int, dimensions: int, seeds: int, key: Key[Array, ""]) -> RaceProblem:
    """Return the synthetic problem: a_i ~ N(1, I), x* ~ N(0, I), P(y_i = 1) = sigmoid(a_i . x*), x0 ~ N(0, I) a seed.

    **Source**: section 5.1 and the released `Binary_Classification.m`.
    """
    features_key, generator_key, labels_key, starts_key = jax.random.split(key, 4)
    features = 1 + jax.random.normal(features_key, (samples, dimensions))
    generator = jax.random.normal(generator_key, (dimensions,))
    positive = jax.random.uniform(labels_key, (samples,)) <= jax.nn.sigmoid(features @ generator)
    starts = jax.vmap(lambda seed: jax.random.normal(jax.random.fold_in(starts_key, seed), (dimensions,)))
    return RaceProblem(jnp.where(positive, 1.0, -1.0)[:, None] * features, generator, starts(jnp.arange(seeds)))


@jax.jit
def losses(rows: Float[Array, "samples dim"], x: Float[Array, "*batch dim"]) -> Float[Array, "*batch"]:
    """Return f at each x, in nats."""
    return jnp.mean(jax.nn.softplus(-x @ rows.T), axis=-1)


def wrongness(margins: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """Return sigmoid(-margin), the weight of a sample in the gradient; as a tanh, XLA's cheapest sigmoid here."""
    return 0.5 - 0.5 * jnp.tanh(0.5 * margins)


def gradients(rows: Float[Array, "samples dim"], x: Float[Array, "*batch dim"]) -> Float[Array, "*batch dim"]:
    """Return grad f at each x: -mean_i sigmoid(-y_i a_i . x) y_i a_i."""
    return wrongness(x @ rows.T) @ rows * (-1 / rows.shape[0])


@partial(jax.jit, static_argnums=(2, 3))
def gaussian_noise(
    keys: Key[Array, "seeds"], epoch: int | Int[Array, ""], iterations: int, dim: int
) -> Float[Array, "k 2 seeds dim"]:
    """Return the noise of one epoch, unit variance a coordinate: [:, 0] for the gradient at x, [:, 1] for v alone."""
    draw = jax.vmap(lambda key: jax.random.normal(jax.random.fold_in(key, epoch), (iterations, 2, dim)))
    return jnp.moveaxis(draw(keys), 0, 2)


@partial(jax.jit, static_argnums=(2, 3))
def sample_indices(
    keys: Key[Array, "seeds"], epoch: int | Int[Array, ""], iterations: int, pools: tuple[int, ...]
) -> Int[Array, "k pools seeds"]:
    """Return the samples of one epoch, uniform over the first `pool` for each pool, from one draw for all pools."""
    draw = jax.vmap(lambda key: jax.random.uniform(jax.random.fold_in(key, epoch), (iterations,)))
    # float64 has 2^52 steps below 1, so that flooring is uniform to one part in 1e12 for any data set.
    return jnp.floor(draw(keys).T[:, None] * jnp.array(pools)[:, None]).astype(int)


class Pair(NamedTuple):
    """The two sequences of all methods and seeds."""

    x: Float[Array, "methods seeds dim"]
    v: Float[Array, "methods seeds dim"]


@partial(jax.jit, compiler_options=_WIDE)
def gaussian_epoch(
    rows: Float[Array, "samples dim"],
    pair: Pair,
    coefficients: Float[Array, "logs block methods 6"],
    fresh: Bool[Array, "methods"],
    noise: Float[Array, "k 2 seeds dim"],
) -> tuple[Pair, Float[Array, "logs methods seeds"]]:
    """Return x, v and the losses after one epoch of full gradients plus noise; a loss is taken after each block."""
    logs, block = coefficients.shape[:2]
    noise = noise.reshape(logs, block, *noise.shape[1:])

    def iterate(pair: Pair, inputs: tuple[Array, Array]) -> tuple[Pair, None]:
        row, noise = inputs
        point, before, keep, pull, push, after = _columns(row)
        x, v = pair
        gradient = gradients(rows, x + point * (v - x))
        for_x = gradient + noise[0]
        for_v = gradient + jnp.where(fresh[:, None, None], noise[1], noise[0])
        v = v - before * for_v
        return Pair(keep * x + pull * v - push * for_x, v - after * for_v), None

    def logged(pair: Pair, inputs: tuple[Array, Array]) -> tuple[Pair, Array]:
        pair, _ = jax.lax.scan(iterate, pair, inputs)
        return pair, losses(rows, pair.x)

    return jax.lax.scan(logged, pair, (coefficients, noise))


@partial(jax.jit, static_argnames=("same_sample", "pool_of"), compiler_options=_WIDE)
def finite_sum_epoch(
    rows: Float[Array, "samples dim"],
    pair: Pair,
    coefficients: Float[Array, "logs block methods 6"],
    reduced: Bool[Array, "methods"],
    indices: Int[Array, "k pools seeds"],
    *,
    pool_of: tuple[int, ...],
    same_sample: bool,
) -> tuple[Pair, Float[Array, "logs methods seeds"]]:
    """Return x, v and the losses after one epoch of single-sample gradients, SVRG's where `reduced`.

    The snapshot is x at the start. `pool_of` says for each method which column of `indices` it draws from; with
    `same_sample` v moves with a second estimate, at the new x and with the iteration's own sample.
    """
    logs, block = coefficients.shape[:2]
    drawn = indices[:, jnp.array(pool_of)]  # k methods seeds
    mask = reduced[:, None]
    at_snapshot = wrongness(pair.x @ rows.T)
    full = jnp.where(mask[:, :, None], gradients(rows, pair.x), 0.0)
    methods, seeds = drawn.shape[1:]
    # Everything that depends on the sample alone is gathered before the loop, in one sweep.
    known = at_snapshot[jnp.arange(methods)[:, None], jnp.arange(seeds), drawn]
    known = jnp.where(mask, known, 0.0).reshape(logs, block, methods, seeds)
    picked = rows[drawn].reshape(logs, block, methods, seeds, -1)

    def iterate(pair: Pair, inputs: tuple[Array, Array, Array]) -> tuple[Pair, None]:
        row, picked, known = inputs
        _, before, keep, pull, push, after = _columns(row)

        def estimate(x: Array) -> Array:
            weight = wrongness(jnp.sum(x * picked, axis=-1)) - known
            return full - weight[..., None] * picked

        x, v = pair
        gradient = estimate(x)
        v = v - before * gradient
        x = keep * x + pull * v - push * gradient
        return Pair(x, v - after * estimate(x) if same_sample else v), None

    def logged(pair: Pair, inputs: tuple[Array, Array, Array]) -> tuple[Pair, Array]:
        pair, _ = jax.lax.scan(iterate, pair, inputs, unroll=4)
        return pair, losses(rows, pair.x)

    return jax.lax.scan(logged, pair, (coefficients, picked, known))


def _columns(row: Float[Array, "methods 6"]) -> tuple[Array, ...]:
    """Return the six coefficients of an iteration, each shaped to multiply (methods, seeds, dim)."""
    return tuple(row[:, column, None, None] for column in range(6))


def race(
    problem: RaceProblem,
    gaussian: tuple[Method, ...],
    finite_sum: tuple[Method, ...],
    *,
    iterations_per_epoch: int,
    logs_per_epoch: int,
    same_sample: bool,
    groups: int,
    key: Key[Array, ""],
) -> Iterator[Float[ndarray, "logs methods seeds"]]:
    """Yield the losses of one epoch after the other: Gaussian methods first, then those on the finite sum.

    Seeds are split into `groups`, a thread each: XLA runs a loop on one core, so this is what fills the others. What
    a seed draws depends on its number alone, never on the groups.
    """
    noise_key, sample_key = jax.random.split(key)
    keys_of = jax.vmap(jax.random.fold_in, in_axes=(None, 0))
    block = (logs_per_epoch, iterations_per_epoch // logs_per_epoch)
    running = []
    for part in np.split(np.arange(len(problem.starts)), groups):
        above = _gaussian_epochs(problem.rows, gaussian, block, problem.starts[part], keys_of(noise_key, part))
        below = _finite_sum_epochs(
            problem.rows, finite_sum, block, problem.starts[part], keys_of(sample_key, part), same_sample
        )
        running.append([panel for panel, methods in ((above, gaussian), (below, finite_sum)) if methods])

    def advance(panels: list[Iterator[Array]]) -> ndarray:
        return np.concatenate([next(panel) for panel in panels], axis=1)

    with ThreadPoolExecutor(groups) as threads:
        for _ in range(len((gaussian + finite_sum)[0].coefficients) // iterations_per_epoch):
            yield np.concatenate(list(threads.map(advance, running)), axis=2)


def _gaussian_epochs(
    rows: Float[Array, "samples dim"],
    methods: tuple[Method, ...],
    block: tuple[int, int],
    starts: Float[Array, "seeds dim"],
    keys: Key[Array, "seeds"],
) -> Iterator[Float[Array, "logs methods seeds"]]:
    fresh = jnp.array([method.fresh_noise for method in methods])
    pair = _at_start(starts, len(methods))
    for epoch, coefficients in enumerate(_coefficients(methods, block)):
        noise = gaussian_noise(keys, epoch, block[0] * block[1], starts.shape[1])
        pair, curve = gaussian_epoch(rows, pair, coefficients, fresh, noise)
        yield curve


def _finite_sum_epochs(
    rows: Float[Array, "samples dim"],
    methods: tuple[Method, ...],
    block: tuple[int, int],
    starts: Float[Array, "seeds dim"],
    keys: Key[Array, "seeds"],
    same_sample: bool,
) -> Iterator[Float[Array, "logs methods seeds"]]:
    pools = tuple(sorted({method.pool for method in methods}))
    pool_of = tuple(pools.index(method.pool) for method in methods)
    reduced = jnp.array([method.variance_reduced for method in methods])
    pair = _at_start(starts, len(methods))
    for epoch, coefficients in enumerate(_coefficients(methods, block)):
        indices = sample_indices(keys, epoch, block[0] * block[1], pools)
        pair, curve = finite_sum_epoch(
            rows, pair, coefficients, reduced, indices, pool_of=pool_of, same_sample=same_sample
        )
        yield curve


def _coefficients(methods: tuple[Method, ...], block: tuple[int, int]) -> Float[ndarray, "epochs logs block methods 6"]:
    """Return the coefficients of all methods side by side, cut into epochs and the blocks between two logs."""
    return np.stack([method.coefficients for method in methods], axis=1).reshape(-1, *block, len(methods), 6)


def _at_start(starts: Float[Array, "seeds dim"], methods: int) -> Pair:
    x = jnp.broadcast_to(starts, (methods, *starts.shape))
    return Pair(x, x)
