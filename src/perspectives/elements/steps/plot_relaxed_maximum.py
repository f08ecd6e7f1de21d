"""Draw the maximum, its soft and its sparse relaxation, and their arguments, over two and three scores."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.axes3d import Axes3D

from perspectives.workbench.figures import BLUE, GREEN, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

KINDS = {"hard": "0.45", "soft": BLUE, "sparse": VERMILION}
ACTIVATIONS = {"hard": "ReLU", "soft": "softplus", "sparse": "sparseplus"}
SIGMOIDS = {"hard": "Heaviside", "soft": "logistic", "sparse": "sparse sigmoid"}
TRIANGLE = 4.0 * np.array([[0, 0], [1, 0], [0.5, np.sqrt(0.75)]])
COLOURS = "magma"


def plot_relaxed_maximum(*, surfaces: Input, excess: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw curves of two scores, surfaces, and maps of maxima and arguments on a plane and a triangle of scores."""
    table = pd.read_csv(surfaces)
    domains = {str(domain): rows for domain, rows in table.groupby("domain")}
    with style():
        figure = plt.figure(figsize=(PAGE_INCHES, 8.6))
        curves, solids, maxima, arguments = np.asarray(figure.subfigures(4, 1, height_ratios=[1.8, 1.45, 1.65, 3.7]))
        _curves(curves, domains["line"], pd.read_csv(excess))
        _solids(solids, domains)
        _maxima(maxima, domains)
        _arguments(arguments, domains)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    table.to_csv(csv, index=False)


def _curves(figure: SubFigure, line: pd.DataFrame, excess: pd.DataFrame) -> None:
    activations, sigmoids, margins = figure.subplots(1, 3)
    for kind, colour in KINDS.items():
        activations.plot(line["u1"], line[f"{kind}_maximum"], color=colour, label=ACTIVATIONS[kind])
        sigmoids.plot(line["u1"], line[f"{kind}_argument_1"], color=colour, label=SIGMOIDS[kind])
    activations.set(title="relaxed $\\max(u,0)$: activations", xlabel="$u$")
    sigmoids.set(title="their derivatives: sigmoids", xlabel="$u$")
    for axes in (activations, sigmoids):
        axes.legend(loc="upper left", fontsize=6)
    shown = excess[excess["margin"] < 3]
    for kind, colour in (("soft", BLUE), ("sparse", VERMILION)):
        margins.plot(shown["margin"], shown[kind], ".", color=colour, markersize=2, label=kind)
        margins.axhline(excess.at[0, f"{kind}_bound"], color=colour, linestyle=":", linewidth=1)
    margins.axvline(1, color="0.6", linestyle="--", linewidth=0.7)
    margins.set(title="excess over the maximum, $n=5$", xlabel="margin of the largest score", ylim=(-0.03, 1.75))
    margins.legend(loc="upper right", fontsize=6, bbox_to_anchor=(1.0, 0.9), markerscale=3)


def _solids(figure: SubFigure, domains: dict[str, pd.DataFrame]) -> None:
    """Draw the maxima of two scores, and the second argument over (u1, u2, 0), as surfaces."""
    grid = figure.subplots(1, 6, subplot_kw={"projection": "3d"})
    for axes, kind in zip(grid[:3], KINDS, strict=True):
        _solid(axes, domains["pairs"], f"{kind}_maximum", f"{kind} max$(u_1,u_2)$", ("$u_2$", "$u_1$"), -170.0)
    for axes, kind in zip(grid[3:], KINDS, strict=True):
        _solid(axes, domains["plane"], f"{kind}_argument_2", rf"{kind} $\pi_2(u_1,u_2,0)$", ("$u_1$", "$u_2$"), -120.0)


def _solid(axes: Axes3D, rows: pd.DataFrame, column: str, title: str, names: tuple[str, str], azimuth: float) -> None:
    u = {"$u_1$": 0, "$u_2$": 1}
    sides = _square(rows, column)
    x, y = (sides[u[name]] for name in names)
    axes.plot_surface(x, y, sides[2], cmap=COLOURS, rcount=27, ccount=27, linewidth=0.15, edgecolor="0.1")
    axes.view_init(elev=22, azim=azimuth)
    axes.set_box_aspect(None, zoom=1.3)  # pyright: ignore[reportArgumentType] - a float, says matplotlib's manual
    axes.set_title(title, fontsize=7, pad=2)
    axes.set_xlabel(names[0], labelpad=-15, fontsize=6)
    axes.set_ylabel(names[1], labelpad=-15, fontsize=6)
    axes.tick_params(labelsize=4, pad=-5, length=1)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_major_locator(MaxNLocator(3))
        axis.pane.fill = False  # pyright: ignore[reportAttributeAccessIssue] - of three-dimensional axes


def _square(rows: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    side = round(np.sqrt(len(rows)))
    u1, u2, values = rows[["u1", "u2", column]].to_numpy().T.reshape(3, side, side)
    return u1, u2, values


def _map(axes: Axes, domain: str, rows: pd.DataFrame, column: str, *, largest: float | None, lines: bool):
    """Draw a column as colours, with contour lines, over the square (u1, u2, 0) or the triangle of sum zero."""
    scale = {"cmap": COLOURS, "vmin": None if largest is None else 0, "vmax": largest, "rasterized": True}
    levels = {"levels": 9, "colors": "white", "linewidths": 0.35, "alpha": 0.8}
    if domain == "plane":
        u1, u2, values = _square(rows, column)
        drawn = axes.pcolormesh(u1, u2, values, shading="gouraud" if lines else "nearest", **scale)
        if lines:
            axes.contour(u1, u2, values, **levels)
        axes.set(xticks=[-4, 4], yticks=[-4, 4], aspect="equal")
        axes.tick_params(labelsize=5, length=2, pad=1)
        axes.set_xlabel("$u_1$", fontsize=6, labelpad=-5)
        axes.set_ylabel("$u_2$", fontsize=6, labelpad=-5)
        return drawn
    x, y = ((rows[["u1", "u2", "u3"]].to_numpy() / 8 + 1 / 3) @ TRIANGLE).T
    drawn = axes.tripcolor(x, y, rows[column], shading="gouraud", **scale)
    if lines:
        axes.tricontour(x, y, rows[column], **levels)
    centre = TRIANGLE.mean(0)
    arrows = 1.3 * (TRIANGLE - centre)
    axes.quiver(
        *np.tile(centre, (3, 1)).T, *arrows.T, color=GREEN, angles="xy", scale_units="xy", scale=1,
        width=0.012, headwidth=6, headlength=6, headaxislength=6,
    )  # fmt: skip
    for i, (x, y) in enumerate(centre + 1.13 * arrows):
        axes.text(x, y, f"$u_{i + 1}$", fontsize=6, ha="center", va="center")
    axes.set(xlim=(-1.0, 5.0), ylim=(-0.75, 4.75), aspect="equal")
    axes.axis("off")
    return drawn


def _maxima(figure: SubFigure, domains: dict[str, pd.DataFrame]) -> None:
    grid = figure.subplots(1, 6)
    for column, axes in enumerate(grid):
        domain, kind = ("plane", "simplex")[column // 3], list(KINDS)[column % 3]
        drawn = _map(axes, domain, domains[domain], f"{kind}_maximum", largest=None, lines=True)
        axes.set_title(f"{kind} max" + ("$(u_1,u_2,0)$" if domain == "plane" else "$(u)$, $\\Sigma u=0$"), fontsize=7)
        bar = figure.colorbar(drawn, ax=axes, orientation="horizontal", shrink=0.8, aspect=12, pad=0.03)
        bar.ax.tick_params(labelsize=5, length=2, pad=1)
        bar.ax.locator_params(nbins=3)


def _arguments(figure: SubFigure, domains: dict[str, pd.DataFrame]) -> None:
    grid = figure.subplots(3, 6)
    for row, kind in enumerate(KINDS):
        for column, axes in enumerate(grid[row]):
            domain, component = ("plane", "simplex")[column // 3], column % 3 + 1
            name = f"{kind}_argument_{component}"
            drawn = _map(axes, domain, domains[domain], name, largest=1.0, lines=kind != "hard")
            if row == 0:
                axes.set_title(rf"$\pi_{component}$", fontsize=8)
        grid[row, 0].set_ylabel(f"{kind} argmax\n$u_2$", fontsize=7, labelpad=-4)
    bar = figure.colorbar(drawn, ax=grid, shrink=0.6, aspect=30, pad=0.01, label="probability")
    bar.ax.tick_params(labelsize=6)
