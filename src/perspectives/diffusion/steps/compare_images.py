"""Compare proposals of times by the bits per dimension of what they trained, paired over seeds."""

from typing import Any

import numpy as np

from perspectives.diffusion.image_trainings import PROPOSAL_NAMES, trainings
from perspectives.diffusion.settings import ImagesSettings
from perspectives.numerics.statistics import mean_interval
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_rows, write_rows

LAST = 10
"""Evaluations at the end of a curve whose mean stands for it: a single one is too noisy."""


def compare_images(
    *,
    settings: ImagesSettings,
    curves: list[Input],
    tables: list[Input],
    curve: Output,
    finals: Output,
    measures: Output,
) -> None:
    """Join the curves and the final evaluations, given in the order of `trainings`, and measure every data set."""
    named = trainings(settings)
    labels = [training._asdict() for training in named]
    rounds = [read_rows(path) for path in curves]
    ends = [read_rows(path) for path in tables]
    write_rows(curve, [label | dict(row) for label, rows in zip(labels, rounds, strict=True) for row in rows])
    write_rows(finals, [label | dict(row) for label, rows in zip(labels, ends, strict=True) for row in rows])
    found = []
    for dataset in settings.datasets:
        chosen = {
            proposal: [
                (rows, {row["weights"]: row for row in end})
                for training, rows, end in zip(named, rounds, ends, strict=True)
                if (training.dataset, training.proposal) == (dataset, proposal)
            ]
            for proposal in PROPOSAL_NAMES
        }
        found += _measures(dataset, chosen)
    write_measures(measures, found)


def _measures(dataset: str, of: dict[str, list[tuple[list[Any], dict[str, Any]]]]) -> list[Measure]:
    """Return the measures of one data set, given the rounds and the final rows of its trainings by proposal."""
    bits, last, curve_end, errors = (
        {proposal: np.array([quantity(*training) for training in some]) for proposal, some in of.items()}
        for quantity in (
            lambda _, end: float(end["averaged"]["bits"]),
            lambda _, end: float(end["last"]["bits"]),
            lambda rows, _: np.mean([float(row["bits"]) for row in rows[-LAST:]]),
            lambda rows, _: np.mean([float(row["error"]) for row in rows[-LAST:]]),
        )
    )
    # The end at T = 1 concerns the data alone, and so is the same in all trainings.
    terminal = float(of["debiasing"][0][1]["averaged"]["terminal"])
    return [
        _over_seeds(f"{dataset}_uniform_minus_debiasing", bits["uniform"] - bits["debiasing"]),
        *(_over_seeds(f"{dataset}_{proposal}_bits", bits[proposal]) for proposal in PROPOSAL_NAMES),
        *(
            _over_seeds(f"{dataset}_{proposal}_average_gain", last[proposal] - bits[proposal])
            for proposal in PROPOSAL_NAMES
        ),
        *(
            Measure(
                quantity=f"{dataset}_{proposal}_curve_end",
                value=float(curve_end[proposal].mean()),
                seeds=len(curve_end[proposal]),
            )
            for proposal in PROPOSAL_NAMES
        ),
        _over_seeds(f"{dataset}_error_ratio", errors["debiasing"] / errors["uniform"]),
        Measure(quantity=f"{dataset}_terminal_bits", value=terminal),
    ]


def _over_seeds(quantity: str, samples: Any) -> Measure:
    value, low, high = mean_interval(samples)
    return Measure(quantity=quantity, value=value, ci_low=low, ci_high=high, seeds=len(samples))
