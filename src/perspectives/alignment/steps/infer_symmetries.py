"""Infer the permutation symmetries of an arm's network."""

import jax
import numpy as np

from perspectives.alignment.architectures import network
from perspectives.alignment.arms import SHAPES
from perspectives.alignment.networks import of_zeros
from perspectives.alignment.settings import NetworkSettings
from perspectives.alignment.symmetries import infer_symmetries as inferred
from perspectives.workbench.step import Output


def infer_symmetries(*, settings: NetworkSettings, symmetries: Output) -> None:
    """Trace the network, verify what was found on permuted random weights, and write it as JSON."""
    model = of_zeros(lambda: network(settings, key=jax.random.key(0)))
    example = np.zeros(SHAPES[settings.dataset], np.float32)
    symmetries.write_text(inferred(model, example).to_json() + "\n")
