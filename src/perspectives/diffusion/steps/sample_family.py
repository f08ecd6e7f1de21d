"""Sample the swiss roll along the family of reverse equations, and follow single trajectories of its two ends."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from perspectives.diffusion.networks import DriftScore
from perspectives.diffusion.plug_in import RELEASED_MEMBERS, PlugIn, sample_paths
from perspectives.diffusion.sde import END, VariancePreserving
from perspectives.diffusion.settings import FamilySettings, SwissRollSettings
from perspectives.diffusion.swiss_roll import coordinate_density, log_density, network
from perspectives.numerics.streams import stream
from perspectives.numerics.trees import with_arrays
from perspectives.workbench.arrays import read_groups, write_groups
from perspectives.workbench.step import Input, Output

SNAPSHOTS = tuple(0.82 + 0.02 * number for number in range(10))
"""Generative times of its columns: steps 820, 840, ..., 1000 of 1000."""
HALF_WIDTH = 3.6
"""Of the square whose histograms are saved; the roll lies within 3.3."""
CELLS = 96

ENDS = (0.0, 1.0)
"""The members whose trajectories are followed: the reverse SDE and the ODE."""
TRAJECTORIES = 12
SHADED = (0.0, 0.6, 0.8, 0.9, 0.96, 1.0)
"""Generative times at which the density of the plane is saved."""


def sample_family(
    *, settings: FamilySettings, training: SwissRollSettings, seed: int, weights: Input, samples: Output, paths: Output
) -> None:
    """Write histograms at ten times and the last samples of nine members; trajectories over exact densities.

    The drift is that of the first seed after debiased training, its weights averaged. Starts and noise are the same for
    all members.
    """
    sde = VariancePreserving()
    template = jax.eval_shape(lambda key: network(training, key=key), jax.random.key(0))
    arrays = {name: array[0] for name, array in read_groups(weights)["average"].items()}
    score = DriftScore(with_arrays(template, arrays), sde)
    start_key, noise_key = jax.random.split(stream(seed, "diffusion/swiss_roll/family"))
    start = jax.random.normal(start_key, (settings.samples, 2), jnp.float32)

    def member(lmbda: float) -> PlugIn:
        return PlugIn(sde, score, jnp.asarray(lmbda, jnp.float32))

    edges = np.linspace(-HALF_WIDTH, HALF_WIDTH, CELLS + 1)
    counts, ends = [], []
    for lmbda in RELEASED_MEMBERS:
        times = jnp.asarray(SNAPSHOTS, jnp.float32)
        found = np.asarray(sample_paths(member(lmbda), start, times, steps=settings.steps, key=noise_key))
        counts.append([np.histogram2d(*at.T, bins=(edges, edges))[0].astype(np.int32) for at in found])
        ends.append(found[-1])
    family = {
        "lambdas": np.array(RELEASED_MEMBERS),
        "times": np.array(SNAPSHOTS),
        "edges": edges,
        "counts": np.array(counts),
    }
    write_groups(samples, {"family": {**family, "samples": np.array(ends)}})

    times = jnp.linspace(0.0, END, settings.steps // 2 + 1, dtype=jnp.float32)
    tracks = [
        sample_paths(member(lmbda), start[:TRAJECTORIES], times, steps=settings.steps, key=noise_key) for lmbda in ENDS
    ]
    centres = 0.5 * (edges[1:] + edges[:-1])
    densities, strip = jax.jit(lambda centres: (_densities(sde, centres), _strip(sde, centres)))(jnp.asarray(centres))
    drawn = {"lambdas": np.array(ENDS), "times": times, "trajectories": jnp.stack(tracks), "centres": centres}
    shades = {"shaded": np.array(SHADED), "densities": densities, "strip_times": _strip_times(), "strip": strip}
    write_groups(paths, {"paths": jax.tree.map(np.asarray, {**drawn, **shades})})


def _densities(sde: VariancePreserving, centres: Float[Array, "cells"]) -> Float[Array, "shaded cells cells"]:
    """Return the density of Y_s at the shaded times on the grid of the histograms."""
    grid = jnp.stack(jnp.meshgrid(centres, centres, indexing="ij"), axis=-1).reshape(-1, 2)

    def at(t: Float[Array, ""]) -> Float[Array, "cells cells"]:
        found = jax.lax.map(lambda x: jnp.exp(log_density(x, sde, END - t)), grid, batch_size=256)
        return found.reshape(len(centres), len(centres))

    return jax.lax.map(at, jnp.asarray(SHADED))


def _strip_times() -> Float[np.ndarray, "times"]:
    """Return generative times that are dense at the end, where most happens."""
    return 1 - np.linspace(1.0, 0.0, 161) ** 2


def _strip(sde: VariancePreserving, centres: Float[Array, "cells"]) -> Float[Array, "times cells"]:
    """Return the density of the first coordinate of Y_s by time."""
    times = jnp.asarray(_strip_times())
    return jax.lax.map(
        lambda t: jax.lax.map(lambda x: coordinate_density(x, sde, END - t), centres, batch_size=96), times
    )
