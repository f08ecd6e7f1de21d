"""Marginalized losses of a posterior by draws that are common to all posteriors compared, and barriers along paths.

A draw is one standard Gaussian number z for each number of the network; a posterior's own draw is mean + deviation z.
All points of a path use the same draws, so their losses differ by the posteriors and hardly by chance.
"""

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key, PyTree
from numpy import ndarray
from scipy.special import logsumexp

from perspectives.alignment.gaussians import Gaussians
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
    mean = with_arrays(model, posterior.mean)
    deviation = with_arrays(eqx.filter(model, is_inexact), posterior.deviation)
    found = np.asarray(_log_probabilities(mean, deviation, images, keys))
    bad = int((~np.isfinite(found).all((1, 2))).sum())
    if bad:
        raise ValueError(
            f"the logits of {bad} of {len(found)} draws overflow {found.dtype}: its deviations are too large "
            "for this network, or it diverged in training"
        )
    return found


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
