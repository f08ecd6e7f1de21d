"""Read GB1's double mutants, and check what the study takes for granted about them."""

import numpy as np

from perspectives.protein.landscapes import (
    ROWS,
    SCALES,
    WILD_TYPE_FITNESS,
    fitness_of_counts,
    parsed,
)
from perspectives.protein.sequences import LETTERS
from perspectives.protein.tasks import POOL_ROWS, TASKS, pool_of_doubles
from perspectives.workbench.arrays import write_groups
from perspectives.workbench.errors import UserError
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output


def measure_gb1(*, data: Input, landscape: Output, measures: Output) -> None:
    """Write the table as arrays that later steps read fast, and how far it is from what it should be.

    **Raises**: UserError when the file is not MAVE-NN's table.
    """
    try:
        found = parsed(data.read_bytes())
    except ValueError as error:
        raise UserError(f"{data}: {error}") from None
    write_groups(landscape, {"gb1": found._asdict()})
    first, second = found.substitutions.astype(np.int64).T
    distinct = len(np.unique(first * LETTERS * len(found.wild_type) + second))
    values = {
        # Rows missing or too many, and rows that repeat another; one that is no double mutant is refused by `parsed`.
        "rows_off": abs(distinct - ROWS) + len(found.fitness) - distinct,
        "largest_fitness_error": np.abs(found.fitness - fitness_of_counts(found.selected, found.inputs)).max(),
        "pool_error": abs(len(pool_of_doubles(found, TASKS["gb1_default"])) - POOL_ROWS),
        "wild_type_score": SCALES["gb1"].scaled(WILD_TYPE_FITNESS),
    }
    write_measures(measures, [Measure(quantity=name, value=float(value)) for name, value in values.items()])
