"""Map what guidance gives over its strength and gradient steps, and over the steps of the prior."""

from typing import Any

import numpy as np

from perspectives.numerics.progress import Progress
from perspectives.protein.budget import predictions
from perspectives.protein.guidance import split_samples
from perspectives.protein.landscapes import scale_of, scored
from perspectives.protein.metrics import diversity, median
from perspectives.protein.models import restored_oracles, restored_sampler
from perspectives.protein.samplers import guidance_of
from perspectives.protein.selection import Designs
from perspectives.protein.sequences import decoded
from perspectives.protein.settings import PredictorName, SourceName, TaskName, TaskSettings
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_as, write_rows


def map_guidance(
    *,
    settings: TaskSettings,
    task: TaskName,
    source: SourceName,
    predictor: PredictorName,
    member: int,
    seed: int,
    base: Input,
    autoencoder: Input,
    prior: Input,
    predictor_weights: Input,
    oracles: Input,
    strengths: Output,
    steps: Output,
    progress: Progress,
) -> None:
    """Write median fitness by the first oracle, diversity and number of the selected designs at each point.

    Every point starts from the same draws. The product of strength and gradient steps decides how strongly the guided
    ODE is guided, whatever the steps of the prior. Where the settings name no values there is the configured one alone.
    """
    sampler = restored_sampler(
        settings,
        task=task,
        source=source,
        length=read_as(scored, base).tokens.shape[1],
        autoencoder=read_groups(autoencoder),
        prior=read_groups(prior),
        predictor=read_groups(predictor_weights),
    )
    oracle = next(iter(restored_oracles(read_groups(oracles)).values()))
    sampling, usual = settings.sampling, guidance_of(settings, predictor)
    start = sampler.start(seed, task, member, sampling.samples)
    names = {"task": task, "source": source, "member": member, "predictor": predictor}

    def point(strength: float, inner: int, count: int) -> dict[str, Any]:
        codes = split_samples(
            sampler.velocity, sampler.misfit, start, steps=count, strength=strength, inner=inner,
            time_index=sampling.time_index,
        )  # fmt: skip
        found = sampler.designs(codes, keep=sampling.keep)
        return {**names, "strength": strength, "inner": inner, "steps": count, **_scores(found)}

    def _scores(found: Designs) -> dict[str, Any]:
        chosen = found.tokens[found.selected]
        fitness = scale_of(task).scaled(predictions(oracle, chosen))
        return {
            "fitness": median(np.asarray(fitness)),
            "diversity": diversity(decoded(chosen)),
            "designs": len(chosen),
            "unique": len(found.tokens),
            "unique_share": len(found.tokens) / found.drawn,
            "configured": 0,
        }

    grid = [
        (strength, inner)
        for strength in sampling.strengths or (usual.strength,)
        for inner in sampling.inners or (usual.inner,)
    ]
    counts = sampling.step_counts or (sampling.steps,)
    total = len(grid) + len(counts)
    rows = []
    for strength, inner in grid:
        configured = (strength, inner) == (usual.strength, usual.inner)
        rows.append({**point(strength, inner, sampling.steps), "configured": int(configured)})
        progress(len(rows), total)
    write_rows(strengths, rows, digits=9)
    rows = []
    for count in counts:
        rows.append({**point(usual.strength, usual.inner, count), "configured": int(count == sampling.steps)})
        progress(len(grid) + len(rows), total)
    write_rows(steps, rows, digits=9)
