"""Smooth what a predictor says of the base set and its surroundings, for another predictor to be fitted to."""

from perspectives.numerics.streams import stream
from perspectives.protein.budget import predictions
from perspectives.protein.landscapes import scored
from perspectives.protein.models import restored_predictor
from perspectives.protein.ridge import Ridge
from perspectives.protein.search_space import numpy_generator
from perspectives.protein.sequences import decoded
from perspectives.protein.settings import PredictorSettings, SmoothingSettings, TaskName
from perspectives.protein.smoothing import graph_nodes, smooth
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_as, write_rows


def smooth_fitness(
    *,
    settings: SmoothingSettings,
    predictor_settings: PredictorSettings,
    task: TaskName,
    member: int,
    seed: int,
    base: Input,
    predictor: Input,
    smoothed: Output,
    quality: Output,
) -> None:
    """Write the sequences of the graph with smoothed fitness, and how well the equation was solved.

    A ridge regression says nothing of residues that it has not seen, so the graph has none of them.
    """
    tokens = read_as(scored, base).tokens
    model = restored_predictor(predictor_settings, tokens.shape[1], read_groups(predictor))
    nodes = graph_nodes(
        tokens,
        settings.nodes,
        allowed=model.allowed if isinstance(model, Ridge) else None,
        generator=numpy_generator(stream(seed, f"protein/graph/{task}/member {member}")),
    )
    found = smooth(nodes, predictions(model, nodes), settings)
    pairs = zip(decoded(nodes), found.values.tolist(), strict=True)
    write_rows(smoothed, [{"sequence": sequence, "score": score} for sequence, score in pairs], digits=9)
    arm = {"task": task, "source": "own", "member": member, "predictor": "unsmoothed"}
    quantities = {"smoothing_residual": found.residual, "smoothing_energy_ratio": found.energy_ratio}
    write_rows(quality, [{**arm, "quantity": name, "value": value} for name, value in quantities.items()])
