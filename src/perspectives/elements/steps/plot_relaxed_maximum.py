"""Draw the maximum, its soft and its sparse relaxation, and their arguments, over two and three scores."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d.axes3d import Axes3D

from perspectives.workbench.figures import BLUE, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

KINDS = {"hard": "0.45", "soft": BLUE, "sparse": VERMILION}
ACTIVATIONS = {"hard": "ReLU", "soft": "softplus", "sparse": "sparseplus"}
SIGMOIDS = {"hard": "Heaviside", "soft": "logistic", "sparse": "sparse sigmoid"}
TRIANGLE = 4.0 * np.array([[0, 0], [1, 0], [0.5, np.sqrt(0.75)]])
COLOURS = "magma"
HEADINGS = {"plane": "over $(u_1, u_2, 0)$", "simplex": "over $u_1 + u_2 + u_3 = 0$"}
LARGEST = 5.5
"""Upper end of the colours of the maxima, common to all of them."""


def plot_relaxed_maximum(*, surfaces: Input, excess: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw curves of two scores, surfaces, and maps of maxima and arguments on a plane and a triangle of scores."""
    table = pd.read_csv(surfaces)
    domains = {str(domain): rows for domain, rows in table.groupby("domain")}
    with style():
        figure = plt.figure(figsize=(PAGE_INCHES, 6.6))
        grid = figure.add_gridspec(3, 2, height_ratios=[1.75, 1.4, 3.45])
        _curves(figure.add_subfigure(grid[0, :]), domains["line"], pd.read_csv(excess))
        _solids(figure.add_subfigure(grid[1, :]), domains)
        for column, domain in enumerate(HEADINGS):
            _maps(figure.add_subfigure(grid[2, column]), domain, domains[domain])
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


def _maps(figure: SubFigure, domain: str, rows: pd.DataFrame) -> None:
    """Draw a row for each kind: the maximum, and the probability that its argument gives to each score."""
    figure.suptitle(HEADINGS[domain], fontsize=8)
    grid = figure.subplots(3, 4)
    for line, kind in zip(grid, KINDS, strict=True):
        maximum = _map(line[0], domain, rows, f"{kind}_maximum", largest=LARGEST, lines=True)
        for i, axes in enumerate(line[1:], start=1):
            probability = _map(axes, domain, rows, f"{kind}_argument_{i}", largest=1.0, lines=kind != "hard")
        line[0].text(-0.4, 0.5, kind, rotation=90, ha="center", va="center", fontsize=8, transform=line[0].transAxes)
    for axes, title in zip(grid[0], (r"$\max$", r"$\pi_1$", r"$\pi_2$", r"$\pi_3$"), strict=True):
        axes.set_title(title)
    drawn, label = (maximum, "maximum") if domain == "plane" else (probability, "probability")
    figure.colorbar(drawn, ax=grid, location="bottom", shrink=0.8, aspect=30, label=label)


def _map(axes: Axes, domain: str, rows: pd.DataFrame, column: str, *, largest: float, lines: bool):
    """Draw a column as colours, with contour lines, over the square (u1, u2, 0) or the triangle of sum zero."""
    scale = {"cmap": COLOURS, "vmin": 0, "vmax": largest, "rasterized": True}
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
        axes.label_outer()
        return drawn
    x, y = ((rows[["u1", "u2", "u3"]].to_numpy() / 8 + 1 / 3) @ TRIANGLE).T
    drawn = axes.tripcolor(x, y, rows[column], shading="gouraud", **scale)
    if lines:
        axes.tricontour(x, y, rows[column], **levels)
    if column.endswith("maximum"):
        for i, (x, y) in enumerate(1.2 * TRIANGLE - 0.2 * TRIANGLE.mean(0), start=1):
            axes.text(x, y, f"$u_{i}$", fontsize=6, ha="center", va="center")
    axes.set(xlim=(-0.5, 4.5), ylim=(-0.9, 4.2), aspect="equal")
    axes.axis("off")
    return drawn
