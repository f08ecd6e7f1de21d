"""Draw Fig. 1b: losses of all methods by epoch, released code beside the paper's text."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from perspectives.highres import published
from perspectives.workbench.figures import COLOURS, PAGE_INCHES, PUBLISHED, save, style
from perspectives.workbench.step import Input, Output

LABELS = {
    "gaussian": {"nnag": "NNAG", "per_fe_c": "Per-FE-C", "perturbed_gd": "perturbed GD"},
    "finite_sum": {"sgd": "SGD", "svrg": "SVRG", "nnag_sgd": "NNAG+SGD", "nnag_svrg": "NNAG+SVRG"},
}
ROWS = {"gaussian": "full gradient + noise", "finite_sum": "one sample"}
COLUMNS = {"code": "steps of the released code", "text": "steps of the paper's text"}


def plot_race(*, curves: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw f(x_k) - f(generating point) as published, f(x_k) - min f thinly, and the published means."""
    table = pd.read_csv(curves)
    last = float(table["epoch"].to_numpy().max())
    shown = [table.drop(columns="standard_error").melt(id_vars=["mode", "panel", "method", "epoch"], var_name="curve")]
    with style():
        figure, grid = plt.subplots(2, 2, figsize=(PAGE_INCHES, 4.4), sharex=True, sharey="row")
        for i, (panel, row_title) in enumerate(ROWS.items()):
            floor = _floor(table, panel)
            for j, (mode, column_title) in enumerate(COLUMNS.items()):
                axes = grid[i, j]
                for colour, (method, label) in zip(COLOURS, LABELS[panel].items(), strict=False):
                    rows = table.query("mode == @mode and method == @method")
                    _draw(axes, rows, colour, label, floor)
                    shown.append(_draw_published(axes, mode, panel, method, colour, last))
                axes.set(yscale="log", xlim=(0, 1.02 * last))
                if i == 0:
                    axes.set_title(column_title)
                else:
                    axes.set_xlabel("epoch")
            grid[i, 0].set_ylabel(f"{row_title}\n" + r"$f(x_k) - f(x^*_{\mathrm{gen}})$")
            grid[i, 0].set_ylim(bottom=floor)
            grid[i, 1].plot([], [], color="grey", linewidth=0.7, linestyle="--", label=r"above $\min f$")
            grid[i, 1].plot([], [], color="grey", marker="v", linestyle="none", markersize=5, label="falls below 0")
            grid[i, 1].plot([], [], label="published", **PUBLISHED)
            grid[i, 1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    pd.concat(shown).to_csv(csv, index=False)


def _floor(table: pd.DataFrame, panel: str) -> float:
    """Return the lowest loss shown, half of the smallest mean above min f at most 1e-3."""
    lowest = float(table.query("panel == @panel")["above_minimum"].to_numpy().min())
    return min(lowest / 2, 1e-3)


def _draw(axes, rows: pd.DataFrame, colour: str, label: str, floor: float) -> None:
    """Draw one method up to where its mean first falls below the generating point's loss; a triangle marks the dive."""
    epoch, value = rows["epoch"].to_numpy(), rows["above_generator"].to_numpy()
    below = np.flatnonzero(value <= 0)
    end = below[0] if below.size else len(value)
    axes.plot(epoch[:end], value[:end], color=colour, label=label)
    axes.plot(epoch, rows["above_minimum"], color=colour, linewidth=0.7, linestyle="--")
    if below.size:
        axes.plot(epoch[end], floor, color=colour, marker="v", markersize=5, clip_on=False)


def _draw_published(axes, mode: str, panel: str, method: str, colour: str, last: float) -> pd.DataFrame:
    points = [
        (epoch, value)
        for epoch, value in zip(published.RACE_EPOCHS, published.RACE[method], strict=True)
        if value is not None and epoch <= last
    ]
    if points:
        epochs, values = zip(*points, strict=True)
        # Crosses are black in every figure; the dotted line says whose they are.
        axes.plot(epochs, values, color=colour, linewidth=0.8, linestyle=":")
        axes.plot(epochs, values, **PUBLISHED)
    columns = {"mode": mode, "panel": panel, "method": method, "curve": "published"}
    return pd.DataFrame(points, columns=["epoch", "value"]).assign(**columns)
