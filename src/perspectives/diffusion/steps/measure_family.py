"""Measure how far from the data samples of the swiss roll along the family are."""

import jax
import jax.numpy as jnp
import numpy as np

from perspectives.diffusion.distances import sliced_wasserstein
from perspectives.diffusion.swiss_roll import sample
from perspectives.numerics.streams import stream
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import write_rows


def measure_family(*, seed: int, samples: Input, table: Output, measures: Output) -> None:
    """Write sliced W2 from fresh data to each member's samples, to other data, and over that of the reverse SDE.

    Data and lines are the same for all members. Other data give the distance that samples of this number have anyway.
    """
    family = read_groups(samples)["family"]
    lambdas, ends = family["lambdas"], family["samples"]
    number = ends.shape[1]
    data_key, other_key, line_key = jax.random.split(stream(seed, "diffusion/swiss_roll/distances"), 3)
    data, other = (sample(number, key=key) for key in (data_key, other_key))
    distance = jax.jit(lambda x: sliced_wasserstein(x, data, key=line_key))
    floor = float(distance(other))
    by_lambda = np.array([float(distance(jnp.asarray(end))) for end in ends])
    ratio = by_lambda / by_lambda[lambdas == 0]
    of_data = ("data", floor, floor / by_lambda[lambdas == 0][0])
    rows = [*zip(lambdas, by_lambda, ratio, strict=True), of_data]
    columns = ("lambda", "distance", "over_reverse_sde")
    write_rows(table, [dict(zip(columns, row, strict=True)) for row in rows], digits=9)
    write_measures(
        measures,
        [
            Measure(quantity="largest_distance_over_reverse_sde", value=float(ratio.max())),
            Measure(quantity="floor", value=floor),
            *(
                Measure(quantity=f"distance_{lmbda:g}", value=float(value))
                for lmbda, value in zip(lambdas, by_lambda, strict=True)
            ),
        ],
    )
