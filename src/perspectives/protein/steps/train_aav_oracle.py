"""Train an oracle of AAV from its ground truth, and compare it with the released one."""

import jax
import numpy as np

from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.protein.budget import predictions
from perspectives.protein.landscapes import scored
from perspectives.protein.metrics import rank_correlation
from perspectives.protein.models import ORACLE, restored_oracles, saved
from perspectives.protein.predictors import fitted_predictor
from perspectives.protein.settings import OracleSettings, PredictorSettings
from perspectives.workbench.arrays import read_groups, write_groups
from perspectives.workbench.errors import UserError
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_as

HELD_OUT = 10
"""One in so many different sequences is held out."""


def train_aav_oracle(
    *,
    settings: OracleSettings,
    predictor_settings: PredictorSettings,
    seed: int,
    ground_truth: Input,
    released: Input,
    weights: Output,
    measures: Output,
    progress: Progress,
) -> None:
    """Train the predictor's network on nine tenths of the sequences, and measure how both rank the rows of the others.

    Rows of one sequence are on one side. The released oracle has seen all of them.
    """
    rows = read_as(scored, ground_truth)
    everything = rows.tokens
    split_key, fit_key = jax.random.split(stream(seed, "protein/aav/oracle"))
    different, of_row = np.unique(everything, axis=0, return_inverse=True)
    if len(different) < 2 * HELD_OUT:
        raise UserError(f"{ground_truth} has {len(different)} different sequences; a tenth needs {2 * HELD_OUT}.")
    order = np.asarray(jax.random.permutation(split_key, len(different)))
    held_out = np.isin(of_row.ravel(), order[: len(different) // HELD_OUT])
    oracle = fitted_predictor(
        everything[~held_out],
        rows.scores[~held_out],
        predictor_settings,
        epochs=settings.epochs,
        progress=progress,
        key=fit_key,
    )
    write_groups(weights, saved(oracle))
    tokens, scores = everything[held_out], rows.scores[held_out]
    ours, theirs = predictions(oracle, tokens), predictions(restored_oracles(read_groups(released))[ORACLE], tokens)
    write_measures(
        measures,
        [
            Measure(quantity="rank_correlation", value=rank_correlation(ours, theirs)),
            Measure(quantity="own_rank_correlation_with_data", value=rank_correlation(ours, scores)),
            Measure(quantity="released_rank_correlation_with_data", value=rank_correlation(theirs, scores)),
        ],
    )
