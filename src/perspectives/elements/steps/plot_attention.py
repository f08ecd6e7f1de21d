"""Draw encodings of positions, a soft dictionary, and the tiny decoder."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from perspectives.workbench.figures import COLOURS, PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output


def plot_attention(*, curves: Input, matrices: Input, losses: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw waves and heat map of the encoding, a dictionary at three widths, the decoder's derivatives and training."""
    table, training = pd.read_csv(curves), pd.read_csv(losses)
    long = pd.read_csv(matrices)
    squares = {str(n): rows.pivot(index="row", columns="column", values="value") for n, rows in long.groupby("matrix")}
    with style():
        figure, grid = plt.subplots(2, 3, figsize=(PAGE_INCHES, 4.8))
        _waves(grid[0, 0], table.query("panel == 'waves'"))
        _heat_map(grid[0, 1], squares["encoding"])
        _inner_products(grid[0, 2], squares["encoding"])
        _dictionary(grid[1, 0], table.query("panel == 'dictionary'"))
        _dependence(grid[1, 1], squares["dependence"])
        _training(grid[1, 2], training)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    parts = [
        table,
        long.rename(columns={"matrix": "panel", "row": "x", "column": "x2", "value": "y"}),
        training.rename(columns={"step": "x", "loss": "y"}).assign(panel="training"),
    ]
    pd.concat(parts).to_csv(csv, index=False, float_format="%.9g")


def _waves(axes: Axes, waves: pd.DataFrame) -> None:
    """Draw the features one above the other, as many as the companion code's panels."""
    for colour, (name, rows) in zip(COLOURS, waves.groupby("series"), strict=False):
        axes.plot(rows["x"], rows["y"] + 2.5 * int(str(name)), color=colour, linewidth=0.8)
    count = len(set(waves["series"]))
    axes.set(xlabel="position $i$", ylabel="feature $j$", title="Waves, 6 features")
    axes.set_yticks(2.5 * np.arange(count), [str(j) for j in range(count)])
    axes.grid(visible=False)


def _heat_map(axes: Axes, encoding: pd.DataFrame) -> None:
    image = axes.imshow(encoding, aspect="auto", cmap="viridis", interpolation="nearest", vmin=-1, vmax=1)
    axes.set(xlabel="feature $j$", ylabel="position $i$", title="Encoding, 50 features")
    axes.grid(visible=False)
    axes.figure.colorbar(image, ax=axes, ticks=[-1, 0, 1], label="$P_{ij}$")


def _inner_products(axes: Axes, encoding: pd.DataFrame) -> None:
    """Draw inner products with three positions by offset: one curve, since position does not matter."""
    rows = encoding.to_numpy()
    for colour, linestyle, position in zip(COLOURS, ("-", "--", ":"), (0, 50, 99), strict=False):
        offsets = np.arange(len(rows)) - position
        axes.plot(offsets, rows @ rows[position], color=colour, linestyle=linestyle, label=f"$i = {position}$")
    axes.set(xlabel="offset $j - i$", ylabel=r"$\langle P_i, P_j \rangle$", title="Inner products", ylim=(None, 32))
    axes.legend(ncols=3, loc="upper center", fontsize=6, handlelength=1.2, columnspacing=0.8)


def _dictionary(axes: Axes, table: pd.DataFrame) -> None:
    series = {str(name): rows for name, rows in table.groupby("series")}
    pairs = series.pop("pairs")
    for colour, name in zip(COLOURS, sorted(series, key=float), strict=False):
        axes.plot(series[name]["x"], series[name]["y"], color=colour, label=f"width {name}")
    axes.plot(pairs["x"], pairs["y"], "x", color="black", markersize=5, label="pairs")
    for number, (x, y) in enumerate(zip(pairs["x"], pairs["y"], strict=True), start=1):
        axes.annotate(f"{number}", (x, y), xytext=(3, 3), textcoords="offset points", fontsize=7)
    axes.set(xlim=(0, 1), ylim=(0, 0.75), xlabel="key", ylabel="value", title="Soft dictionary")
    axes.legend(ncols=2, loc="upper center", fontsize=6)


def _dependence(axes: Axes, dependence: pd.DataFrame) -> None:
    """Draw the norms of derivatives; exact zeros are white."""
    positive = dependence.where(dependence > 0)
    image = axes.imshow(positive, norm=LogNorm(), cmap="viridis", interpolation="nearest", aspect="auto")
    length = len(dependence) // 2
    axes.axhline(length - 0.5, color="0.5", linewidth=0.6)
    axes.axvline(length - 0.5, color="0.5", linewidth=0.6)
    axes.set(xlabel="by embedding of token", ylabel="of logits after token", title="Norm of derivatives")
    axes.grid(visible=False)
    axes.figure.colorbar(image, ax=axes, label="norm")


def _training(axes: Axes, training: pd.DataFrame) -> None:
    axes.semilogy(training["step"], training["loss"], color=COLOURS[0])
    axes.set(xlabel="step", ylabel="loss, nats a token", title="Learning to copy")
