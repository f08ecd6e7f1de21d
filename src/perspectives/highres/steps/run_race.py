"""Run the methods of Fig. 1b side by side on one logistic regression, for all seeds."""

from typing import Literal

import numpy as np

from perspectives.highres.problems import newton_minimiser
from perspectives.highres.race import losses as loss_at
from perspectives.highres.race import race, race_problem
from perspectives.highres.schemes import finite_sum_methods, gaussian_methods
from perspectives.highres.settings import RaceSettings
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.workbench.errors import UserError
from perspectives.workbench.step import Output


def run_race(
    *, settings: RaceSettings, seed: int, mode: Literal["code", "text"], losses: Output, progress: Progress
) -> None:
    """Write the losses of every method and seed, with steps and noise of the released code or of the paper's text."""
    if settings.iterations_per_epoch % settings.logs_per_epoch:
        raise UserError(
            f"highres.race.logs_per_epoch = {settings.logs_per_epoch} does not divide iterations_per_epoch = "
            f"{settings.iterations_per_epoch}; choose a divisor in the preset or in config.yaml."
        )
    # Both modes ask for the same streams, so that they are paired seed by seed.
    problem = race_problem(
        samples=settings.samples,
        dimensions=settings.dimensions,
        seeds=settings.seeds,
        key=stream(seed, "highres.race.problem"),
    )
    smoothness = float(problem.row_smoothness)
    iterations = settings.epochs * settings.iterations_per_epoch
    gaussian = gaussian_methods(mode, smoothness=smoothness, iterations=iterations, samples=settings.samples)
    finite_sum = finite_sum_methods(
        mode,
        smoothness=smoothness,
        iterations=iterations,
        per_epoch=settings.iterations_per_epoch,
        samples=settings.samples,
        dimensions=settings.dimensions,
    )
    methods = gaussian + finite_sum
    f = problem.regression
    first = np.asarray(loss_at(problem.rows, problem.starts))
    curves = [np.broadcast_to(first, (1, len(methods), settings.seeds))]
    epochs = race(
        problem,
        gaussian,
        finite_sum,
        iterations_per_epoch=settings.iterations_per_epoch,
        logs_per_epoch=settings.logs_per_epoch,
        same_sample=mode == "code",
        groups=2 if settings.seeds % 2 == 0 else 1,
        key=stream(seed, "highres.race.noise"),
    )
    for done, curve in enumerate(epochs):
        curves.append(curve)
        progress(done + 1, settings.epochs, nnag=float(curve[-1, 0].mean()))
    np.savez(
        losses,
        losses=np.moveaxis(np.concatenate(curves), 0, 2),
        methods=np.array([method.name for method in methods]),
        gaussian=np.arange(len(methods)) < len(gaussian),
        epochs=np.arange(settings.epochs * settings.logs_per_epoch + 1) / settings.logs_per_epoch,
        logs_per_epoch=settings.logs_per_epoch,
        generator_loss=float(loss_at(problem.rows, problem.generator)),
        minimum_loss=float(loss_at(problem.rows, newton_minimiser(f))),
        row_smoothness=smoothness,
        smoothness=float(f.smoothness),
    )
