"""Trained models as groups of named arrays and back: ours and the authors', which are kept alike.

A model has one group, `model`; oracles have a group an oracle. Models are batched: an
autoencoder has `encode(x)`, a pair of mean and log-variance, and `decode(z)`, logits; a velocity is a function of codes
and time, a predictor or oracle one of one-hot sequences.
"""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Key, Shaped
from numpy import ndarray

from perspectives.numerics.trees import named_arrays, with_arrays
from perspectives.protein.autoencoders import Autoencoder, autoencoder_for
from perspectives.protein.guidance import FitnessMisfit
from perspectives.protein.landscapes import scale_of
from perspectives.protein.oracles import restored as oracles_of_gb1
from perspectives.protein.predictors import ConvolutionPredictor
from perspectives.protein.ridge import Ridge, unfitted_ridge
from perspectives.protein.samplers import Sampler
from perspectives.protein.settings import (
    AutoencoderSettings,
    PredictorSettings,
    PriorSettings,
    SourceName,
    TaskName,
    TaskSettings,
)
from perspectives.protein.velocities import VelocityNetwork, velocity_for

ORACLE = "released"
"""The name of the released oracle in a file of oracles."""

Groups = Mapping[str, Mapping[str, Shaped[ndarray, "..."]]]


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


def saved(model: eqx.Module) -> Groups:
    """Return the arrays of a model as the functions below take them."""
    return {"model": named_arrays(model)}


def restored_autoencoder(settings: AutoencoderSettings, length: int, groups: Groups) -> Autoencoder:
    """Return a saved autoencoder of sequences of `length` residues, with as many latent dimensions as it was saved.

    **Raises**: ValueError when the arrays are another model's.
    """
    arrays = _arrays(groups)
    if ".mean.bias" not in arrays:
        raise ValueError(f"arrays of another model, no autoencoder's: {', '.join(sorted(arrays))}")
    latent = len(arrays[".mean.bias"])
    return _restored(lambda key: autoencoder_for(settings, length, latent=latent, key=key), arrays)


def restored_prior(settings: PriorSettings, latent: int, groups: Groups) -> VelocityNetwork:
    """Return a saved velocity of codes of `latent` dimensions.

    **Raises**: ValueError when the arrays are another model's.
    """
    return _restored(lambda key: velocity_for(settings, latent=latent, key=key), _arrays(groups))


def restored_predictor(settings: PredictorSettings, length: int, groups: Groups) -> ConvolutionPredictor | Ridge:
    """Return a saved predictor of sequences of `length` residues.

    **Raises**: ValueError when the arrays are another model's.
    """
    ridge = settings.kind == "ridge"
    return _restored(lambda key: unfitted_ridge(length) if ridge else ConvolutionPredictor(key=key), _arrays(groups))


def restored_oracles(groups: Groups) -> dict[str, Any]:
    """Return saved oracles by name: `epistasis` and `perceptron` of GB1, or the one that is `released`.

    **Raises**: ValueError when the arrays are other models'.
    """
    if set(groups) == {ORACLE}:
        return {ORACLE: _restored(lambda key: ConvolutionPredictor(key=key), groups[ORACLE])}
    return oracles_of_gb1(groups)


def restored_sampler(
    settings: TaskSettings,
    *,
    task: TaskName,
    source: SourceName,
    length: int,
    autoencoder: Groups,
    prior: Groups,
    predictor: Groups,
) -> Sampler:
    """Return the models by which designs of a task are sampled.

    **Raises**: ValueError when arrays are another model's.
    """
    networks = architecture(settings, source)
    decoder = restored_autoencoder(networks.autoencoder, length, autoencoder)
    velocity = restored_prior(networks.prior, decoder.latent, prior)
    return Sampler(
        velocity, FitnessMisfit(decoder, restored_predictor(networks.predictor, length, predictor), scale_of(task))
    )


def _arrays(groups: Groups) -> Mapping[str, Shaped[ndarray, "..."]]:
    if set(groups) != {"model"}:
        raise ValueError(f"the groups are {', '.join(groups)}, but a model has one, 'model'")
    return groups["model"]


def _restored(make: Callable[[Key[Array, ""]], Any], arrays: Mapping[str, Shaped[ndarray, "..."]]) -> Any:
    """Return the model that `make` would, with these arrays."""
    return with_arrays(eqx.filter_eval_shape(make, jax.random.key(0)), arrays)
