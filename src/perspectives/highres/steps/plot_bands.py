"""Draw the published bands of Fig. 2 beside those that the same runs give when the variance is computed rightly."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from perspectives.highres.arms import LABELS, PAPERS
from perspectives.highres.steps.plot_deep import QUANTITIES, STYLES
from perspectives.workbench.figures import PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output

KINDS = {"half_width": "bands as published", "correct_half_width": "bands of the recovered spread"}


def plot_bands(*, curves: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw the published means twice: with the published bands, and with the recovered ones of the same level."""
    table = pd.read_csv(curves)
    with style():
        figure, grid = plt.subplots(2, 2, figsize=(PAGE_INCHES, 4.4), sharex=True, sharey="row")
        for row, (quantity, label) in zip(grid, QUANTITIES.items(), strict=True):
            of_quantity = table[table["quantity"] == quantity]
            for axes, (kind, title) in zip(row, KINDS.items(), strict=True):
                for method in PAPERS:
                    found = of_quantity[of_quantity["method"] == method]
                    epoch, mean, half = (np.asarray(found[name]) for name in ("epoch", "mean", kind))
                    axes.plot(epoch, mean, label=LABELS[method], **STYLES[method])
                    axes.fill_between(
                        epoch, mean - half, mean + half, color=STYLES[method]["color"], alpha=0.2, linewidth=0
                    )
                if quantity == "train_loss":
                    axes.set_title(title)
                else:
                    axes.set_xlabel("epoch")
            row[0].set_ylabel(label)
        grid[0, 1].legend(loc="upper right")
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    table.to_csv(csv, index=False)
