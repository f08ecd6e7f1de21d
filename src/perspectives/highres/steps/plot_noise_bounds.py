"""Draw NNAG on a noisy quadratic against its bounds (30), (32) and (33)."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from perspectives.workbench.figures import BLUE, COLOURS, PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output

TITLES = {
    "(30)": "NNAG (29), gap",
    "(32)": "modified NNAG (31), gap",
    "(33)": r"(31), smallest $|\nabla f(x_i)|^2$, $i < k$",
}


def plot_noise_bounds(*, curves: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw the seed mean, its 95 % band and the bound, one panel a bound."""
    table = pd.read_csv(curves)
    with style():
        figure, all_axes = plt.subplots(1, len(TITLES), figsize=(PAGE_INCHES, 2.4), sharex=True)
        for axes, (name, title) in zip(all_axes, TITLES.items(), strict=True):
            rows = table[table["bound"] == name]
            half = 1.96 * rows["standard_error"]
            axes.loglog(rows["k"], rows["mean"], color=BLUE, label="mean over seeds")
            axes.fill_between(
                rows["k"], np.maximum(rows["mean"] - half, 1e-300), rows["mean"] + half, color=BLUE, alpha=0.25
            )
            finite = rows[np.isfinite(rows["limit"]) & (rows["k"] >= 2)]
            axes.loglog(finite["k"], finite["limit"], color=COLOURS[1], linestyle="--", label=f"bound {name}")
            axes.set(title=title, xlabel="iteration $k$")
            axes.set_ylim(bottom=0.3 * np.asarray(rows["mean"]).min())
            axes.legend()
        all_axes[0].set_ylabel("expectation and bound")
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    shown = table.rename(columns={"limit": "bound_value"})
    shown.melt(id_vars=["bound", "k"], var_name="curve", value_name="value").to_csv(csv, index=False)
