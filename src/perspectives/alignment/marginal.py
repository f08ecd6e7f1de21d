"""Marginalized losses of a posterior by draws that are common to all posteriors compared, and barriers along paths.

A draw is one standard Gaussian number z for each number of the network; a posterior's own draw is mean + deviation z.
All points of a path use the same draws, so their losses differ by the posteriors and hardly by chance.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, Num, PyTree
from numpy import ndarray
from scipy.special import logsumexp

from perspectives.alignment.gaussians import Gaussians, same_arrays
from perspectives.alignment.networks import Perceptron
from perspectives.numerics.progress import Progress, silent
from perspectives.numerics.trees import is_inexact, with_arrays


def noise(model: PyTree, *, key: Key[Array, ""]) -> PyTree:
    """Return a standard Gaussian number for each number of the model's arrays: one draw, before mean and deviation."""
    arrays, structure = jax.tree.flatten(eqx.filter(model, eqx.is_inexact_array))
    keys = jax.random.split(key, len(arrays))
    drawn = [jax.random.normal(k, array.shape, array.dtype) for k, array in zip(keys, arrays, strict=True)]
    return jax.tree.unflatten(structure, drawn)


BLOCK = 1000
"""Images that go through a network at once."""


@eqx.filter_jit
def _log_probabilities(
    mean: PyTree, deviation: PyTree, images: Float[Array, "images ..."], keys: Key[Array, "draws"]
) -> Float[Array, "draws images classes"]:
    arrays, static = eqx.partition(mean, eqx.is_inexact_array)

    def one(key: Key[Array, ""]) -> Float[Array, "images classes"]:
        drawn = jax.tree.map(lambda m, s, z: m + s * z, arrays, deviation, noise(mean, key=key))
        # In blocks: a convolutional network's activations for all images at once would fill a GPU.
        return jax.nn.log_softmax(jax.lax.map(eqx.combine(drawn, static), images, batch_size=BLOCK))

    return jax.lax.map(one, keys)


def log_probabilities(
    model: PyTree, posterior: Gaussians, images: Float[Array, "images ..."], keys: Key[Array, "draws"]
) -> Float[ndarray, "draws images classes"]:
    """Return log p(class | image, draw) for one draw a key; `model` gives the architecture alone.

    **Raises**: ValueError when a draw's logits overflow, since a mean over draws would hide it.
    """
    found = np.asarray(_log_probabilities(*_trees(model, posterior), images, keys))
    _refuse_overflow(np.all(np.isfinite(found), (1, 2)), found.dtype)
    return found


def _trees(model: PyTree, posterior: Gaussians) -> tuple[PyTree, PyTree]:
    """Return means as a model and deviations in its shape."""
    mean = with_arrays(model, posterior.mean)
    return mean, with_arrays(eqx.filter(model, is_inexact), posterior.deviation)


def _refuse_overflow(finite: Bool[ndarray, "draws"], dtype: np.dtype) -> None:
    if bad := int((~finite).sum()):
        raise ValueError(
            f"the logits of {bad} of {len(finite)} draws overflow {dtype}: its deviations are too large "
            "for this network, or it diverged in training"
        )


@eqx.filter_jit
def _path_log_likelihoods(
    first: tuple[PyTree, PyTree],
    targets: tuple[PyTree, PyTree],
    points: tuple[Int[Array, "points"], Float[Array, "points"]],
    images: Num[Array, "images ..."],
    labels: Int[Array, "images"],
    key: Key[Array, ""],
) -> tuple[Float[Array, "points images"], Bool[Array, "points"]]:
    """Return log p(label | image) for one draw at each point, a target's number and a time, and where it is finite.

    `targets` have a leading axis of targets.
    """
    model = first[0]
    _, static = eqx.partition(model, eqx.is_inexact_array)
    layered = type(model) is Perceptron  # and no kind of it that may do more than its layers
    z = noise(model, key=key)

    def drawn(mean: PyTree, deviation: PyTree) -> PyTree:
        arrays = eqx.filter(mean, eqx.is_inexact_array)
        return jax.tree.map(lambda m, s, z: m + s * z, arrays, deviation, z)

    start = drawn(*first)
    ends = jax.vmap(drawn)(eqx.filter(targets[0], eqx.is_inexact_array), targets[1])

    def of_image(
        labelled: tuple[Num[Array, "..."], Int[Array, ""]],
    ) -> tuple[Float[Array, "points"], Bool[Array, "points"]]:
        image, label = labelled
        if layered:
            entered = eqx.combine(start, static).enter(image)
            left = jax.lax.map(lambda end: eqx.combine(end, static).enter(image), ends)

        def at(point: tuple[Int[Array, ""], Float[Array, ""]]) -> tuple[Float[Array, ""], Bool[Array, ""]]:
            target, time = point
            between = jax.tree.map(lambda a, b: (1 - time) * a + time * b[target], start, ends)
            network = eqx.combine(between, static)
            if layered:
                logits = network.leave((1 - time) * entered + time * left[target])
            else:
                logits = network(image)
            return jax.nn.log_softmax(logits)[label], jnp.isfinite(logits).all()

        return jax.lax.map(at, points)

    found, finite = jax.lax.map(of_image, (images, labels), batch_size=BLOCK)
    return found.T, finite.all(0)


def path_log_likelihoods(
    model: PyTree,
    first: Gaussians,
    targets: Sequence[Gaussians],
    times: Float[ndarray, "times"],
    images: Num[Array, "images ..."],
    labels: Int[ndarray, "images"],
    keys: Key[Array, "draws"],
    *,
    progress: Progress = silent,
) -> Float[ndarray, "targets times draws images"]:
    """Return log p(label | image, draw) along the Wasserstein geodesics from one posterior to each of the targets.

    A draw is linear in time, since means and deviations are and the noise is the same: (1 - t) (the draw at 0) + t (the
    draw at 1). So noise is drawn once, and a `Perceptron`'s first layer, most of its work, meets the images once for
    each end. `model` gives the architecture alone; `times` begin with 0, which all paths share.

    **Source**: the log-probabilities of the posteriors of `gaussians.geodesic`, to rounding.
    **Raises**: ValueError when posteriors differ in arrays, when `times` do not begin with 0, or when a draw's logits
    overflow somewhere on a path.
    """
    if times[0] != 0:
        raise ValueError(f"paths begin at time 0, which they share, got times from {times[0]}")
    for target in targets:
        same_arrays(first, target)
    ends = [_trees(model, target) for target in targets]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves) if is_inexact(leaves[0]) else leaves[0], *ends)
    start = jax.tree.map(lambda leaf: jnp.asarray(leaf) if is_inexact(leaf) else leaf, _trees(model, first))
    every = [(0, 0), *((target, time) for target in range(len(targets)) for time in range(1, len(times)))]
    target, time = (jnp.asarray(column) for column in zip(*every, strict=True))
    classes, points = jnp.asarray(labels), (target, jnp.asarray(times, jax.tree.leaves(first.mean)[0].dtype)[time])
    found, finite = [], []
    for number, key in enumerate(keys):
        one = _path_log_likelihoods(start, stacked, points, images, classes, key)
        found.append(np.asarray(one[0]))
        finite.append(bool(one[1].all()))
        progress(number + 1, len(keys))
    _refuse_overflow(np.array(finite), found[0].dtype)
    values = np.stack(found, 1).astype(np.float64)
    beginning = np.broadcast_to(values[:1], (len(targets), 1, *values.shape[1:]))
    return np.concatenate([beginning, values[1:].reshape(len(targets), len(times) - 1, *values.shape[1:])], 1)


def of_labels(
    log_probabilities: Float[ndarray, "draws images classes"], labels: Int[ndarray, "images"]
) -> Float[ndarray, "draws images"]:
    """Return the log-probability of the right class for each draw and image, in float64."""
    return log_probabilities[:, np.arange(len(labels)), labels].astype(np.float64)


def log_mean(log_values: Float[ndarray, "draws ..."]) -> Float[ndarray, "..."]:
    """Return log of the mean over draws of exp(log_values), without overflow.

    **Raises**: ValueError when a value is NaN or +infinity; -infinity, a probability of zero, is allowed.
    """
    if np.isnan(log_values).any() or np.isposinf(log_values).any():
        raise ValueError("log-probabilities hold NaN or +infinity: logits overflowed before they were normalised")
    return logsumexp(log_values, axis=0) - np.log(len(log_values))


def marginalized_loss(log_likelihoods: Float[ndarray, "draws images"]) -> float:
    """Return -(1/N) sum_i log (1/S) sum_s p(y_i | x_i, draw s), in nats: the expectation stands inside the log.

    Biased upwards by about Var / (2 S), see `jackknife_bias`.
    """
    return -float(np.mean(log_mean(log_likelihoods)))


def jackknife_bias(log_likelihoods: Float[ndarray, "draws images"]) -> float:
    """Return the estimated bias of `marginalized_loss`: (S - 1) (mean of the losses without one draw - loss).

    **Source**: Quenouille 1956. **Raises**: ValueError with a single draw.
    """
    draws = len(log_likelihoods)
    if draws < 2:
        raise ValueError("the bias of one draw cannot be estimated; take at least 2")
    highest = log_likelihoods.max(0)
    best = log_likelihoods.argmax(0), np.arange(log_likelihoods.shape[1])
    likelihoods = np.exp(log_likelihoods - highest)
    # What is left without an image's best draw may be tiny, so it is summed, not got by subtraction.
    others, subtracted = log_likelihoods.copy(), likelihoods.copy()
    others[best], subtracted[best] = -np.inf, 0
    rest = np.log(likelihoods.sum(0) - subtracted) + highest
    rest[best] = logsumexp(others, axis=0)
    without_one = np.log(draws - 1) - rest.mean(1)
    return float((draws - 1) * (without_one.mean() - marginalized_loss(log_likelihoods)))


def mixture_losses(
    first: Float[ndarray, "draws images"], second: Float[ndarray, "draws images"], times: Float[ndarray, "times"]
) -> Float[ndarray, "times"]:
    """Return the marginalized losses of the mixtures (1 - t) first + t second."""
    ends = log_mean(first), log_mean(second)
    with np.errstate(divide="ignore"):  # the log of a weight of zero is -infinity, as it should be
        weights = np.log(1 - times), np.log(times)
    return np.array([-np.mean(np.logaddexp(ends[0] + a, ends[1] + b)) for a, b in zip(*weights, strict=True)])


def barrier(losses: Float[ndarray, "times"], times: Float[ndarray, "times"]) -> float:
    """Return max over t of L(t) - (1 - t) L(0) - t L(1), in nats; never negative, as both ends are among the times.

    **Raises**: ValueError when `times` does not begin with 0 and end with 1.
    """
    return float(np.max(excess(losses, times)))


def excess(losses: Float[ndarray, "times"], times: Float[ndarray, "times"]) -> Float[ndarray, "times"]:
    """Return how far the losses lie above the line between the ends.

    **Raises**: ValueError when `times` does not begin with 0 and end with 1.
    """
    if times[0] != 0 or times[-1] != 1:
        raise ValueError(f"a path goes from 0 to 1, got times from {times[0]} to {times[-1]}")
    return losses - ((1 - times) * losses[0] + times * losses[-1])


def accuracy(log_probabilities: Float[ndarray, "draws images classes"], labels: Int[ndarray, "images"]) -> float:
    """Return the share of images whose most probable class, by the mean over draws, is right."""
    return float(np.mean(log_mean(log_probabilities).argmax(-1) == labels))


def calibration_error(
    log_probabilities: Float[ndarray, "draws images classes"], labels: Int[ndarray, "images"], *, bins: int = 15
) -> float:
    """Return the expected calibration error of the mean predictive: sum over bins of share |accuracy - confidence|.

    **Source**: Guo et al. 2017, (3), with their 15 bins of equal width in confidence.
    """
    predictive = np.exp(log_mean(log_probabilities))
    confidence, right = predictive.max(-1), predictive.argmax(-1) == labels
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(index, weights=right, minlength=bins) - np.bincount(index, weights=confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))
