"""How far the code is from the exact statements that it must satisfy: a residual, or a count of exceptions."""

from itertools import permutations as orders

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from perspectives.alignment import handwritten
from perspectives.alignment import permutations as units
from perspectives.alignment.features import Divergence, features, value
from perspectives.alignment.gaussians import Gaussians, geodesic, permuted, squared_distance
from perspectives.alignment.marginal import (
    barrier,
    excess,
    log_probabilities,
    marginalized_loss,
    mixture_losses,
    of_labels,
)
from perspectives.alignment.matching import match
from perspectives.alignment.networks import Perceptron, ResNet20, Vgg, of_zeros, perceptron
from perspectives.alignment.permutations import Symmetries
from perspectives.alignment.symmetries import infer_symmetries
from perspectives.numerics.trees import named_arrays, with_arrays

FEATURES, CLASSES, IMAGES, DRAWS = 6, 4, 50, 8
BRUTE_UNITS, BRUTE_CASES = 5, 20
TIMES = np.linspace(0, 1, 5)


def small_network(width: int, depth: int) -> Perceptron:
    """Return a perceptron in float64, of zeros, on which the identities are checked by numbers put into it."""
    return of_zeros(lambda: perceptron(FEATURES, width, depth, CLASSES, key=jax.random.key(0), dtype=jnp.float64))


def random_posterior(model: Perceptron, generator: np.random.Generator) -> Gaussians:
    """Return a posterior over the model's arrays that no training has seen."""
    shapes = {name: array.shape for name, array in named_arrays(model).items()}
    return Gaussians(
        {name: generator.normal(size=shape) for name, shape in shapes.items()},
        {name: generator.uniform(0.05, 0.5, size=shape) for name, shape in shapes.items()},
    )


def perceptron_symmetries(width: int, depth: int) -> Symmetries:
    """Return the inferred symmetries of `small_network`."""
    return infer_symmetries(small_network(width, depth), np.zeros(FEATURES))


def invariance(generator: np.random.Generator, *, deviations_too: bool = True) -> float:
    """Return the largest change of a predictive probability when means, deviations and noise are permuted alike.

    Without `deviations_too` deviations stay where they were: a mistake that the check must see.
    """
    model, spec = small_network(16, 2), perceptron_symmetries(16, 2)
    posterior = random_posterior(model, generator)
    order = units.drawn(spec, generator)
    moved = permuted(posterior, order, spec)
    deviation = moved.deviation if deviations_too else posterior.deviation
    images = jnp.asarray(generator.normal(size=(IMAGES, FEATURES)))

    @eqx.filter_jit
    def predictive(model: Perceptron) -> Float[jax.Array, "images classes"]:
        return jax.nn.softmax(jax.vmap(model)(images))

    before, after = 0.0, 0.0
    for _ in range(DRAWS):
        noise = {name: generator.normal(size=mean.shape) for name, mean in posterior.mean.items()}
        turned = units.permuted(noise, order, spec)
        plain = {n: posterior.mean[n] + posterior.deviation[n] * noise[n] for n in noise}
        other = {n: moved.mean[n] + deviation[n] * turned[n] for n in noise}
        before = before + predictive(with_arrays(model, plain)) / DRAWS
        after = after + predictive(with_arrays(model, other)) / DRAWS
    return float(jnp.max(jnp.abs(jnp.asarray(before) - jnp.asarray(after))))


def mixture_barrier(generator: np.random.Generator) -> float:
    """Return the largest barrier of the mixture of two posteriors, which is never positive, over several pairs."""
    model = small_network(16, 2)
    pairs = [
        [_likelihoods(model, random_posterior(model, generator), np.random.default_rng(case)) for _ in range(2)]
        for case in range(5)
    ]
    # The maximum over all times has the ends, where it is zero; inside alone it shows how far below the line it stays.
    return max(barrier(mixture_losses(first, second, TIMES), TIMES) for first, second in pairs)


def geodesic_error(generator: np.random.Generator) -> float:
    """Return the largest relative error of W2(q0, q_t) = t W2(q0, q1), in float32."""
    model = small_network(16, 2)
    first, second = (_single(random_posterior(model, generator)) for _ in range(2))
    whole = np.sqrt(squared_distance(first, second))
    errors = [np.sqrt(squared_distance(first, geodesic(first, second, t))) - t * whole for t in (0.25, 0.5, 0.9)]
    return float(np.max(np.abs(errors)) / whole)


def brute_force_disagreements(generator: np.random.Generator) -> int:
    """Return in how many cases the alignment of one hidden layer is worse than the best of all orders."""
    model, spec = small_network(BRUTE_UNITS, 1), perceptron_symmetries(BRUTE_UNITS, 1)
    [group] = spec.sizes
    wrong = 0
    for _ in range(BRUTE_CASES):
        first, second = (random_posterior(model, generator) for _ in range(2))
        for divergence in ("w2", "kl"):
            every = (
                value(first, permuted(second, {group: np.array(order)}, spec), spec, divergence)
                for order in orders(range(BRUTE_UNITS))
            )
            best = min(every)
            wrong += match(first, second, spec, divergence=divergence).objective > best + 1e-9 * abs(best)
    return wrong


def descent_violations(generator: np.random.Generator) -> int:
    """Return how many accepted updates raised the divergence, plus how many were possible after the end."""
    model, spec = small_network(24, 3), perceptron_symmetries(24, 3)
    violations = 0
    divergences: tuple[Divergence, ...] = ("w2", "kl", "mean", "deviation")
    for divergence in divergences:
        first, second = (random_posterior(model, generator) for _ in range(2))
        found = match(first, second, spec, divergence=divergence)
        violations += int(np.sum(np.diff(found.history) >= 0))
        again = match(first, second, spec, divergence=divergence, restarts=1, start=found.permutations)
        violations += len(again.history) - 1
    return violations


def planted(generator: np.random.Generator) -> tuple[float, float]:
    """Return W2 after aligning a permuted copy, over W2 before, and how far the path leaves the line between its ends.

    Networks that have learnt nothing need have no barrier, so that the barrier alone would be no check.
    """
    model, spec = small_network(24, 3), perceptron_symmetries(24, 3)
    first = random_posterior(model, generator)
    second = permuted(first, units.drawn(spec, generator), spec)
    aligned = permuted(second, match(first, second, spec).permutations, spec)
    left = np.sqrt(squared_distance(first, aligned) / squared_distance(first, second))
    seed = int(generator.integers(2**31))
    losses = [
        marginalized_loss(_likelihoods(model, geodesic(first, aligned, float(t)), np.random.default_rng(seed)))
        for t in TIMES
    ]
    return float(left), float(np.abs(excess(np.array(losses), TIMES)).max())


def kl_kernel_error(generator: np.random.Generator) -> float:
    """Return the largest relative error of the kernel form of KL(q0 || P#q1), over random permutations."""
    model, spec = small_network(16, 2), perceptron_symmetries(16, 2)
    errors = []
    for _ in range(5):
        first, second = (random_posterior(model, generator) for _ in range(2))
        order = units.drawn(spec, generator)
        direct = value(first, permuted(second, order, spec), spec, "kl")
        errors.append(abs(features(first, second, spec, "kl").divergence(order, spec) / direct - 1))
    return max(errors)


def partition_disagreements() -> int:
    """Return for how many of three architectures the inferred symmetries are not those written down by hand."""
    key = jax.random.key(0)
    cases = (
        (lambda: perceptron(12, 8, 3, CLASSES, key=key), (12,), handwritten.perceptron_partition(3)),
        (lambda: Vgg((8, 8, 1), (4, 6), 12, CLASSES, key=key), (8, 8, 1), handwritten.vgg_partition(2)),
        (lambda: ResNet20(1, key=key), (32, 32, 3), handwritten.resnet20_partition()),
    )
    return sum(
        infer_symmetries(of_zeros(make), np.zeros(shape, np.float32)).partition() != known
        for make, shape, known in cases
    )


def _likelihoods(
    model: Perceptron, posterior: Gaussians, generator: np.random.Generator
) -> Float[ndarray, "draws images"]:
    seed = int(generator.integers(2**31))
    images = jnp.asarray(np.random.default_rng(0).normal(size=(IMAGES, FEATURES)))
    labels = np.random.default_rng(1).integers(0, CLASSES, IMAGES)
    keys = jax.random.split(jax.random.key(seed), DRAWS)
    return of_labels(log_probabilities(model, posterior, images, keys), labels)


def _single(posterior: Gaussians) -> Gaussians:
    mean, deviation = (
        {name: array.astype(np.float32) for name, array in arrays.items()}
        for arrays in (posterior.mean, posterior.deviation)
    )
    return Gaussians(mean, deviation)
