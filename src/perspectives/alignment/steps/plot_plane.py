"""Draw the marginalized loss on the plane through two posteriors and the second one aligned."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from perspectives.workbench.figures import COLUMN_INCHES, save, style
from perspectives.workbench.step import Input, Output

LABELS = {"first": "$q_0$", "second": "$q_1$", "second aligned": "$q_1$ aligned"}
LEVELS = 16


def plot_plane(*, grid: Input, corners: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw filled contours, equally spaced in the logarithm of the loss; distances on the paper are W2 distances."""
    table, points = pd.read_csv(grid), pd.read_csv(corners)
    square = table.pivot(index="y", columns="x", values="loss")
    values = square.to_numpy()
    levels = np.geomspace(values.min(), values.max(), LEVELS)
    with style():
        figure, axes = plt.subplots(figsize=(COLUMN_INCHES + 0.6, 3.0))
        drawn = axes.contourf(square.columns, square.index, values, levels=levels, cmap="cividis_r", norm="log")
        axes.contour(square.columns, square.index, values, levels=levels, colors="white", linewidths=0.3)
        first = points[points["posterior"] == "first"].iloc[0]
        for _, corner in points.iterrows():
            if corner["posterior"] != "first":
                axes.plot(
                    [first["x"], corner["x"]], [first["y"], corner["y"]], color="black", linewidth=0.9, linestyle="--"
                )
        for _, corner in points.iterrows():
            axes.plot(corner["x"], corner["y"], "o", color="black", markersize=4)
            axes.annotate(
                LABELS[corner["posterior"]], (corner["x"], corner["y"]), xytext=(5, 5), textcoords="offset points"
            )
        axes.set(aspect="equal", xlabel=r"$W_2$ towards $q_1$", ylabel=r"$W_2$ at right angles")
        axes.grid(False)
        bar = figure.colorbar(drawn, ax=axes, label="marginalized loss (nats)")
        ticks = [tick for tick in (0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 50) if levels[0] <= tick <= levels[-1]]
        bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
        bar.minorticks_off()
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    pd.concat([table.assign(what="loss"), points.assign(what="posterior")]).to_csv(csv, index=False)
