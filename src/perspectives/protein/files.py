"""The files that steps hand to each other: base sets, and trained models, ours and the authors', which are read alike.

A file of a model has one group of arrays, `model`; a file of oracles a group an oracle. Models are batched: an
autoencoder has `encode(x)`, a pair of mean and log-variance, and `decode(z)`, logits; a velocity is a function of codes
and time, a predictor or oracle one of one-hot sequences.
"""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float64, Key
from numpy import ndarray

from perspectives.numerics.trees import named_arrays, with_arrays
from perspectives.protein.autoencoders import Autoencoder, autoencoder_for
from perspectives.protein.guidance import FitnessMisfit
from perspectives.protein.landscapes import scale_of
from perspectives.protein.oracles import restored as restored_oracles
from perspectives.protein.predictors import ConvolutionPredictor
from perspectives.protein.ridge import Ridge, unfitted_ridge
from perspectives.protein.samplers import Sampler
from perspectives.protein.sequences import Tokens, encoded
from perspectives.protein.settings import (
    AutoencoderSettings,
    PredictorSettings,
    PriorSettings,
    SourceName,
    TaskName,
    TaskSettings,
)
from perspectives.protein.velocities import Velocity, velocity_for
from perspectives.workbench.arrays import Group, read_groups, write_groups
from perspectives.workbench.errors import UserError

ORACLE = "released"
"""The name of the released oracle in a file of oracles."""

Model = TypeVar("Model", bound=eqx.Module)


class Base(NamedTuple):
    """A base set: sequences and their measured fitness, as measured."""

    tokens: Tokens
    scores: Float64[ndarray, "n"]


def read_base(path: Path) -> Base:
    """Return the rows of a table with the columns `sequence` and `score`.

    **Raises**: UserError when there are no such columns, or a sequence or number is none.
    """
    with path.open(newline="") as file:
        lines = csv.reader(file)
        header = next(lines, [])
        missing = {"sequence", "score"} - set(header)
        if missing:
            raise UserError(f"{path} has no column '{min(missing)}', only {', '.join(header)}.")
        sequence, score = header.index("sequence"), header.index("score")
        rows = [line for line in lines if line]
    try:
        scores = np.array([float(row[score]) for row in rows])
        return Base(encoded([row[sequence] for row in rows]), scores)
    except (ValueError, IndexError, UserError) as error:
        raise UserError(f"{path}: {error}") from None


def architecture(settings: TaskSettings, source: SourceName) -> TaskSettings:
    """Return the settings with the networks that models of `source` have, whatever is trained here."""
    if source == "own":
        return settings
    return settings.model_copy(
        update={
            "autoencoder": settings.autoencoder.model_copy(update={"network": "convolutions"}),
            "prior": settings.prior.model_copy(update={"network": "unet"}),
            "predictor": settings.predictor.model_copy(update={"kind": "convolutions"}),
        }
    )


def write_model(path: Path, model: eqx.Module) -> None:
    """Save the arrays of a model, as the functions below read them."""
    write_groups(path, {"model": named_arrays(model)})


def load_autoencoder(settings: AutoencoderSettings, length: int, path: Path) -> Autoencoder:
    """Return a saved autoencoder of sequences of `length` residues, with as many latent dimensions as it was saved.

    **Raises**: UserError when the file holds another model.
    """
    arrays = _arrays(path)
    latent = _length_of(arrays, ".mean.bias", path)
    return _restored(lambda key: autoencoder_for(settings, length, latent=latent, key=key), arrays, path)


def load_prior(settings: PriorSettings, latent: int, path: Path) -> Velocity:
    """Return a saved velocity of codes of `latent` dimensions.

    **Raises**: UserError when the file holds another model.
    """
    return _restored(lambda key: velocity_for(settings, latent=latent, key=key), _arrays(path), path)


def load_predictor(settings: PredictorSettings, length: int, path: Path) -> ConvolutionPredictor | Ridge:
    """Return a saved predictor of sequences of `length` residues.

    **Raises**: UserError when the file holds another model.
    """
    ridge = settings.kind == "ridge"
    return _restored(
        lambda key: unfitted_ridge(length) if ridge else ConvolutionPredictor(key=key), _arrays(path), path
    )


def load_oracles(path: Path) -> dict[str, Any]:
    """Return saved oracles by name: `epistasis` and `perceptron` of GB1, or the one that is `released`.

    **Raises**: UserError when the file holds neither.
    """
    groups = read_groups(path)
    if set(groups) == {ORACLE}:
        return {ORACLE: _restored(lambda key: ConvolutionPredictor(key=key), groups[ORACLE], path)}
    try:
        return restored_oracles(groups)
    except ValueError as error:
        raise UserError(f"{path} holds no oracles ({error}). Delete it; the workflow makes it again.") from None


def load_sampler(
    settings: TaskSettings,
    *,
    task: TaskName,
    source: SourceName,
    length: int,
    autoencoder: Path,
    prior: Path,
    predictor_weights: Path,
) -> Sampler:
    """Return the models from their files. **Raises**: UserError when a file holds another model."""
    networks = architecture(settings, source)
    decoder = load_autoencoder(networks.autoencoder, length, autoencoder)
    velocity = load_prior(networks.prior, decoder.latent, prior)
    predictor = load_predictor(networks.predictor, length, predictor_weights)
    return Sampler(velocity, FitnessMisfit(decoder, predictor, scale_of(task)))


def _arrays(path: Path) -> Group:
    groups = read_groups(path)
    if set(groups) != {"model"}:
        raise UserError(f"{path} holds the groups {', '.join(groups)}, but a model's file has one, 'model'.")
    return groups["model"]


def _length_of(arrays: Group, name: str, path: Path) -> int:
    if name not in arrays:
        raise UserError(f"{path} has no array {name}: it holds another model, of {', '.join(sorted(arrays))}.")
    return len(arrays[name])


def _restored(make: Callable[[Key[Array, ""]], Any], arrays: Group, path: Path) -> Any:
    """Return the model that `make` would, with these arrays."""
    try:
        return with_arrays(eqx.filter_eval_shape(make, jax.random.key(0)), arrays)
    except ValueError as error:
        raise UserError(f"{path} does not fit the network of the settings: {error}.") from None
