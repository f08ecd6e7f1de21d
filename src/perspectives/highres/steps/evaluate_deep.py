"""Compare the methods of Fig. 2 epoch by epoch and seed by seed."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray

from perspectives.highres.arms import MIXTURE_A, NNAG_A, NNAG_C, PAPERS
from perspectives.numerics.statistics import mean_interval
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output

Curves = Mapping[str, Float[ndarray, "seeds epochs"]]

PAPER_MIXTURE_A = 10.0
"""beta / sqrt(L) of NNAG+SVRG by the text of section 5.2: L = 100^2 and beta = L / 10."""


def evaluate_deep(*, runs: list[Input], curves: Output, measures: Output) -> None:
    """Write mean, standard deviation and 95 % interval of each epoch, and paired differences between methods."""
    loss, accuracy = _read(runs, "train_loss"), _read(runs, "validation_accuracy")
    table = pd.concat([_by_epoch(loss).assign(quantity="train_loss"), _by_epoch(accuracy).assign(quantity="accuracy")])
    table.to_csv(curves, index=False)

    epochs = next(iter(loss.values())).shape[1]
    rows = [
        Measure(quantity="nnag_c_over_theorems_limit", value=NNAG_C * NNAG_A),
        Measure(quantity="nnag_svrg_a_over_papers", value=MIXTURE_A / PAPER_MIXTURE_A),
    ]
    for epoch in (20, 100):
        if epoch <= epochs:
            rows += _ablations(_at(loss, epoch), _at(accuracy, epoch), epoch)
    if epochs >= 20:
        mixture, others = _against_others(_at(loss, 20), "nnag_svrg", smaller=True)
        rows.append(_measure("best_other_minus_nnag_svrg_loss_epoch_20", others - mixture))
    if epochs >= 100:
        final = _at(loss, 100)
        rows += [_measure(f"train_loss_epoch_100_{method}", final[method]) for method in PAPERS]
        nnag, others = _against_others(_at(accuracy, 100), "nnag", smaller=False)
        rows.append(_measure("nnag_minus_best_other_accuracy_epoch_100", nnag - others))
    write_measures(measures, rows)


def _read(runs: list[Input], name: str) -> Curves:
    found = {}
    for path in runs:
        with np.load(path, allow_pickle=False) as saved:
            found[str(saved["method"])] = saved[name].astype(float)
    return found


def _at(curves: Curves, epoch: int) -> dict[str, Float[ndarray, "seeds"]]:
    return {method: values[:, epoch - 1] for method, values in curves.items()}


def _by_epoch(curves: Curves) -> pd.DataFrame:
    rows = [
        (method, epoch, *mean_interval(values), float(np.std(values, ddof=1)), len(values))
        for method, seeds in curves.items()
        for epoch, values in enumerate(seeds.T, start=1)
    ]
    return pd.DataFrame(rows, columns=["method", "epoch", "mean", "ci_low", "ci_high", "sd", "seeds"])


def _measure(quantity: str, values: Float[ndarray, "seeds"]) -> Measure:
    value, low, high = mean_interval(values)
    return Measure(quantity=quantity, value=value, ci_low=low, ci_high=high, seeds=len(values))


def _against_others(
    values: Mapping[str, Float[ndarray, "seeds"]], method: str, *, smaller: bool
) -> tuple[Float[ndarray, "seeds"], Float[ndarray, "seeds"]]:
    """Return the values of `method` and those of its closest competitor in the paper, the best by its mean.

    A competitor that diverged is none.
    """
    means = {other: values[other].mean() * (1 if smaller else -1) for other in PAPERS if other != method}
    best = min(means, key=lambda other: means[other] if np.isfinite(means[other]) else np.inf)
    return values[method], values[best]


def _ablations(
    loss: Mapping[str, Float[ndarray, "seeds"]], accuracy: Mapping[str, Float[ndarray, "seeds"]], epoch: int
) -> list[Measure]:
    """Return what one change does: ours minus the released value, paired."""
    pairs = {
        "nnag_a15_minus_a150": ("nnag_a15", "nnag"),
        "nnag_svrg_reset_epoch_minus_batch": ("nnag_svrg_epoch_reset", "nnag_svrg"),
    }
    return [
        _measure(f"{name}_{what}_epoch_{epoch}", values[changed] - values[released])
        for name, (changed, released) in pairs.items()
        for what, values in (("loss", loss), ("accuracy", accuracy))
    ] + [_measure(f"svrg_minus_reset_each_epoch_loss_epoch_{epoch}", loss["svrg"] - loss["nnag_svrg_epoch_reset"])]
