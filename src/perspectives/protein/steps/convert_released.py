"""Convert the authors' checkpoints of one task to files as our own trainings write them."""

from perspectives.numerics.trees import named_arrays
from perspectives.protein.models import ORACLE, saved
from perspectives.protein.released import released_autoencoder, released_predictor, released_velocity
from perspectives.protein.settings import TaskName
from perspectives.workbench.arrays import write_groups
from perspectives.workbench.errors import UserError
from perspectives.workbench.step import Input, Output
from perspectives.workbench.torch_files import read_checkpoint


def convert_released(
    *,
    task: TaskName,
    flow: Input,
    unsmoothed: Input,
    smoothed: Input,
    oracle: Input,
    autoencoder: Output,
    prior: Output,
    unsmoothed_predictor: Output,
    smoothed_predictor: Output,
    oracles: Output,
) -> None:
    """Write the released autoencoder, prior, both predictors and the oracle; nothing in a checkpoint is ever run."""
    try:
        generator = read_checkpoint(flow)
        write_groups(autoencoder, saved(released_autoencoder(generator, task, str(flow))))
        write_groups(prior, saved(released_velocity(generator, str(flow))))
        write_groups(unsmoothed_predictor, saved(released_predictor(read_checkpoint(unsmoothed), str(unsmoothed))))
        write_groups(smoothed_predictor, saved(released_predictor(read_checkpoint(smoothed), str(smoothed))))
        write_groups(oracles, {ORACLE: named_arrays(released_predictor(read_checkpoint(oracle), str(oracle)))})
    except ValueError as error:
        raise UserError(str(error)) from None
