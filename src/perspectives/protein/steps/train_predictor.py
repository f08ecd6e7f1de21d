"""Fit the predictor that guides: to a base set, or to its smoothed fitness."""

from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.protein.autoencoders import commonest
from perspectives.protein.landscapes import scored
from perspectives.protein.models import saved
from perspectives.protein.predictors import fitted_predictor
from perspectives.protein.ridge import fit_ridge
from perspectives.protein.settings import PredictorSettings, TaskName
from perspectives.workbench.arrays import write_groups
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_as


def train_predictor(
    *,
    settings: PredictorSettings,
    task: TaskName,
    member: int,
    seed: int,
    base: Input,
    weights: Output,
    progress: Progress,
) -> None:
    """Save the predictor fitted to all rows of a base set, or of its smoothed fitness: both from the same stream.

    The wild type that the ridge is anchored at is known for GB1 alone; elsewhere the commonest residues only name what
    a substitution is, and nothing is said of their fitness.
    """
    rows = read_as(scored, base)
    tokens = rows.tokens
    if settings.kind == "ridge":
        anchor = settings.anchor if task.startswith("gb1") else 0.0
        ridge = fit_ridge(tokens, rows.scores, commonest(tokens), settings, anchor=anchor)
        write_groups(weights, saved(ridge))
        return
    key = stream(seed, f"protein/{task}/member {member}/predictor")
    write_groups(weights, saved(fitted_predictor(tokens, rows.scores, settings, progress=progress, key=key)))
