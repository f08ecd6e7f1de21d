"""Take the published bands of Fig. 2 apart into the mean that they follow and the spread that they hide."""

from pathlib import Path

import numpy as np
import pandas as pd

from perspectives.highres.arms import PAPERS
from perspectives.highres.bands import RUNS, half_width, recovered_variance
from perspectives.workbench.errors import UserError
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output

COLUMNS = [
    *("SGD", "SVRG", "NNAG", "NNAG+SVRG", "Epoch"),
    *(f"{end}{number}" for number in range(1, 5) for end in ("Lower", "Upper")),
]


def evaluate_bands(*, train_loss: Input, validation_accuracy: Input, curves: Output, measures: Output) -> None:
    """Write published means, half-widths and recovered spread by epoch, and how the half-widths follow the means."""
    table = pd.concat(
        [_series(train_loss).assign(quantity="train_loss"), _series(validation_accuracy).assign(quantity="accuracy")]
    )
    table.to_csv(curves, index=False)
    ratio = table["half_width"].to_numpy() / np.sqrt(table["mean"].to_numpy())
    rows = [
        Measure(quantity="smallest_half_width_over_root_mean", value=float(ratio.min()), seeds=RUNS),
        Measure(quantity="largest_half_width_over_root_mean", value=float(ratio.max()), seeds=RUNS),
    ]
    last = table[table["epoch"] == 100]
    for quantity, method, value in zip(last["quantity"], last["method"], last["recovered_sd"], strict=True):
        name = f"recovered_sd_{quantity}_epoch_100_{method}"
        rows.append(Measure(quantity=name, value=float(value), seeds=RUNS))
    write_measures(measures, rows)


def _series(path: Path) -> pd.DataFrame:
    """Return one of the authors' files in long form. **Raises**: UserError when it has other columns."""
    wide = pd.read_csv(path, sep=r"\s+")
    if list(wide.columns) != COLUMNS:
        raise UserError(f"{path} has the columns {', '.join(wide.columns)} where {', '.join(COLUMNS)} were expected.")
    tables = []
    for number, method in enumerate(PAPERS, start=1):
        mean = wide[COLUMNS[number - 1]].to_numpy()
        half = (wide[f"Upper{number}"] - wide[f"Lower{number}"]).to_numpy() / 2
        variance = recovered_variance(mean, half)
        tables.append(
            pd.DataFrame(
                {
                    "method": method,
                    "epoch": wide["Epoch"].astype(int),
                    "mean": mean,
                    "half_width": half,
                    "recovered_sd": np.sqrt(variance),
                    "correct_half_width": half_width(variance),
                }
            )
        )
    return pd.concat(tables)
