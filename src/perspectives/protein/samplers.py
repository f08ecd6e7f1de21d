"""Designs from codes: what steps that sample have in common."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from perspectives.numerics.streams import stream
from perspectives.protein.autoencoders import decoded_tokens
from perspectives.protein.budget import Predicted, predictions
from perspectives.protein.guidance import FitnessMisfit
from perspectives.protein.selection import Designs, different, select
from perspectives.protein.settings import GuidanceStrength, PredictorName, TaskName, TaskSettings


class Sampler(NamedTuple):
    """The models by which designs of a task are sampled."""

    velocity: Any
    misfit: FitnessMisfit

    def designs(self, codes: Float[Array, "n latent"], *, keep: int) -> Designs:
        """Return the likeliest sequences of codes, once each, those selected by the predictor marked."""
        tokens = decoded_tokens(self.misfit.autoencoder, np.asarray(codes))
        different_ones = tokens[different(tokens)]
        values = predictions(self.misfit.predictor, different_ones)
        return select(Predicted(different_ones, values), keep=keep, drawn=len(tokens))

    def start(self, seed: int, task: TaskName, member: int, samples: int) -> Float[Array, "n latent"]:
        """Return draws from N(0, I): the same ones for all methods of a member, whichever models and predictor."""
        key = stream(seed, f"protein/samples/{task}/member {member}")
        return jax.random.normal(key, (samples, self.misfit.autoencoder.latent), jnp.float32)


def guidance_of(settings: TaskSettings, predictor: PredictorName) -> GuidanceStrength:
    """Return how strongly a predictor guides."""
    return settings.sampling.smoothed if predictor == "smoothed" else settings.sampling.unsmoothed
