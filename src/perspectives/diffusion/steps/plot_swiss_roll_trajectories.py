"""Draw single trajectories of the reverse SDE and of the ODE over the exact density that they cross."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.arrays import read_groups
from perspectives.workbench.figures import PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output

NAMES = {0.0: "reverse SDE\n$\\lambda = 0$", 1.0: "ODE\n$\\lambda = 1$"}
LEVELS = 24
"""Of grey: no banding is seen, and files stay small."""
TAIL = 0.12
"""Of generative time: how much of its past a point trails in the plane."""


def plot_swiss_roll_trajectories(*, paths: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw a coordinate against time above, the plane at six times below; the same starts for both."""
    saved = read_groups(paths)["paths"]
    tracks, times, shaded = saved["trajectories"], saved["times"], saved["shaded"]
    colours = plt.get_cmap("turbo")(np.linspace(0.06, 0.94, tracks.shape[2]))
    edge = float(saved["centres"][-1])
    with style():
        figure = plt.figure(figsize=(PAGE_INCHES, 4.9))
        parts: Any = figure.subfigures(2, 1, height_ratios=(1.0, 1.08))
        above, below = parts
        spaces: Any = above.subplots(1, 2, sharey=True)
        for axes, lmbda, track in zip(spaces, saved["lambdas"], tracks, strict=True):
            _space_time(axes, saved, track, colours)
            axes.set_title(NAMES[float(lmbda)].replace("\n", ", "))
        above.axes[0].set_ylabel("first coordinate")
        planes = below.subplots(2, len(shaded))
        for row, (lmbda, track) in enumerate(zip(saved["lambdas"], tracks, strict=True)):
            for axes, time, density in zip(planes[row], shaded, saved["densities"], strict=True):
                _shade(axes, density, edge)
                past = (times <= time + 1e-6) & (times >= time - TAIL)
                for colour, path in zip(colours, track[past].swapaxes(0, 1), strict=True):
                    axes.plot(*path.T, color=colour, linewidth=0.8)
                    axes.plot(*path[-1], "o", color=colour, markersize=3.2, markeredgecolor="black",
                              markeredgewidth=0.4)  # fmt: skip
                axes.set(xlim=(-edge, edge), ylim=(-edge, edge))
                if row == 0:
                    axes.set_title(f"$t = {time:g}$")
            planes[row, 0].set_ylabel(NAMES[float(lmbda)])
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    index = pd.MultiIndex.from_product(
        [saved["lambdas"], np.round(times, 6), range(tracks.shape[2])], names=["lambda", "t", "trajectory"]
    )
    plotted = pd.DataFrame(tracks.reshape(-1, 2), index, ["x", "z"]).reset_index().assign(panel="trajectories")
    t, x = (side.ravel() for side in np.meshgrid(saved["strip_times"], saved["centres"], indexing="ij"))
    strip = pd.DataFrame({"panel": "density of the first coordinate", "t": t, "x": x, "value": saved["strip"].ravel()})
    axes_of_plane = np.meshgrid(shaded, saved["centres"], saved["centres"], indexing="ij")
    plane = pd.DataFrame({name: side.ravel() for name, side in zip(("t", "x", "z"), axes_of_plane, strict=True)})
    plane = plane.assign(panel="density of the plane", value=saved["densities"].ravel())
    pd.concat([plotted, strip, plane]).to_csv(csv, index=False, float_format="%.5g")


def _shade(axes: Axes, density: Any, edge: float) -> None:
    """Draw a density in grey, its square root, so that the tails are seen."""
    greys = plt.get_cmap("Greys", LEVELS)
    axes.imshow(
        np.sqrt(density.T), origin="lower", cmap=greys, extent=(-edge, edge, -edge, edge), interpolation="bilinear",
        vmin=0, vmax=1.15 * np.sqrt(density.max()),
    )  # fmt: skip
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _space_time(axes: Axes, saved: dict[str, Any], track: Any, colours: Any) -> None:
    """Draw the first coordinate against time, with time stretched towards the data."""
    stretch = lambda t: 1 - np.sqrt(1 - np.minimum(t, 1))  # noqa: E731
    strip = saved["strip"] / saved["strip"].max(axis=1, keepdims=True)
    greys = plt.get_cmap("Greys", LEVELS)
    axes.pcolormesh(
        stretch(saved["strip_times"]), saved["centres"], np.sqrt(strip.T), cmap=greys, shading="nearest",
        vmin=0, vmax=1.3, rasterized=True,
    )  # fmt: skip
    for colour, path in zip(colours, track[:, :, 0].T, strict=True):
        axes.plot(stretch(saved["times"]), path, color=colour, linewidth=0.8)
        (end,) = axes.plot(
            1, path[-1], "o", color=colour, markersize=3, markeredgecolor="black", markeredgewidth=0.4, clip_on=False
        )
        end.set_in_layout(False)  # a point that went astray must not take the panel's room
    ticks = (0, 0.4, 0.7, 0.9, 0.97, 1)
    axes.set_xticks([float(stretch(t)) for t in ticks], [f"{t:g}" for t in ticks])
    axes.set(xlim=(0, 1), ylim=(-3.5, 3.5), xlabel="generative time $t$, stretched towards the data")
    axes.grid(visible=False)
