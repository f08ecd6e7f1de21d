"""Fit the predictor that guides: to a base set, or to its smoothed fitness."""

from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.protein.autoencoders import commonest
from perspectives.protein.files import read_base, write_model
from perspectives.protein.landscapes import WILD_TYPE_FITNESS
from perspectives.protein.predictors import fitted_predictor
from perspectives.protein.ridge import fit_ridge
from perspectives.protein.settings import PredictorName, PredictorSettings, TaskName
from perspectives.workbench.step import Input, Output


def train_predictor(
    *,
    settings: PredictorSettings,
    task: TaskName,
    name: PredictorName,
    member: int,
    seed: int,
    base: Input,
    weights: Output,
    progress: Progress,
) -> None:
    """Save the predictor fitted to all rows; unsmoothed and smoothed networks start from the same weights.

    The wild type that the ridge is anchored at is known for GB1 alone; elsewhere the commonest residues only name what
    a substitution is, and nothing is said of their fitness.
    """
    rows = read_base(base)
    if settings.kind == "ridge":
        known = WILD_TYPE_FITNESS if task.startswith("gb1") else None
        ridge = fit_ridge(rows.tokens, rows.scores, commonest(rows.tokens), settings, wild_type_fitness=known)
        write_model(weights, ridge)
        return
    # `name` is not in the stream: both predictors are drawn alike.
    key = stream(seed, f"protein/{task}/member {member}/predictor")
    write_model(weights, fitted_predictor(rows.tokens, rows.scores, settings, progress=progress, key=key))
