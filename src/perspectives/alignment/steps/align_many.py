"""Align all members of the reference arm to one barycentre, in which none is the reference."""

import pandas as pd

from perspectives.alignment.barycentre import match_many
from perspectives.alignment.gaussians import Gaussians, barycentre
from perspectives.alignment.permutations import Symmetries
from perspectives.workbench.arrays import read_groups, write_groups
from perspectives.workbench.step import Input, Output


def align_many(*, seed: int, symmetries: Input, posteriors: list[Input], barycentres: Output, history: Output) -> None:
    """Write the barycentre of the members as they are and as aligned, and the sum of squared W2 distances by sweep."""
    spec = Symmetries.from_json(symmetries.read_text())
    members = [Gaussians(**read_groups(path)) for path in posteriors]
    found = match_many(members, spec, seed=seed)
    plain = barycentre(members)
    write_groups(
        barycentres,
        {
            "before_mean": plain.mean,
            "before_deviation": plain.deviation,
            "after_mean": found.barycentre.mean,
            "after_deviation": found.barycentre.deviation,
        },
    )
    spreads = [found.before, *found.history]
    pd.DataFrame({"sweep": range(-1, len(found.history)), "squared_distances": spreads}).to_csv(history, index=False)
