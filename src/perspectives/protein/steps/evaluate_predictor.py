"""Measure how a predictor of GB1, fitted to a base set, ranks all that was measured."""

import numpy as np

from perspectives.protein.budget import predictions
from perspectives.protein.landscapes import restored, scored
from perspectives.protein.metrics import rank_correlation
from perspectives.protein.models import restored_predictor
from perspectives.protein.sequences import one_hot
from perspectives.protein.settings import PredictorSettings, TaskName
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.errors import UserError
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_as, write_rows


def evaluate_predictor(
    *, task: TaskName, member: int, landscape: Input, base: Input, predictor: Input, quality: Output
) -> None:
    """Write Spearman's correlation over the double mutants, of many input counts, of substitutions the base set has.

    **Raises**: UserError when the landscape has no two of them.
    """
    found = restored(read_groups(landscape)["gb1"])
    # Which network it is decides the file itself: no setting reaches this step.
    kind = "ridge" if ".intercept" in read_groups(predictor).get("model", {}) else "convolutions"
    model = restored_predictor(PredictorSettings(kind=kind), len(found.wild_type), read_groups(predictor))
    seen = one_hot(read_as(scored, base).tokens).any(0).ravel()
    deep = found.taken(found.deep)
    rows = np.flatnonzero(seen[deep.substitutions].all(1))
    if len(rows) < 2:
        raise UserError(f"{base}: its substitutions make {len(rows)} measured double mutants; two are the least.")
    correlation = rank_correlation(deep.clipped[rows], predictions(model, deep.tokens(rows)))
    row = {"task": task, "source": "own", "member": member, "predictor": "unsmoothed"}
    write_rows(quality, [row | {"quantity": "predictor_rank_correlation", "value": correlation}])
