"""Draw the last 18 % of the way from noise to the swiss roll, along the family of reverse equations."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import PowerNorm

from perspectives.workbench.arrays import read_groups
from perspectives.workbench.figures import PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output

GAMMA = 0.6
"""Exponent of the colour: thin places stay visible beside the dense inner winding."""

LEVELS = 20
"""Of colour: the noise of a histogram in more of them would make a large file and show nothing."""


def plot_lambda_family(*, samples: Input, table: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw a histogram for each member and time; on the right each member's distance from the data."""
    family = read_groups(samples)["family"]
    distances: Any = pd.read_csv(table)
    lambdas, times, counts = family["lambdas"], family["times"], family["counts"]
    # Two by two cells: as fine as a panel has room for, with half the sampling noise.
    coarse = counts.reshape(*counts.shape[:2], counts.shape[2] // 2, 2, counts.shape[3] // 2, 2).sum(axis=(3, 5))
    # One colour for one density in all panels: the top is what few cells of the last column exceed.
    occupied = coarse[:, -1][coarse[:, -1] > 0]  # none after a training so short that all samples leave the window
    norm = PowerNorm(GAMMA, vmin=0, vmax=float(np.quantile(occupied, 0.995)) if occupied.size else 1.0)
    colours = plt.get_cmap("magma", LEVELS)
    with style():
        margins = {"left": 0.12, "right": 0.925, "top": 0.946, "bottom": 0.039, "wspace": 0.03, "hspace": 0.03}
        # By hand: constrained layout leaves no two panels as near to each other.
        figure, grid = plt.subplots(
            len(lambdas), len(times), figsize=(PAGE_INCHES, 5.6), layout="none", gridspec_kw=margins
        )
        for row, (lmbda, of_member) in enumerate(zip(lambdas, coarse, strict=True)):
            for column, (time, histogram) in enumerate(zip(times, of_member, strict=True)):
                axes = grid[row, column]
                axes.imshow(histogram.T, origin="lower", cmap=colours, norm=norm, interpolation="nearest")
                axes.set(xticks=[], yticks=[])
                axes.grid(visible=False)
                axes.spines[:].set_visible(False)
                if row == 0:
                    axes.set_title(f"$t = {time:.2f}$", fontsize=7, pad=2)
            name = f"$\\lambda = {lmbda:g}$"
            grid[row, 0].set_ylabel(name, fontsize=8, rotation=0, ha="right", va="center")
            value = float(distances["distance"].iloc[row])
            grid[row, -1].annotate(f"{value:.3f}", (1.07, 0.5), xycoords="axes fraction", va="center", fontsize=7)
        grid[0, -1].annotate("$W_2$", (1.07, 1.06), xycoords="axes fraction", fontsize=7)
        for row, name in ((int(np.argmin(abs(lambdas))), "SDE"), (len(lambdas) - 1, "ODE")):
            grid[row, 0].annotate(name, (-0.1, 0.18), xycoords="axes fraction", ha="right", fontsize=6.5, color="0.35")
        floor = float(distances["distance"].iloc[-1])
        figure.text(
            0.925, 0.008, f"$W_2$: sliced distance of the last column from data; of data from other data {floor:.3f}",
            ha="right", fontsize=6.5, color="0.25",
        )  # fmt: skip
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    # One line for each row of pixels: x is along the line, z its height.
    cells = counts.shape[-1]
    centres = 0.5 * (family["edges"][1:] + family["edges"][:-1])
    index = pd.MultiIndex.from_product([lambdas, np.round(times, 6), np.round(centres, 6)], names=["lambda", "t", "z"])
    columns = [f"{x:.4g}" for x in centres]
    pd.DataFrame(counts.swapaxes(2, 3).reshape(-1, cells), index, columns).to_csv(csv)
