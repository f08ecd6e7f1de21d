"""Draw the Langevin chains, their R-hat, and mean-field predictions against theirs."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from perspectives.numerics.convergence import LARGEST_R_HAT
from perspectives.workbench.figures import BLUE, COLOURS, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.measures import read_measures
from perspectives.workbench.step import Input, Output


def plot_langevin(*, measures: Input, predictions: Input, traces: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw traces of the loss of single draws, the R-hat of all predictions, and means and spreads of predictions."""
    found, table, lines = read_measures(measures), pd.read_csv(predictions), pd.read_csv(traces)
    converged = bool(found["converged"].value)
    with style():
        figure, ((trace, factor), (mean, spread)) = plt.subplots(2, 2, figsize=(PAGE_INCHES, 5.0))
        for number, (_, rows) in enumerate(lines.groupby("chain")):
            trace.plot(rows["time"], rows["loss_nats"], color=COLOURS[number % len(COLOURS)], lw=0.5, alpha=0.8)
        trace.axvline(lines.loc[lines["kept"], "time"].min(), color="black", linestyle=":", linewidth=0.8)
        trace.set(xlabel="time", ylabel="test loss of one draw (nats)")
        trace.set_title(f"{lines['chain'].nunique()} chains at half the step; left of the dots: burn-in")

        columns = {"at the step": "r_hat_step", "at half the step": "r_hat_half"}
        edges = np.linspace(
            min(table[c].min() for c in columns.values()),
            max(LARGEST_R_HAT, *(table[c].max() for c in columns.values())),
            40,
        )
        for colour, (label, column) in zip((BLUE, VERMILION), columns.items(), strict=True):
            factor.hist(table[column], bins=edges.tolist(), histtype="step", color=colour, label=label)
        factor.axvline(LARGEST_R_HAT, color="black", linestyle="--", linewidth=0.8, label="largest allowed")
        factor.set(xlabel=r"$\hat R$ of a class probability", ylabel="predictions")
        factor.set_title("Converged by R-hat and step halving" if converged else "NOT CONVERGED: no reference")
        factor.legend()

        for axes, suffix, title in ((mean, "", "Mean"), (spread, "_deviation", "Standard deviation")):
            for number, (digit, rows) in enumerate(table.groupby("digit")):
                axes.scatter(
                    rows[f"langevin{suffix}"], rows[f"mean_field{suffix}"], s=6, alpha=0.7, label=f"digit {digit}",
                    color=COLOURS[number % len(COLOURS)], linewidths=0,
                )  # fmt: skip
            end = float(table[[f"langevin{suffix}", f"mean_field{suffix}"]].to_numpy().max())
            axes.plot([0, end], [0, end], color="black", linewidth=0.6)
            axes.set(title=f"{title} of a class probability", xlabel="Langevin", ylabel="mean field")
        mean.legend()
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    drawn = table.melt(id_vars=["image", "digit", "label"], var_name="curve", value_name="value")
    shown = lines.rename(columns={"loss_nats": "value"}).assign(curve="loss_nats")
    pd.concat([drawn, shown]).to_csv(csv, index=False)
