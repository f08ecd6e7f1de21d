"""Run Langevin chains of a small network's posterior at two step sizes, and fit mean-field posteriors to it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float64, Int64, Key, PyTree
from numpy import ndarray

from perspectives.alignment.langevin import (
    NetworkPotential,
    fit_mean_field,
    langevin_chains,
    prior_draws,
    probabilities,
)
from perspectives.alignment.marginal import log_probabilities
from perspectives.alignment.priors import prior
from perspectives.alignment.settings import LangevinSettings
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.numerics.trees import named_arrays
from perspectives.workbench.errors import UserError
from perspectives.workbench.images import read_digits
from perspectives.workbench.step import Input, Output


def run_langevin(*, settings: LangevinSettings, seed: int, digits: Input, runs: Output, progress: Progress) -> None:
    """Write weights and class probabilities of all draws, burn-in among them, and the mean-field posteriors'."""
    features, labels = _features(*read_digits(digits), settings, seed)
    n = settings.train_images
    inputs, train_labels, test = jnp.asarray(features[:n]), jnp.asarray(labels[:n]), jnp.asarray(features[n:])

    def make(key: Key[Array, ""]) -> eqx.nn.MLP:
        sizes = (settings.components, len(settings.digits), settings.hidden)
        # Smooth, since the order of the scheme supposes it of the potential.
        return eqx.nn.MLP(*sizes, depth=1, activation=jnp.tanh, dtype=jnp.float64, key=key)

    model = make(jax.random.key(0))  # only its structure is used
    _, static = eqx.partition(model, eqx.is_inexact_array)
    belief = prior(model, "fan_in", settings.prior_variance)
    posterior = NetworkPotential(static, inputs, train_labels, belief)
    start_key, *path_keys = jax.random.split(stream(seed, "alignment.langevin.chains"), 3)
    start = prior_draws(model, belief, count=settings.chains, key=start_key)
    found, total = {}, 3 * settings.draws

    def chains(halvings: int) -> PyTree:
        def report(done: int, _: int, /, **numbers: float) -> None:
            progress(done * 2**halvings + halvings * settings.draws, total)

        return langevin_chains(
            posterior,
            start,
            step=settings.step / 2**halvings,
            steps_between=settings.steps_between * 2**halvings,
            draws=settings.draws,
            progress=report,
            key=path_keys[halvings],
        )

    for halvings, name in enumerate(("step", "half")):
        draws = chains(halvings)
        found[f"probabilities_{name}"] = np.asarray(probabilities(static, draws, test), np.float32)
        found |= {f"weights_{name}{array}": values for array, values in named_arrays(draws).items()}

    fit_key, draw_key = jax.random.split(stream(seed, "alignment.langevin.mean_field"))
    members, elbo = fit_mean_field(
        make,
        inputs,
        train_labels,
        belief,
        members=settings.mean_field_posteriors,
        steps=settings.mean_field_steps,
        key=fit_key,
    )
    keys = jax.random.split(draw_key, (len(members), settings.mean_field_draws))
    predicted = [log_probabilities(model, one.gaussians(), test, k) for one, k in zip(members, keys, strict=True)]
    found["probabilities_mean_field"] = np.exp(predicted).astype(np.float32)
    np.savez(runs, labels=labels[n:], elbo=elbo, **found)


def _features(
    images: ndarray, labels: ndarray, settings: LangevinSettings, seed: int
) -> tuple[Float64[ndarray, "rows components"], Int64[ndarray, "rows"]]:
    """Return training rows, then test rows: principal components of the training images, of unit variance, and classes.

    The test images have no part in the components. **Raises**: UserError when there are too few images.
    """
    images, labels = images.reshape(len(images), -1).astype(np.float64), labels.astype(np.int64)
    chosen = np.flatnonzero(np.isin(labels, settings.digits))
    n, wanted = settings.train_images, settings.train_images + settings.test_images
    if wanted > len(chosen):
        raise UserError(
            f"alignment.langevin.train_images + test_images = {wanted} of the digits {settings.digits}, of which there "
            f"are {len(chosen)}; lower one in config.yaml."
        )
    order = np.asarray(jax.random.permutation(stream(seed, "alignment.langevin.images"), len(chosen)))
    chosen = chosen[order[:wanted]]
    centred = images[chosen] - images[chosen[:n]].mean(axis=0)
    axes = np.linalg.svd(centred[:n], full_matrices=False)[2][: settings.components]
    features = centred @ axes.T
    classes = {digit: number for number, digit in enumerate(settings.digits)}
    return features / features[:n].std(axis=0), np.array([classes[digit] for digit in labels[chosen]])
