"""Train the tiny decoder to copy."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd

from perspectives.elements.copying import CopyBatches, mean_copy_loss
from perspectives.elements.decoder import Decoder
from perspectives.elements.settings import DecoderSettings
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.numerics.training import fit
from perspectives.workbench.step import Output

LEARNING_RATE = 1e-3
ROUND = 25
"""Steps that one point of the training curve averages over, where they divide the training."""


def untrained_decoder(settings: DecoderSettings, seed: int) -> Decoder:
    """Return the decoder with drawn weights, in float32: nothing here needs more, and it halves the time."""
    key = stream(seed, "elements.decoder.weights")
    return eqx.filter_jit(Decoder)(settings.vocabulary, settings.width, jnp.float32, key=key)


def train_decoder(*, settings: DecoderSettings, seed: int, decoder: Output, losses: Output, progress: Progress) -> None:
    """Write the trained weights and the mean loss of the copied half, in nats, over each round of steps."""
    batches = CopyBatches(settings.vocabulary, settings.length, settings.batch, math.gcd(settings.steps, ROUND))
    fitted = fit(
        untrained_decoder(settings, seed),
        mean_copy_loss,
        batches,
        optax.adam(LEARNING_RATE),
        steps=settings.steps,
        progress=progress,
        key=stream(seed, "elements.decoder.training"),
    )
    with decoder.open("wb") as file:
        eqx.tree_serialise_leaves(file, fitted.model)
    steps = batches.steps * np.arange(1, len(fitted.record.loss) + 1)
    pd.DataFrame({"step": steps, "loss": fitted.record.loss}).to_csv(losses, index=False)
