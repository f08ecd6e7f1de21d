"""Draw Fig. 2: training loss and validation accuracy by epoch, and below what two ablations change."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from perspectives.highres import published as archived
from perspectives.highres.arms import LABELS, PAPERS, MethodName
from perspectives.highres.settings import DeepSettings
from perspectives.workbench.figures import COLOURS, PAGE_INCHES, PUBLISHED, save, style
from perspectives.workbench.step import Input, Output

ABLATIONS: tuple[MethodName, ...] = ("nnag", "nnag_a15", "nnag_svrg", "nnag_svrg_epoch_reset")
STYLES: dict[str, dict[str, Any]] = {
    method: {"color": colour} for method, colour in zip(PAPERS, COLOURS, strict=False)
} | {
    "svrg": {"color": COLOURS[1], "linestyle": (0, (2, 1))},  # lies on SGD's line
    "nnag_a15": {"color": COLOURS[2], "linestyle": "--"},
    "nnag_svrg_epoch_reset": {"color": COLOURS[3], "linestyle": "--"},
}
QUANTITIES = {"train_loss": "training loss (nats)", "accuracy": "validation accuracy"}
PUBLISHED_POINTS = {
    "train_loss": (archived.DEEP_LOSS_EPOCHS, archived.DEEP_LOSS),
    "accuracy": (archived.DEEP_ACCURACY_EPOCHS, archived.DEEP_ACCURACY),
}


def plot_deep(
    *, settings: DeepSettings, curves: Input, published: Input | None = None, png: Output, pdf: Output, csv: Output
) -> None:
    """Draw means over seeds with their 95 % intervals; published values where the data are the paper's."""
    table = pd.read_csv(curves)
    papers_data = settings.dataset == "cifar-10"
    whole = pd.read_csv(published) if published and papers_data else None
    shown = [table[["quantity", "method", "epoch", "mean", "ci_low", "ci_high"]].assign(source="ours")]
    with style():
        figure, grid = plt.subplots(2, 2, figsize=(PAGE_INCHES, 4.6), sharex=True, sharey="col")
        for axes, (quantity, label) in zip(grid.T, QUANTITIES.items(), strict=True):
            rows = table.query("quantity == @quantity")
            for method in PAPERS:
                _draw(axes[0], rows, method)
                if whole is not None:
                    line = whole.query("quantity == @quantity and method == @method")
                    axes[0].plot(
                        line["epoch"], line["mean"], color=STYLES[method]["color"], linewidth=0.8, linestyle=":"
                    )
                    shown.append(line[["quantity", "method", "epoch", "mean"]].assign(source="published"))
                if papers_data:
                    epochs, values = PUBLISHED_POINTS[quantity]
                    axes[0].plot(epochs, values[method], **PUBLISHED)
            for method in ABLATIONS:
                _draw(axes[1], rows, method)
            for each in axes:
                each.set(ylabel=label, xlim=(0, settings.epochs + 1))
                if quantity == "train_loss":
                    # An interval may reach below zero, where a logarithmic axis has no end.
                    each.set_yscale("log", nonpositive="clip")
                    each.set_ylim(bottom=0.7 * float(np.nanmin(np.asarray(rows["mean"]))))
                else:
                    each.set_ylim(0, 1)
                each.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes[1].set_xlabel("epoch")
        if papers_data:
            grid[0, 0].plot([], [], label="published", **PUBLISHED)
        for axes in grid[:, 0]:
            axes.legend(loc="upper right")
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    pd.concat(shown).to_csv(csv, index=False)


def _draw(axes: Axes, rows: pd.DataFrame, method: MethodName) -> None:
    found = rows[rows["method"] == method]
    epoch, mean, low, high = (np.asarray(found[name]) for name in ("epoch", "mean", "ci_low", "ci_high"))
    axes.plot(epoch, mean, label=LABELS[method], **STYLES[method])
    axes.fill_between(epoch, low, high, color=STYLES[method]["color"], alpha=0.2, linewidth=0)
