"""Judge whether the Langevin chains are a reference at all, and compare mean-field posteriors with it."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy import ndarray

from perspectives.alignment.assignment import assignment
from perspectives.alignment.gaussians import Gaussians
from perspectives.alignment.matching import match
from perspectives.alignment.permutations import Factor, Symmetries, permuted
from perspectives.alignment.settings import LangevinSettings
from perspectives.numerics.convergence import LARGEST_R_HAT, r_hat
from perspectives.numerics.statistics import mean_interval
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output

LARGEST_CHANGE = 2.0
"""Largest change by halving the step, in Monte Carlo standard errors, both as root mean squares over predictions."""
ALIGNED_DRAWS = 50
"""Draws of each chain that are aligned, evenly spaced."""


def evaluate_langevin(
    *, settings: LangevinSettings, runs: Input, measures: Output, predictions: Output, traces: Output
) -> None:
    """Write the verdict on convergence, what mean-field inference misses, a row a prediction and a row a draw.

    `converged` is 1 when R-hat of every class probability of every test image is below 1.01 at both steps and halving
    the step changes their means by no more than two Monte Carlo standard errors. The run at half the step is then the
    reference; when it is 0, all comparisons are with chains that are none. Intervals are over chains for what is of
    Langevin alone, and over mean-field posteriors otherwise; the latter leave out the chains' own error.
    """
    with np.load(runs, allow_pickle=False) as archive:
        file = dict(archive)
    labels = file["labels"]
    first = int(settings.burn_in * settings.draws)
    every = {name: file[f"probabilities_{name}"].astype(np.float64) for name in ("step", "half")}
    coarse, fine = (probabilities[:, first:] for probabilities in every.values())
    mean_field = file["probabilities_mean_field"].astype(np.float64)
    chains, members = len(fine), len(mean_field)

    factors = {name: r_hat(kept) for name, kept in (("step", coarse), ("half", fine))}
    change = coarse.mean(axis=(0, 1)) - fine.mean(axis=(0, 1))
    error = np.hypot(_error(coarse), _error(fine))
    largest = max(float(factor.max()) for factor in factors.values())
    halving, noise = _root_mean_square(change), _root_mean_square(error)
    converged = largest < LARGEST_R_HAT and halving <= LARGEST_CHANGE * noise

    predictive, spread = fine.mean(axis=(0, 1)), fine.var(axis=(0, 1))
    loss = _loss(predictive, labels)
    field_predictive, field_spread = mean_field.mean(axis=1), mean_field.var(axis=1)
    field_losses = np.array([_loss(one, labels) for one in field_predictive])
    distances = np.array([_total_variation(one, predictive) for one in field_predictive])
    # Leaving out one chain at a time also takes off the bias that few draws give to a logarithm.
    without = np.array([_loss(np.delete(fine, chain, 0).mean(axis=(0, 1)), labels) for chain in range(chains)])
    rows = [
        Measure(quantity="converged", value=float(converged), seeds=chains),
        Measure(quantity="largest_r_hat", value=largest, seeds=chains),
        *(Measure(quantity=f"largest_r_hat_{name}", value=float(f.max()), seeds=chains) for name, f in factors.items()),
        Measure(quantity="r_hat_95", value=float(np.percentile(factors["half"], 95)), seeds=chains),
        Measure(quantity="step_halving_change", value=halving, seeds=chains),
        Measure(quantity="step_halving_error", value=noise, seeds=chains),
        Measure(quantity="step_halving_largest_change", value=float(np.abs(change).max()), seeds=chains),
        _interval("langevin_loss", chains * loss - (chains - 1) * without),
        _interval("mean_field_loss", field_losses),
        _interval("mean_field_minus_langevin_loss", field_losses - loss),
        Measure(quantity="langevin_accuracy", value=_accuracy(predictive, labels), seeds=chains),
        _interval("mean_field_accuracy", np.array([_accuracy(one, labels) for one in field_predictive])),
        _interval("mean_field_elbo", file["elbo"]),
        _interval("total_variation", distances),
        Measure(
            quantity="total_variation_of_steps",
            value=_total_variation(coarse.mean(axis=(0, 1)), predictive),
            seeds=chains,
        ),
        _interval("variance_ratio", np.array([one.mean() / spread.mean() for one in field_spread])),
        Measure(quantity="variance_smaller_share", value=float(np.mean(field_spread < spread)), seeds=members),
        *_weights(file, first),
    ]
    write_measures(measures, rows)

    images, classes = (axis.ravel() for axis in np.indices(predictive.shape))
    pd.DataFrame(
        {
            "image": images,
            "digit": np.asarray(settings.digits)[classes],
            "label": np.asarray(settings.digits)[labels[images]],
            "langevin": predictive.ravel(),
            "langevin_deviation": np.sqrt(spread).ravel(),
            "langevin_error": _error(fine).ravel(),
            "change_by_halving": change.ravel(),
            "r_hat_step": factors["step"].ravel(),
            "r_hat_half": factors["half"].ravel(),
            "mean_field": field_predictive.mean(axis=0).ravel(),
            "mean_field_deviation": np.sqrt(field_spread.mean(axis=0)).ravel(),
            "mean_field_posteriors": members,
        }
    ).to_csv(predictions, index=False)

    right = every["half"][:, :, np.arange(len(labels)), labels]
    chain, draw = (axis.ravel() for axis in np.indices(right.shape[:2]))
    pd.DataFrame(
        {
            "chain": chain,
            "draw": draw,
            "time": (draw + 1) * settings.step * settings.steps_between,
            "kept": draw >= first,
            "loss_nats": -np.log(np.maximum(right, np.finfo(np.float32).tiny)).mean(axis=-1).ravel(),
        }
    ).to_csv(traces, index=False)


def _weights(file: dict[str, ndarray], first: int) -> list[Measure]:
    """Return how the weights' variance divides between and within chains, before and after alignment.

    Every draw is aligned with one reference draw: by permutations of hidden units, which for one hidden layer is exact,
    and in `after_signs` by the changes of sign, too, that a tanh unit allows. Aligning lessens the variance of draws
    of *any* symmetric law; what tells chains from each other is the share between them.
    """
    prefix = "weights_half"
    arrays = {name.removeprefix(prefix): values[:, first:] for name, values in file.items() if name.startswith(prefix)}
    chains, kept = next(iter(arrays.values())).shape[:2]
    chosen = np.unique(np.linspace(0, kept - 1, min(ALIGNED_DRAWS, kept)).round().astype(int))
    arrays = {name: values[:, chosen] for name, values in arrays.items()}
    hidden = (Factor("hidden", arrays[".layers[0].bias"].shape[-1]),)
    symmetries = Symmetries(
        {
            ".layers[0].weight": (hidden, (Factor(None, arrays[".layers[0].weight"].shape[-1]),)),
            ".layers[0].bias": (hidden,),
            ".layers[1].weight": ((Factor(None, arrays[".layers[1].weight"].shape[-2]),), hidden),
            ".layers[1].bias": ((Factor(None, arrays[".layers[1].bias"].shape[-1]),),),
        }
    )
    reference = {name: values[0, -1] for name, values in arrays.items()}
    found: dict[str, list[list[ndarray]]] = {"before": [], "after": [], "after_signs": []}
    for chain in range(chains):
        lines: dict[str, list[ndarray]] = {name: [] for name in found}
        for draw in range(len(chosen)):
            one = {name: values[chain, draw] for name, values in arrays.items()}
            matching = match(
                Gaussians.point(reference), Gaussians.point(one), symmetries, divergence="mean", restarts=1
            )
            lines["before"].append(_flat(one))
            lines["after"].append(_flat(permuted(one, matching.permutations, symmetries)))
            lines["after_signs"].append(_signed(reference, one))
        for name in found:
            found[name].append(lines[name])
    measures = []
    for name, by_chain in found.items():
        draws = np.array(by_chain)
        between, within = draws.mean(axis=1).var(axis=0).sum(), draws.var(axis=1).mean(axis=0).sum()
        measures += [
            Measure(quantity=f"between_share_{name}", value=float(between / (between + within)), seeds=chains),
            Measure(quantity=f"weight_variance_{name}", value=float(between + within), seeds=chains),
            Measure(quantity=f"largest_r_hat_of_weights_{name}", value=float(r_hat(draws).max()), seeds=chains),
        ]
    return measures


def _signed(reference: dict[str, ndarray], one: dict[str, ndarray]) -> Float[ndarray, "numbers"]:
    """Return the numbers of `one` with hidden units permuted and their signs changed to be nearest to `reference`.

    **Source**: tanh is odd, so that a unit with all its weights negated computes the same. The distance is least when
    the absolute values of the units' inner products gain most, which is one assignment problem.
    """
    ours, theirs = _units(reference), _units(one)
    gains = ours @ theirs.T
    columns, _ = assignment(np.abs(gains), None)
    signs = np.where(gains[np.arange(len(gains)), columns] < 0, -1.0, 1.0)
    return np.concatenate([(theirs[columns] * signs[:, None]).ravel(), one[".layers[1].bias"]])


def _units(arrays: dict[str, ndarray]) -> Float[ndarray, "hidden numbers"]:
    first, bias, second = (arrays[f".layers[{name}"] for name in ("0].weight", "0].bias", "1].weight"))
    return np.concatenate([first, bias[:, None], second.T], axis=1)


def _flat(arrays: dict[str, ndarray]) -> Float[ndarray, "numbers"]:
    return np.concatenate([_units(arrays).ravel(), arrays[".layers[1].bias"]])


def _error(draws: Float[ndarray, "chains draws ..."]) -> Float[ndarray, "..."]:
    """Return the standard error of the mean over all draws, from the means of the chains."""
    return draws.mean(axis=1).std(axis=0, ddof=1) / np.sqrt(len(draws))


def _root_mean_square(values: Float[ndarray, "..."]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _loss(predictive: Float[ndarray, "images classes"], labels: Int[ndarray, "images"]) -> float:
    """Return the marginalized loss in nats."""
    return -float(np.mean(np.log(predictive[np.arange(len(labels)), labels])))


def _accuracy(predictive: Float[ndarray, "images classes"], labels: Int[ndarray, "images"]) -> float:
    return float(np.mean(predictive.argmax(axis=-1) == labels))


def _total_variation(first: Float[ndarray, "images classes"], second: Float[ndarray, "images classes"]) -> float:
    """Return the mean over images of half the sum over classes of |first - second|."""
    return float(np.abs(first - second).sum(axis=-1).mean() / 2)


def _interval(quantity: str, samples: Float[ndarray, "samples"]) -> Measure:
    value, low, high = mean_interval(samples)
    return Measure(quantity=quantity, value=value, ci_low=low, ci_high=high, seeds=len(samples))
