"""Draw Nesterov's method against the bounds of Theorem 3.1."""

import matplotlib.pyplot as plt
import pandas as pd

from perspectives.workbench.figures import COLOURS, PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output

LABELS = {
    "worst_case": "Nesterov's worst case",
    "quadratic": "quadratic",
    "breast_cancer": "logistic, breast cancer",
}


def plot_constants(*, ratios: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw both quantities over their bounds against k; 1 is the bound."""
    table = pd.read_csv(ratios)
    # Beyond, rounding is all that is left to see.
    table = table.query("gradient_over_bound > 1e-16 and gap_over_bound > 1e-16")
    series = {str(name): rows for name, rows in table.groupby("problem")}
    with style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE_INCHES, 2.5), sharex=True)
        for colour, (problem, label) in zip(COLOURS, LABELS.items(), strict=False):
            rows = series[problem]
            left.loglog(rows["k"], rows["gradient_over_bound"], color=colour, label=label)
            right.loglog(rows["k"], rows["gap_over_bound"], color=colour, label=label)
        left.set(title="smallest squared gradient over $12|x_0-x^*|^2/(k^3s^2)$", ylabel="ratio")
        right.set(title="gap over $2|x_0-x^*|^2/(sk(k+2))$")
        for axes in (left, right):
            axes.axhline(1.0, color="black", linewidth=0.9)
            axes.set_xlabel("iteration $k$")
        left.legend(loc="lower left")
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    shown = table.drop(columns="smallest_squared_gradient")
    shown.melt(id_vars=["problem", "k"], var_name="curve", value_name="ratio").to_csv(csv, index=False)
