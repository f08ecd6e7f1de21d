"""Measure samples along the family of reverse equations with the true score: how far they are from the data."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float

from perspectives.diffusion.distances import wasserstein
from perspectives.diffusion.mixtures import ExactScore, marginal, two_modes
from perspectives.diffusion.plug_in import RELEASED_MEMBERS, PlugIn, sample_paths
from perspectives.diffusion.sde import END, VariancePreserving
from perspectives.diffusion.settings import LaboratorySettings
from perspectives.numerics.streams import stream
from perspectives.workbench.arrays import write_groups
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

DATA = 20
"""Independent samples of the data, each compared with all generated ones and with a partner of its own."""
SNAPSHOTS = 41
"""Times at which densities are kept."""
EDGES = (-4.0, 4.0, 80)
"""First and last edge of the histograms, and their bins."""
DRAWN = 10
"""Paths kept for the figure."""


def measure_exact_family(
    *, settings: LaboratorySettings, seed: int, distances: Output, snapshots: Output, measures: Output
) -> None:
    """Write W1 to the data by lambda and the floor between samples of the data; histograms and paths over time.

    All members start from the same draws of the prior and have the same noise.
    """
    sde, mixture = VariancePreserving(), two_modes()
    score = ExactScore(mixture, sde)
    data_keys = jax.random.split(stream(seed, "diffusion/exact_family/data"), 2 * DATA)
    data = jax.vmap(lambda key: mixture.sample(settings.samples, key=key)[:, 0])(data_keys)
    prior_key, noise_key = jax.random.split(stream(seed, "diffusion/exact_family"))
    start = jax.random.normal(prior_key, (settings.samples, 1))
    times = jnp.linspace(0.0, END, SNAPSHOTS)
    found = {}
    for lmbda in RELEASED_MEMBERS:
        member = PlugIn(sde, score, jnp.asarray(lmbda))
        paths = sample_paths(member, start, times, steps=settings.steps, key=noise_key)
        found[lmbda] = np.asarray(paths)[..., 0]

    @jax.jit
    def to_data(x: Float[Array, "samples"], data: Float[Array, "sets samples"]) -> Float[Array, "sets"]:
        return jax.lax.map(lambda other: wasserstein(x, other), data)

    floor = np.asarray(jax.jit(lambda pairs: jax.lax.map(lambda pair: wasserstein(*pair), pairs))((
        data[:DATA], data[DATA:],
    )))  # fmt: skip
    rows = [{"lambda": np.nan, "distance": floor.mean(), "least": floor.min(), "largest": floor.max()}]
    for lmbda, paths in found.items():
        distance = np.asarray(to_data(jnp.asarray(paths[-1]), data[:DATA]))
        rows.append({"lambda": lmbda, "distance": distance.mean(), "least": distance.min(), "largest": distance.max()})
    table = pd.DataFrame(rows)
    table["over_floor"] = table["distance"] / floor.mean()
    table.to_csv(distances, index=False, float_format="%.9g")

    edges = np.linspace(*EDGES[:2], EDGES[2] + 1)
    scale = settings.samples * (edges[1] - edges[0])
    middle = jnp.asarray(0.5 * (edges[1:] + edges[:-1]))

    def density(t: Float[Array, ""]) -> Float[Array, "bins"]:
        return jnp.exp(jax.vmap(marginal(mixture, sde, END - t).log_density)(middle[:, None]))

    write_groups(
        snapshots,
        {
            "grid": {
                "t": np.asarray(times),
                "edges": edges,
                "lambda": np.array(RELEASED_MEMBERS),
                "samples": np.array(settings.samples),
                "truth": np.asarray(jax.jit(jax.vmap(density))(times)),
            },
            "density": {
                f"{lmbda:g}": np.stack([np.histogram(y, edges)[0] / scale for y in paths])
                for lmbda, paths in found.items()
            },
            "paths": {f"{lmbda:g}": paths[:, :DRAWN] for lmbda, paths in found.items()},
        },
    )
    members: Any = table.dropna(subset="lambda")
    write_measures(
        measures,
        [
            Measure(quantity="largest_distance_over_floor", value=float(members["over_floor"].max())),
            Measure(quantity="floor", value=float(floor.mean())),
            *(
                Measure(quantity=f"distance_over_floor_{row['lambda']:g}", value=row["over_floor"])
                for row in members.to_dict("records")
            ),
        ],
    )
