"""Infer the permutation symmetries of an arm's network."""

import jax
import jax.numpy as jnp

from perspectives.alignment.arms import SHAPES
from perspectives.alignment.members import network
from perspectives.alignment.settings import NetworkSettings
from perspectives.alignment.symmetries import infer_symmetries as inferred
from perspectives.workbench.step import Output


def infer_symmetries(*, settings: NetworkSettings, symmetries: Output) -> None:
    """Trace the network, verify what was found on permuted random weights, and write it as JSON."""
    model = network(settings, key=jax.random.key(0))  # only its structure matters
    example = jnp.zeros(SHAPES[settings.dataset], jnp.float32)
    symmetries.write_text(inferred(model, example).to_json() + "\n")
