"""Compare the methods of Fig. 1b seed by seed."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from perspectives.highres import published
from perspectives.numerics.statistics import mean_interval
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output

Losses = Mapping[tuple[str, str], np.ndarray]
"""(mode, method) -> losses, seed by log."""

FINAL = {
    "per_fe_c_minus_nnag_code": (("code", "per_fe_c"), ("code", "nnag")),
    "perturbed_gd_minus_per_fe_c_code": (("code", "perturbed_gd"), ("code", "per_fe_c")),
    "perturbed_gd_minus_nnag_text": (("text", "perturbed_gd"), ("text", "nnag")),
    "per_fe_c_minus_nnag_text": (("text", "per_fe_c"), ("text", "nnag")),
    "perturbed_gd_minus_per_fe_c_text": (("text", "perturbed_gd"), ("text", "per_fe_c")),
    # What one departure of the code from the text changes, everything else equal.
    "nnag_beta_tenth_minus_full_code": (("code", "nnag_beta_tenth"), ("code", "nnag")),
    "nnag_reused_minus_fresh_noise_code": (("code", "nnag_reused_noise"), ("code", "nnag")),
    "perturbed_gd_code_step_minus_text_step": (("code", "perturbed_gd"), ("text", "perturbed_gd")),
    "per_fe_c_gradient_x_minus_y": (("code", "per_fe_c"), ("text", "per_fe_c")),
    "nnag_svrg_index_bug_minus_all_samples": (("code", "nnag_svrg"), ("code", "nnag_svrg_all_samples")),
    "nnag_svrg_same_sample_minus_reused_estimate": (("code", "nnag_svrg_all_samples"), ("text", "nnag_svrg")),
    "nnag_sgd_same_sample_minus_reused_estimate": (("code", "nnag_sgd"), ("text", "nnag_sgd")),
}
"""Differences at the last epoch: measure -> (first, second)."""

AT_EPOCH = {
    "svrg_minus_nnag_svrg_epoch_20": (20, ("code", "svrg"), ("code", "nnag_svrg")),
    "svrg_minus_nnag_svrg_all_samples_epoch_20": (20, ("code", "svrg"), ("code", "nnag_svrg_all_samples")),
    "svrg_minus_nnag_svrg_text_epoch_20": (20, ("text", "svrg"), ("text", "nnag_svrg")),
    "sgd_minus_nnag_sgd_epoch_1": (1, ("code", "sgd"), ("code", "nnag_sgd")),
    "sgd_minus_nnag_sgd_epoch_20": (20, ("code", "sgd"), ("code", "nnag_sgd")),
    "sgd_minus_nnag_sgd_epoch_100": (100, ("code", "sgd"), ("code", "nnag_sgd")),
    "sgd_minus_nnag_sgd_text_epoch_100": (100, ("text", "sgd"), ("text", "nnag_sgd")),
}
"""Differences at a given epoch: measure -> (epoch, first, second)."""


def evaluate_race(*, code: Input, text: Input, measures: Output, epochs: Output, curves: Output) -> None:
    """Write paired differences with intervals, means by epoch beside the published ones, and all mean curves."""
    losses: dict[tuple[str, str], np.ndarray] = {}
    tables = []
    for mode, path in (("code", code), ("text", text)):
        with np.load(path, allow_pickle=False) as archive:
            file = dict(archive)
        losses |= {(mode, str(name)): found for name, found in zip(file["methods"], file["losses"], strict=True)}
        tables.append(_curves(mode, file))
    # Problem and clock are the same in both files; take them from the last.
    per_epoch = int(file["logs_per_epoch"])
    last = (len(file["epochs"]) - 1) // per_epoch
    rows = [_difference(name, losses, last * per_epoch, *pair) for name, pair in FINAL.items()]
    rows += [
        _difference(name, losses, epoch * per_epoch, *pair)
        for name, (epoch, *pair) in AT_EPOCH.items()
        if epoch <= last
    ]
    excess = float(file["generator_loss"] - file["minimum_loss"])
    rows += [
        Measure(quantity="generating_point_excess", value=excess),
        Measure(quantity="largest_squared_row", value=float(file["row_smoothness"])),
        Measure(quantity="smoothness", value=float(file["smoothness"])),
    ]
    write_measures(measures, rows)
    curve = pd.concat(tables)
    curve.to_csv(curves, index=False)
    _at_epochs(curve).to_csv(epochs, index=False)


def _difference(name: str, losses: Losses, log: int, first: tuple[str, str], second: tuple[str, str]) -> Measure:
    differences = losses[first][:, log] - losses[second][:, log]
    value, low, high = mean_interval(differences)
    return Measure(quantity=name, value=value, ci_low=low, ci_high=high, seeds=len(differences))


def _curves(mode: str, file: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return the seed means of one mode against both levels, with the standard error over seeds, long."""
    tables = []
    for name, panel, found in zip(file["methods"], file["gaussian"], file["losses"], strict=True):
        mean = found.mean(axis=0)
        tables.append(
            pd.DataFrame(
                {
                    "mode": mode,
                    "panel": "gaussian" if panel else "finite_sum",
                    "method": str(name),
                    "epoch": file["epochs"],
                    "above_generator": mean - file["generator_loss"],
                    "above_minimum": mean - file["minimum_loss"],
                    "standard_error": found.std(axis=0, ddof=1) / np.sqrt(len(found)),
                }
            )
        )
    return pd.concat(tables)


def _at_epochs(curve: pd.DataFrame) -> pd.DataFrame:
    """Return the rows at the epochs that were digitised, with the published value beside the mean."""
    values = [
        (method, float(epoch), value)
        for method, found in published.RACE.items()
        for epoch, value in zip(published.RACE_EPOCHS, found, strict=True)
    ]
    table = curve[curve["epoch"].isin(published.RACE_EPOCHS)]
    known = pd.DataFrame(values, columns=["method", "epoch", "published"])
    return table.merge(known, on=["method", "epoch"], how="left")
