"""Align the second of two posteriors to the first, by each divergence."""

from typing import get_args

from perspectives.alignment.features import Divergence
from perspectives.alignment.gaussians import Gaussians, permuted, squared_distance
from perspectives.alignment.matching import match
from perspectives.alignment.permutations import Symmetries
from perspectives.workbench.arrays import read_groups, write_groups
from perspectives.workbench.errors import UserError
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import write_rows


def align_pair(
    *,
    divergences: str,
    restarts: int,
    seed: int,
    symmetries: Input,
    first: Input,
    second: Input,
    permutations: Output,
    objectives: Output,
) -> None:
    """Write the permutations of the second posterior's units, and what each alignment did to the divergences.

    `divergences` are names separated by spaces; `restarts` counts the starts.
    """
    spec = Symmetries.from_json(symmetries.read_text())
    one, other = (Gaussians(**read_groups(path)) for path in (first, second))
    unknown = [name for name in divergences.split() if name not in get_args(Divergence)]
    if unknown:
        raise UserError(f"unknown divergences {', '.join(unknown)}; there are {', '.join(get_args(Divergence))}.")
    found, rows = {}, []
    for name in divergences.split():
        matching = match(one, other, spec, divergence=name, restarts=restarts, seed=seed)  # type: ignore[arg-type]
        found[name] = matching.permutations
        rows.append(
            {
                "alignment": name,
                "divergence_before": matching.before,
                "divergence_after": matching.objective,
                "median_of_starts": matching.median,
                "w2_squared_before": squared_distance(one, other),
                "w2_squared_after": squared_distance(one, permuted(other, matching.permutations, spec)),
                "updates": len(matching.history) - 1,
                "solves": matching.solves,
            }
        )
    write_groups(permutations, found)
    write_rows(objectives, rows)
