"""Draw soft comparisons, the companion code's beside them, and three soft logics."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from mpl_toolkits.mplot3d.axes3d import Axes3D

from perspectives.workbench.figures import BLUE, GREEN, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

LINES = {
    "hard": ("black", "-", "hard"),
    "logistic": (BLUE, "-", "logistic"),
    "gaussian": (GREEN, "-", "Gaussian"),
    "companion": (VERMILION, "--", "logistic, as written"),
}
COMPARISONS = ("hard greater", "hard equal", "logistic greater", "logistic equal")
LOGICS = {"probabilistic": "Probabilistic", "extremum": "Extremum", "lukasiewicz": "Łukasiewicz"}
SURFACE = "probabilistic"
COLOUR_MAP = "viridis"


def plot_logic(*, curves: Input, surfaces: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw greater and equal along a line and over the plane, and and and or as maps and as surfaces."""
    table = pd.read_csv(curves).query("panel in ['greater', 'equal']")
    lines = {str(panel): rows for panel, rows in table.groupby("panel")}
    maps = pd.read_csv(surfaces)
    squares = {str(name): rows.pivot(index="v", columns="u", values="value") for name, rows in maps.groupby("operator")}
    with style():
        figure = plt.figure(figsize=(PAGE_INCHES, 7.4))
        grid = figure.add_gridspec(4, 4, height_ratios=(1.15, 1, 1, 1))
        for column, name in enumerate(("greater", "equal")):
            axes = figure.add_subplot(grid[0, 2 * column : 2 * column + 2])
            _lines(axes, lines[name])
            title = f"Is $u$ {'greater than' if name == 'greater' else 'equal to'} 0?"
            axes.set(xlabel="$u$", ylabel="truth", title=title, ylim=(-0.05, 1.5), yticks=[0, 0.5, 1])
        for column, name in enumerate(COMPARISONS):
            axes = figure.add_subplot(grid[1, column])
            _map(axes, squares[name])
            axes.set(title=name.capitalize(), xlabel="$u_1$", ylabel="$u_2$")
        for row, connective in ((2, "and"), (3, "or")):
            for column, (name, title) in enumerate(LOGICS.items()):
                axes = figure.add_subplot(grid[row, column])
                square = squares[f"{name} {connective}"]
                colours = _map(axes, square)
                axes.contour(square.columns, square.index, square, 8, colors="white", linewidths=0.4, alpha=0.7)
                _corners(axes, square)
                axes.set(title=f"{title} {connective}", xlabel=r"$\pi$", ylabel=r"$\pi'$")
            axes = figure.add_subplot(grid[row, 3], projection="3d")
            _surface(axes, squares[f"{SURFACE} {connective}"])
            axes.set_title(f"{LOGICS[SURFACE]} {connective}, surface", fontsize=7)
        figure.colorbar(
            colours, ax=figure.axes, location="bottom", fraction=0.012, aspect=80, shrink=0.6, label="truth"
        )
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    drawn = maps.rename(columns={"operator": "series", "u": "x", "v": "x2", "value": "y"}).assign(panel="map")
    pd.concat([table, drawn]).to_csv(csv, index=False, float_format="%.9g")


def _lines(axes: Axes, table: pd.DataFrame) -> None:
    for name, rows in table.groupby("series", sort=False):
        colour, linestyle, label = LINES[str(name)]
        axes.plot(rows["x"], rows["y"], color=colour, linestyle=linestyle, label=label)
    axes.legend(ncols=2, loc="upper left")


def _map(axes: Axes, square: pd.DataFrame):
    axes.grid(visible=False)
    axes.set_aspect("equal")
    edge = float(square.columns[-1])
    axes.set(xticks=[0, edge / 2, edge], yticks=[0, edge / 2, edge])
    return axes.pcolormesh(square.columns, square.index, square, cmap=COLOUR_MAP, vmin=0, vmax=1, rasterized=True)


def _corners(axes: Axes, square: pd.DataFrame) -> None:
    """Mark the truth table."""
    for u in (0.0, 1.0):
        for v in (0.0, 1.0):
            axes.scatter(
                u, v, s=22, c=[square.loc[v, u]], cmap=COLOUR_MAP, vmin=0, vmax=1, edgecolors="black", linewidths=0.6,
                clip_on=False, zorder=5,
            )  # fmt: skip


def _surface(axes: Axes3D, square: pd.DataFrame) -> None:
    u, v = np.meshgrid(square.columns, square.index)
    axes.plot_surface(u, v, square.to_numpy(), cmap=COLOUR_MAP, vmin=0, vmax=1, rcount=21, ccount=21)
    axes.set(xticks=[0, 1], yticks=[0, 1], zticks=[0, 1], xlabel=r"$\pi$", ylabel=r"$\pi'$", zlabel="truth")
    axes.tick_params(pad=-3, labelsize=6)
    axes.xaxis.labelpad = axes.yaxis.labelpad = axes.zaxis.labelpad = -11
    axes.view_init(elev=25, azim=-125)
