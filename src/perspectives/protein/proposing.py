"""Fit prior and predictor to measured sequences of one's own, and propose designs."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Shaped
from numpy import ndarray

from perspectives.numerics.progress import Progress, silent
from perspectives.protein.autoencoders import commonest
from perspectives.protein.fitting import fitted_autoencoder, fitted_prior
from perspectives.protein.guidance import FitnessMisfit, split_samples
from perspectives.protein.landscapes import Scale
from perspectives.protein.predictors import KERNEL, fitted_predictor
from perspectives.protein.ridge import fit_ridge
from perspectives.protein.samplers import Sampler
from perspectives.protein.sequences import Tokens, decoded, encoded
from perspectives.protein.settings import ProposalSampling, ProposalSettings
from perspectives.protein.velocities import velocity_for

LARGEST_FITNESS = 1e15
"""Either way: networks are fitted in float32, where sums of squares of larger numbers may overflow."""
LARGEST_TARGET = 3 * LARGEST_FITNESS
"""What `fit_models` chooses by itself is never above it."""

Strings = Sequence[str] | Shaped[ndarray, "..."]
Numbers = Sequence[float] | Shaped[ndarray, "..."]


class Proposal(NamedTuple):
    """A sequence, the fitness that the predictor gives it, and how many residues differ from the commonest ones."""

    sequence: str
    predicted: float
    mutations: int


def fit_models(
    sequences: Strings,
    fitness: Numbers,
    settings: ProposalSettings,
    *,
    target: float | None = None,
    progress: Progress = silent,
    key: Key[Array, ""],
) -> Sampler:
    """Return autoencoder, flow prior and predictor, fitted to measured sequences of one length.

    Guidance pulls towards the fitness `target`, in the units of `fitness`. Without one it lies as far above the best
    as the worst lies below it: the paper's target, the best of a ground truth, is out of its base set's reach as well.

    **Raises**: ValueError, before anything is trained, naming the row, counted from 1, of another length or letter, of
    no finite fitness or too large a one, or of a sequence that came before; when sequences are no list of strings or
    fitness no list of as many numbers; when all rows are equally fit; when the target is no number above the least
    fitness, or too large; or when the networks of `settings` cannot take sequences so short or codes so long.
    """
    sequences = _strings(sequences)
    tokens, values = encoded(sequences), _finite(fitness, len(sequences))
    _once_each(sequences)
    _refuse_unfit(settings, tokens)
    low, high = float(values.min()), float(values.max())
    if low == high:
        raise ValueError(f"All {len(values)} rows have fitness {low:g}: there is nothing to learn from.")
    target = 2 * high - low if target is None else target
    if not low < target <= LARGEST_TARGET:
        raise ValueError(
            f"The target {target:g} must be above the least fitness, {low:g}, and at most {LARGEST_TARGET:g}."
        )
    autoencoder_key, prior_key, predictor_key = jax.random.split(key, 3)
    autoencoder = fitted_autoencoder(settings.autoencoder, tokens, progress=progress, key=autoencoder_key).model
    velocity = fitted_prior(settings.prior, autoencoder, tokens, progress=progress, key=prior_key).model
    if settings.predictor.kind == "ridge":
        predictor: Any = fit_ridge(tokens, values, commonest(tokens), settings.predictor, anchor=0.0)
    else:
        predictor = fitted_predictor(tokens, values, settings.predictor, progress=progress, key=predictor_key)
    return Sampler(velocity, FitnessMisfit(autoencoder, predictor, Scale(low, target)))


def propose(models: Sampler, sequences: Strings, sampling: ProposalSampling, *, key: Key[Array, ""]) -> list[Proposal]:
    """Return the best of `sampling.samples` guided samples by the predictor, best first, none of them in `sequences`.

    At most `sampling.keep`; fewer when the samples are not different enough. Mutations are counted from the commonest
    residues of `sequences`.

    **Source**: as `split_samples`.

    **Raises**: ValueError when `sequences` are no list of strings, or naming the row, counted from 1, of another letter
    or of another length than the models were fitted to.
    """
    sequences = _strings(sequences)
    measured, length = encoded(sequences), models.misfit.autoencoder.length
    if measured.shape[1] != length:
        raise ValueError(f"Row 1: the sequence has {measured.shape[1]} residues, but the models know only {length}.")
    start = jax.random.normal(key, (sampling.samples, models.misfit.autoencoder.latent), jnp.float32)
    codes = split_samples(
        models.velocity, models.misfit, start, steps=sampling.steps, strength=sampling.strength,
        inner=sampling.inner, time_index=sampling.time_index,
    )  # fmt: skip
    designs, known = models.designs(codes, keep=sampling.samples), set(sequences)
    mutations = (designs.tokens != commonest(measured)).sum(1)
    rows = zip(decoded(designs.tokens), designs.predicted.tolist(), mutations.tolist(), strict=True)
    return [Proposal(*row) for row in rows if row[0] not in known][: sampling.keep]


def _strings(sequences: Strings) -> list[str]:
    if isinstance(sequences, str | bytes):
        raise ValueError("The sequences are one string; give a list of strings, even of one.")
    found: list[Any] = list(np.atleast_1d(sequences) if isinstance(sequences, ndarray) else sequences)
    for row, sequence in enumerate(found, 1):
        if not isinstance(sequence, str):
            raise ValueError(f"Row {row}: the sequence is of type {type(sequence).__name__}, but must be a string.")
    return [str(sequence) for sequence in found]


def _refuse_unfit(settings: ProposalSettings, tokens: Tokens) -> None:
    """Say at once what the networks would say when their turn to train comes."""
    length = tokens.shape[1]
    least = 1 if settings.predictor.kind == "ridge" else KERNEL
    if length < least:
        raise ValueError(
            f"Row 1: the sequence has {length} residues, but a predictor of kind '{settings.predictor.kind}' needs "
            f"{least} or more."
        )
    latent = settings.autoencoder.latent
    eqx.filter_eval_shape(lambda key: velocity_for(settings.prior, latent=latent, key=key), jax.random.key(0))


def _finite(fitness: Numbers, rows: int) -> Float[ndarray, "n"]:
    try:
        values = np.asarray(fitness, np.float64)
    except (TypeError, ValueError):
        raise ValueError("The fitness must be a list of numbers, one a sequence.") from None
    if values.ndim != 1:
        raise ValueError(f"The fitness has {values.ndim} dimensions, but must be a list of numbers, one a sequence.")
    if len(values) != rows:
        raise ValueError(f"{rows} sequences, but {len(values)} numbers of fitness.")
    wrong = np.flatnonzero(~(np.abs(values) <= LARGEST_FITNESS))
    if len(wrong):
        raise ValueError(
            f"Row {wrong[0] + 1}: the fitness is {values[wrong[0]]}, but must be a number of at most "
            f"{LARGEST_FITNESS:g} either way."
        )
    return values


def _once_each(sequences: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for row, sequence in enumerate(sequences, 1):
        if sequence in first:
            raise ValueError(
                f"Row {row}: the sequence stands in row {first[sequence]} already. Average repeated measurements first."
            )
        first[sequence] = row
