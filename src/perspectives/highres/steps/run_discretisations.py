"""Run the discrete methods with smaller and smaller steps and measure their distance from the ODEs."""

import jax.numpy as jnp
import pandas as pd

from perspectives.highres import comparisons, resolution
from perspectives.highres.problems import Quadratic, planted_logistic
from perspectives.highres.settings import DiscretisationSettings
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.workbench.step import Output

START = 2.0
"""Every coordinate of the starting point."""


def run_discretisations(*, settings: DiscretisationSettings, seed: int, errors: Output, progress: Progress) -> None:
    """Write the sup-error of every method against every ODE, and against Nesterov's method, for every step."""
    n = settings.dimensions
    key = stream(seed, "highres.discretisation.problem")
    problems = {
        "quadratic": Quadratic((jnp.arange(1, n + 1) / n) ** 2),
        "logistic": planted_logistic(settings.samples, n, 0.0, key=key),
    }
    start = jnp.full(n, START)
    halvings = range(settings.halvings_from, settings.halvings_to + 1)
    # All runs are as long as the one with the smallest step, so that each method compiles once.
    count = int(settings.horizon * 2 ** (settings.halvings_to / 2)) + 2
    rows = []
    for done, (name, problem) in enumerate(problems.items()):
        for at, halving in enumerate(halvings):
            progress(done * len(halvings) + at, len(problems) * len(halvings))
            s = jnp.asarray(2.0**-halving)
            sequences = resolution.sequences(problem, start, s, count)
            for method in comparisons.METHODS:
                for reference in comparisons.REFERENCES:
                    error = resolution.distance_from_flow(
                        method, reference, problem, start, s, sequences[method], settings.horizon
                    )
                    rows.append([name, method, reference, float(s), float(error), 0])
            for method in (comparisons.SEMI_IMPLICIT, *comparisons.VARIANTS_27):
                found = resolution.distance_from_nesterov(
                    sequences[comparisons.NAG], sequences[method], s, settings.horizon
                )
                rows.append([name, method, comparisons.NAG, float(s), float(found.distance), int(found.shift)])
    columns = ["problem", "method", "reference", "s", "error", "shift"]
    pd.DataFrame(rows, columns=columns).to_csv(errors, index=False)
    progress(1, 1)
