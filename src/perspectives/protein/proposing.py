"""Fit prior and predictor to measured sequences of one's own, and propose designs."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key
from numpy import ndarray

from perspectives.numerics.progress import Progress, silent
from perspectives.protein.autoencoders import commonest
from perspectives.protein.fitting import fitted_autoencoder, fitted_prior
from perspectives.protein.guidance import FitnessMisfit, split_samples
from perspectives.protein.landscapes import Scale
from perspectives.protein.predictors import fitted_predictor
from perspectives.protein.ridge import fit_ridge
from perspectives.protein.samplers import Sampler
from perspectives.protein.sequences import decoded, encoded
from perspectives.protein.settings import SamplingSettings, TaskSettings

LARGEST_FITNESS = 1e15
"""Either way: networks are fitted in float32, where sums of squares of larger numbers may overflow."""
LARGEST_TARGET = 3 * LARGEST_FITNESS
"""What `fit_models` chooses by itself is never above it."""


class Proposal(NamedTuple):
    """A sequence, the fitness that the predictor gives it, and how many residues differ from the commonest ones."""

    sequence: str
    predicted: float
    mutations: int


def fit_models(
    sequences: Sequence[str],
    fitness: Sequence[float] | Float[ndarray, "n"],
    settings: TaskSettings,
    *,
    target: float | None = None,
    progress: Progress = silent,
    key: Key[Array, ""],
) -> Sampler:
    """Return autoencoder, flow prior and predictor, fitted to measured sequences of one length.

    Guidance pulls towards the fitness `target`, in the units of `fitness`. Without one it lies as far above the best
    as the worst lies below it: the paper's target, the best of a ground truth, is out of its base set's reach as well.

    **Raises**: ValueError naming the row, counted from 1, of another length or letter, of no finite fitness or too
    large a one, or of a sequence that came before; when there are more or fewer numbers than sequences; when all rows
    are equally fit; or when the target is no number above the least fitness, or too large.
    """
    tokens, values = encoded(sequences), _finite(fitness, len(sequences))
    _once_each(sequences)
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
        predictor: Any = fit_ridge(tokens, values, commonest(tokens), settings.predictor, wild_type_fitness=None)
    else:
        predictor = fitted_predictor(tokens, values, settings.predictor, progress=progress, key=predictor_key)
    return Sampler(velocity, FitnessMisfit(autoencoder, predictor, Scale(low, target)))


def propose(
    models: Sampler, sequences: Sequence[str], sampling: SamplingSettings, *, key: Key[Array, ""]
) -> list[Proposal]:
    """Return the best of `sampling.samples` guided samples by the predictor, best first, none of them in `sequences`.

    At most `sampling.keep`; fewer when the samples are not different enough. **Source**: as `split_samples`.
    """
    start = jax.random.normal(key, (sampling.samples, models.misfit.autoencoder.latent), jnp.float32)
    strong = sampling.unsmoothed
    codes = split_samples(
        models.velocity, models.misfit, start, steps=sampling.steps, strength=strong.strength, inner=strong.inner,
        time_index=sampling.time_index,
    )  # fmt: skip
    designs, known = models.designs(codes, keep=sampling.samples), set(sequences)
    mutations = (designs.tokens != commonest(encoded(sequences))).sum(1)
    rows = zip(decoded(designs.tokens), designs.predicted.tolist(), mutations.tolist(), strict=True)
    return [Proposal(*row) for row in rows if row[0] not in known][: sampling.keep]


def _finite(fitness: Sequence[float] | Float[ndarray, "n"], rows: int) -> Float[ndarray, "n"]:
    values = np.asarray(fitness, np.float64)
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
