"""Compare the converted models with what they give in PyTorch, and measure how much their autoencoders reconstruct."""

from perspectives.protein.autoencoders import reconstruction_quality
from perspectives.protein.landscapes import scored
from perspectives.protein.models import (
    ORACLE,
    architecture,
    restored_autoencoder,
    restored_oracles,
    restored_predictor,
    restored_prior,
)
from perspectives.protein.released import Models, differences, our_answers, reference_answers
from perspectives.protein.settings import TaskSettings
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_as, read_rows

RECONSTRUCTED = 512
"""First rows of a base set that are reconstructed."""


def check_released(
    *,
    reference: Input,
    tasks: list[str],
    bases: list[Input],
    autoencoders: list[Input],
    priors: list[Input],
    unsmoothed: list[Input],
    smoothed: list[Input],
    oracles: list[Input],
    measures: Output,
) -> None:
    """Write the largest differences from PyTorch over all tasks, and of each task them and the token accuracy."""
    settings = architecture(TaskSettings(), "released")
    known = read_rows(reference)
    written, predictors, generators = [], [], []
    for task, base, *files in zip(tasks, bases, autoencoders, priors, unsmoothed, smoothed, oracles, strict=True):
        tokens = read_as(scored, base).tokens
        length = tokens.shape[1]
        autoencoder = restored_autoencoder(settings.autoencoder, length, read_groups(files[0]))
        models = Models(
            autoencoder,
            restored_prior(settings.prior, autoencoder.latent, read_groups(files[1])),
            restored_predictor(settings.predictor, length, read_groups(files[2])),
            restored_predictor(settings.predictor, length, read_groups(files[3])),
            restored_oracles(read_groups(files[4]))[ORACLE],
        )
        predictor, generator = differences(our_answers(models, tokens), reference_answers(known, task))
        predictors.append(predictor)
        generators.append(generator)
        quality = reconstruction_quality(autoencoder, tokens[:RECONSTRUCTED])
        written += [
            Measure(quantity=f"{task}_predictor_difference", value=predictor),
            Measure(quantity=f"{task}_generator_difference", value=generator),
            *(Measure(quantity=f"{task}_{name}", value=value) for name, value in quality.items()),
        ]
    largest = [
        Measure(quantity="largest_predictor_difference", value=max(predictors)),
        Measure(quantity="largest_generator_difference", value=max(generators)),
    ]
    write_measures(measures, [*largest, *written])
