"""Conditioning by adaptive sampling: an autoencoder refitted to its own best samples."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Key, UInt8

from perspectives.numerics.batches import Weighted
from perspectives.numerics.progress import Progress, silent
from perspectives.numerics.training import fit
from perspectives.protein.autoencoders import Autoencoder, AutoencoderLoss
from perspectives.protein.budget import Budget, Predicted
from perspectives.protein.search_space import SearchSpace, numpy_generator
from perspectives.protein.settings import AutoencoderSettings

QUANTILE = 0.9
"""Share of a round's samples that the next threshold leaves behind; our choice."""


@eqx.filter_jit
def sampled(
    model: Autoencoder, number: int, key: Key[Array, ""]
) -> tuple[Float[Array, "n latent"], UInt8[Array, "n length"]]:
    """Return codes drawn from N(0, I), and sequences that the decoder draws for them."""
    code_key, token_key = jax.random.split(key)
    z = jax.random.normal(code_key, (number, model.latent), jnp.float32)
    return z, jax.random.categorical(token_key, model.decode(z)).astype(jnp.uint8)


@eqx.filter_jit
def log_ratio(
    original: Autoencoder, model: Autoencoder, z: Float[Array, "n latent"], tokens: UInt8[Array, "n length"]
) -> Float[Array, "n"]:
    """Return log p(x | z) of the `original` less that of `model`."""
    first, now = (jax.nn.log_softmax(one.decode(z)) for one in (original, model))
    return jnp.take_along_axis(first - now, tokens[..., None].astype(jnp.int32), axis=2).sum((1, 2))


def conditioned_by_adaptive_sampling(
    budget: Budget,
    autoencoder: Autoencoder,
    settings: AutoencoderSettings,
    space: SearchSpace,
    *,
    refits: int,
    progress: Progress = silent,
    key: Key[Array, ""],
) -> Predicted:
    """Return all samples that the predictor was asked for while an autoencoder was refitted to them.

    Each time as many are drawn as make all calls in the end. Their weight is p(x | z) / q(x | z), of the first
    autoencoder and of the present one, where the predictor is no less than a threshold, else nothing. The threshold is
    a quantile of the samples, and never falls.

    **Source**: CbAS, Brookes, Park and Listgarten 2019 (arXiv:1901.10060), equation not checked.

    **Departs**: weights are probabilities of being drawn for a batch, which has the same mean; the predictor gives no
    variance, so that the probability of being above the threshold is nothing or one. Each refit takes the share of the
    autoencoder's steps that makes all of them in the end. Samples outside of the space lose mutations, drawn at random,
    and are weighed as they are then, though the autoencoders drew other tokens there.

    **Raises**: ValueError when there are more refits than calls, or none.
    """
    if not 0 < refits <= budget.calls:
        raise ValueError(f"refits = {refits} must be from 1 to the number of calls, {budget.calls}")
    number, generator = budget.calls // refits, numpy_generator(jax.random.fold_in(key, refits))
    model, threshold = autoencoder, -np.inf
    for refit in range(refits):
        draw_key, fit_key = jax.random.split(jax.random.fold_in(key, refit))
        z, drawn = sampled(model, number, draw_key)
        tokens = space.trimmed(np.asarray(drawn), generator)
        values = budget(tokens)
        threshold = max(threshold, float(np.quantile(values, QUANTILE)))
        log_weights = np.asarray(log_ratio(autoencoder, model, z, jnp.asarray(tokens)), np.float64)
        log_weights = np.where(values >= threshold, log_weights, -np.inf)
        if np.isfinite(log_weights).any():
            weights = np.exp(log_weights - log_weights.max())
            batches = Weighted(
                jnp.asarray(tokens),
                jnp.asarray(weights / weights.sum(), jnp.float32),
                settings.batch,
                max(1, settings.steps // refits),
            )
            model = fit(
                model,
                AutoencoderLoss(settings.divergence_weight),
                batches,
                optax.adamw(settings.learning_rate, weight_decay=settings.weight_decay),
                steps=batches.steps,
                key=fit_key,
            ).model
        progress(refit + 1, refits, threshold=threshold)
    return budget.visited()
