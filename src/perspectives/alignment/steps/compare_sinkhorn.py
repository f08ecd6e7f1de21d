"""Compare entropic transport with the exact assignment on the last assignment problems of an alignment."""

from typing import Any

import numpy as np
import pandas as pd

from perspectives.alignment.entropic import losses
from perspectives.alignment.features import features
from perspectives.alignment.gaussians import Gaussians
from perspectives.alignment.matching import Descent, match
from perspectives.alignment.permutations import Symmetries
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output

EPSILONS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)
"""In standard deviations of the gains, so that they mean the same for every layer."""
MAX_ITERATIONS = 3000


def compare_sinkhorn(*, symmetries: Input, first: Input, second: Input, table: Output, measures: Output) -> None:
    """Write for each layer and epsilon what the plan and the permutation rounded from it lose, and if it converged.

    The measure is the share of the exact gain lost by rounding at the smallest epsilon that converged, worst layer.
    """
    spec = Symmetries.from_json(symmetries.read_text())
    one, other = (Gaussians(**read_groups(path)) for path in (first, second))
    found = match(one, other, spec, restarts=1)
    rows = []
    descent = Descent(features(one, other, spec, "w2"), spec, None)
    for group in spec.sizes:
        gains = descent.gains(group, found.permutations)
        scale = float(np.std(gains))
        found_losses = losses(gains, [e * scale for e in EPSILONS], max_iterations=MAX_ITERATIONS)
        for relative, loss in zip(EPSILONS, found_losses, strict=True):
            rows.append({"group": group, "relative_epsilon": relative, **loss._asdict()})
    frame: Any = pd.DataFrame(rows)
    frame.to_csv(table, index=False)
    converged = frame[frame["converged"]].sort_values("epsilon").groupby("group").first()
    worst = float(converged["rounded"].max()) if len(converged) else float("nan")
    write_measures(measures, [Measure(quantity="excess", value=worst, seeds=len(converged))])
