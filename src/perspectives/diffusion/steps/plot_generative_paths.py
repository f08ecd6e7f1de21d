"""Draw the three ways to generate two modes on the line: paths over densities, prior and target at the sides."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from perspectives.workbench.arrays import read_groups
from perspectives.workbench.figures import BLUE, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

TITLES = {
    "no_noise": "No noise: neural ODE",
    "fixed_noise": "Fixed noise: both drifts learnt",
    "fixed_inference": "Fixed inference: reverse SDE",
}
REACHED = {"no_noise": "likelihood", "fixed_noise": "ELBO", "fixed_inference": "ELBO"}


def plot_generative_paths(*, paths: Input, table: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw one panel a variant, between the prior on its left and the target on its right."""
    saved = read_groups(paths)
    gaps: Any = pd.read_csv(table).set_index("variant")
    grid = saved["grid"]
    edges, times = grid["edges"], grid["times"]
    centres = 0.5 * (edges[1:] + edges[:-1])
    colours = plt.get_cmap("turbo")(np.linspace(0.06, 0.94, saved["no_noise"]["paths"].shape[1]))
    with style():
        # By hand: a prior's strip, the paths, and a target's strip, touching, three times.
        figure = plt.figure(figsize=(PAGE_INCHES, 2.75), layout="none")
        for number, (variant, title) in enumerate(TITLES.items()):
            left = 0.06 + 0.317 * number
            prior, main, target = (
                figure.add_axes((left + offset, 0.17, width, 0.66))
                for offset, width in ((0.0, 0.045), (0.047, 0.19), (0.239, 0.055))
            )
            density = saved[variant]["density"]
            main.imshow(
                np.sqrt(density.T), origin="lower", aspect="auto", extent=(0, 1, edges[0], edges[-1]), cmap="Greys",
                vmin=0, vmax=1.25 * np.sqrt(np.quantile(density, 0.995)), interpolation="bilinear",
            )  # fmt: skip
            for colour, path in zip(colours, saved[variant]["paths"].T, strict=True):
                main.plot(times, path, color=colour, linewidth=0.8)
            gap, error = gaps.loc[variant, "gap"], gaps.loc[variant, "standard_error"]
            figure.text(left + 0.142, 0.925, title, ha="center", fontsize=8)
            figure.text(
                left + 0.142, 0.86, f"{REACHED[variant]} short by {gap:.3f}$\\pm${error:.3f} nats", ha="center",
                fontsize=7, color="0.3",
            )  # fmt: skip
            main.set(xlim=(0, 1), yticks=[], xlabel="generative time $t$", xticks=[0.2, 0.5, 0.8])
            for axes, at, exact in ((prior, 0, grid["prior"]), (target, -1, grid["target"])):
                axes.fill_betweenx(centres, density[at], color=BLUE if at == 0 else VERMILION, alpha=0.45, linewidth=0)
                axes.plot(exact, centres, color="black", linewidth=1)
                axes.set(xticks=[], xlim=(0, 1.12 * exact.max()))
                axes.spines[:].set_visible(False)
            prior.invert_xaxis()
            target.set_yticks([])
            for axes in (prior, main, target):
                axes.set_ylim(-3.2, 3.2)
                axes.grid(visible=False)
            if number:
                prior.set_yticks([])
            else:
                prior.set_ylabel("position $x$")
            prior.set_xlabel("prior", fontsize=7)
            target.set_xlabel("target", fontsize=7)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    parts = []
    for variant in TITLES:
        t, x = (side.ravel() for side in np.meshgrid(times, centres, indexing="ij"))
        density = pd.DataFrame({"t": t, "x": x, "value": saved[variant]["density"].ravel()})
        shown = saved[variant]["paths"]
        t, path = (side.ravel() for side in np.meshgrid(times, range(shown.shape[1]), indexing="ij"))
        tracks = pd.DataFrame({"t": t, "path": path, "x": shown.ravel()})
        parts += [density.assign(panel=variant, series="density"), tracks.assign(panel=variant, series="path")]
    sides = [pd.DataFrame({"panel": name, "x": centres, "value": grid[name]}) for name in ("prior", "target")]
    pd.concat([*parts, *sides]).to_csv(csv, index=False, float_format="%.5g")
