"""Sample designs of the prior, of the guided posterior, and of what is between them or beside."""

from typing import Any

from perspectives.numerics.progress import Progress
from perspectives.protein.guidance import guided_ode_samples, split_samples
from perspectives.protein.landscapes import scored
from perspectives.protein.models import restored_prior, restored_sampler
from perspectives.protein.samplers import guidance_of
from perspectives.protein.selection import design_rows
from perspectives.protein.settings import PredictorName, SourceName, TaskName, TaskSettings
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_as, write_rows


def sample_designs(
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
    designs: Output,
    mean_prior: Input | None = None,
    progress: Progress,
) -> None:
    """Write the different designs of each method, all from the same draws of N(0, I).

    With a `mean_prior`, trained here on posterior means, it guides too. The guided ODE is solved on GB1 alone: it
    takes as many steps as its stiffest sample, too dear with large networks.
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
    velocity, misfit = sampler
    sampling, strong = settings.sampling, guidance_of(settings, predictor)
    start = sampler.start(seed, task, member, sampling.samples)

    def split(**options: Any) -> Any:
        usual = {"steps": sampling.steps, "strength": strong.strength, "inner": strong.inner}
        usual |= {"velocity": velocity, "time_index": sampling.time_index}
        return split_samples(misfit=misfit, start=start, **usual | options)

    arms = {
        "prior": lambda: split(strength=0.0, inner=0),
        "guided": split,
        "guided_new_time": lambda: split(time_index="new"),
        "plain_gradient": lambda: split(gradient_at="code"),
        "latent_ascent": lambda: split(gradient_at="code", prior=False),
    }
    if task.startswith("gb1"):
        arms["guided_ode"] = lambda: guided_ode_samples(
            velocity, misfit, start, strength=strong.strength, inner=strong.inner
        )[0]
    if mean_prior is not None:
        means = restored_prior(settings.prior, misfit.autoencoder.latent, read_groups(mean_prior))
        arms["mean_codes"] = lambda: split(velocity=means)
    rows = []
    for number, (method, sample) in enumerate(arms.items(), 1):
        rows += design_rows(method, sampler.designs(sample(), keep=sampling.keep))
        progress(number, len(arms))
    write_rows(designs, rows, digits=9)
