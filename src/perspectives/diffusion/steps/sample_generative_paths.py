"""Generate paths by each of the three trained equations on the line."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from perspectives.diffusion.generative_paths import VARIANTS, generated, trained
from perspectives.diffusion.mixtures import two_modes
from perspectives.diffusion.networks import DriftScore
from perspectives.diffusion.plug_in import PlugIn, sample_paths
from perspectives.diffusion.sde import END, VariancePreserving
from perspectives.diffusion.settings import GenerativePathsSettings
from perspectives.numerics.streams import stream
from perspectives.workbench.arrays import read_groups, write_groups
from perspectives.workbench.step import Input, Output

FINER = 8
"""Steps of a path for one of training, since Euler and Maruyama's method is of order 1 / 2 along a path."""
SAVES = 64
SHOWN = 12
HALF_WIDTH = 3.5
CELLS = 140


def sample_generative_paths(
    *, settings: GenerativePathsSettings, seed: int, weights: list[Input], paths: Output
) -> None:
    """Write by variant the density of positions by time, a dozen paths, and the densities of prior and target.

    Starts are the same for all variants, and noise for those that have any.
    """
    saved = {variant: arrays for path in weights for variant, arrays in read_groups(path).items()}
    start_key, noise_key = jax.random.split(stream(seed, "diffusion/generative_paths/samples"))
    start = jax.random.normal(start_key, (settings.paths, 1), jnp.float32)
    steps = -(-FINER * settings.solver_steps // SAVES) * SAVES
    times = jnp.linspace(0.0, END, SAVES + 1, dtype=jnp.float32)

    @eqx.filter_jit
    def run(model: Any, noise: float) -> Float[Array, "times paths 1"]:
        return generated(model, noise, start, steps=steps, saves=SAVES, key=noise_key)

    edges = np.linspace(-HALF_WIDTH, HALF_WIDTH, CELLS + 1)
    centres = 0.5 * (edges[1:] + edges[:-1])
    target = jax.jit(jax.vmap(lambda x: jnp.exp(two_modes().log_density(x))))(jnp.asarray(centres)[:, None])
    prior = np.exp(-0.5 * centres**2) / np.sqrt(2 * np.pi)
    groups = {"grid": {"times": np.asarray(times), "edges": edges, "target": np.asarray(target), "prior": prior}}
    for variant in VARIANTS:
        model = trained(variant, settings.width, settings.depth, saved[variant])
        if variant == "fixed_inference":
            sde = VariancePreserving()
            found = sample_paths(PlugIn(sde, DriftScore(model, sde)), start, times, steps=steps, key=noise_key)
        elif variant == "fixed_noise":
            found = run(model.generative, settings.noise)
        else:
            found = run(model, 0.0)
        x = np.asarray(found)[:, :, 0]
        density = [np.histogram(at, bins=edges)[0] / (len(at) * (edges[1] - edges[0])) for at in x]
        groups[variant] = {"density": np.array(density), "paths": x[:, :SHOWN]}
    write_groups(paths, groups)
