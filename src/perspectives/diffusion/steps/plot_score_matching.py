"""Draw score matching losses against each other, and proposals of times by what they cost."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.arrays import Group, read_groups
from perspectives.workbench.figures import BLUE, GREEN, ORANGE, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

LOSSES = {"denoising": (VERMILION, "o"), "explicit": (GREEN, "s"), "sliced": (ORANGE, "^")}
PROPOSALS = {"uniform": BLUE, "debiasing": VERMILION, "learned": GREEN}


def plot_score_matching(
    *, losses: Input, gradients: Input, variances: Input, curves: Input, png: Output, pdf: Output, csv: Output
) -> None:
    """Draw losses, their differences and gradients above; proposals, weighted losses and variances below."""
    files = {"losses": losses, "gradients": gradients, "variances": variances}
    tables: dict[str, Any] = {name: pd.read_csv(path) for name, path in files.items()}
    groups = read_groups(curves)
    with style():
        figure, grid = plt.subplots(2, 3, figsize=(PAGE_INCHES, 4.7))
        _losses(grid[0, 0], tables["losses"])
        _differences(grid[0, 1], tables["losses"])
        _gradients(grid[0, 2], tables["gradients"])
        _densities(grid[1, 0], groups["density"])
        _weighted(grid[1, 1], groups["loss"])
        _variances(grid[1, 2], tables["variances"])
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    tables |= {name: pd.DataFrame(dict(groups[name])) for name in ("density", "loss")}
    pd.concat([table.assign(panel=name) for name, table in tables.items()]).to_csv(
        csv, index=False, float_format="%.9g"
    )


def _of(table: Any, name: str) -> Any:
    return table[table["loss"] == name].sort_values("s")


def _losses(axes: Axes, table: Any) -> None:
    denoising, explicit, implicit = (_of(table, name) for name in ("denoising", "explicit", "implicit"))
    axes.loglog(denoising["s"], denoising["mean"], "o", color=VERMILION, markersize=3.5, label="denoising")
    axes.loglog(denoising["s"], denoising["constant"], color="black", linewidth=0.8, label="$d/2v$")
    axes.loglog(implicit["s"], -implicit["mean"], "D-", color=BLUE, markersize=3, linewidth=0.8, label="minus implicit")
    axes.loglog(explicit["s"], explicit["constant"], color="0.5", linestyle=":", label=r"E$|\nabla\log q|^2/2$")
    axes.loglog(explicit["s"], explicit["mean"], "s-", color=GREEN, markersize=3, linewidth=0.8, label="explicit")
    axes.set(xlabel="time $s$", ylabel="mean loss", title="Losses of a wrong score", ylim=(1e-2, 1e7))
    axes.legend(fontsize=6, ncols=2, loc="upper right", handlelength=1.5, columnspacing=1)


def _differences(axes: Axes, table: Any) -> None:
    axes.axhspan(-2, 2, color="0.92")
    for name, (colour, marker) in LOSSES.items():
        rows = _of(table, name)
        axes.semilogx(rows["s"], rows["difference"] / rows["difference_error"], marker, color=colour, markersize=3.5,
                      label=name)  # fmt: skip
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xlabel="time $s$", ylabel="standard errors", title="Loss less implicit less constant", ylim=(-5, 6))
    axes.legend(fontsize=6, ncols=3, loc="upper center", handletextpad=0.2, columnspacing=1)


def _gradients(axes: Axes, table: Any) -> None:
    """Draw the denoising and sliced losses' derivatives by each parameter on the implicit loss's."""
    for name in ("denoising", "sliced"):
        rows, (colour, marker) = _of(table, name), LOSSES[name]
        axes.errorbar(rows["implicit"], rows["gradient"], 2 * rows["gradient_error"], fmt=marker, color=colour,
                      markersize=3, elinewidth=0.8, label=name)  # fmt: skip
    ends = [table["implicit"].min(), table["implicit"].max()]
    axes.plot(ends, ends, color="black", linewidth=0.8, zorder=0)
    axes.set(xlabel="of the implicit loss", ylabel="of the other", title="Gradients by parameter")
    axes.legend(loc="upper left")


def _densities(axes: Axes, density: Group) -> None:
    for name, colour in PROPOSALS.items():
        axes.loglog(density["s"], density[name], color=colour, label=name)
    axes.set(xlabel="time $s$", ylabel="density", title="Proposals, 16 dimensions", ylim=(1e-2, 2e3))
    axes.legend()


def _weighted(axes: Axes, loss: Group) -> None:
    axes.loglog(loss["s"], loss["root_mean_square"], "o-", color=BLUE, markersize=3, label="root mean square")
    axes.loglog(loss["s"], loss["mean"], "s-", color=ORANGE, markersize=3, label="mean")
    axes.set(xlabel="time $s$", ylabel="$g^2$ times denoising loss", title="What is to be integrated")
    axes.legend()


def _variances(axes: Axes, table: Any) -> None:
    """Draw the variance under uniform times over that under another proposal, or with evenly spread times."""
    of = {name: rows.set_index("dimension") for name, rows in table.groupby("proposal")}
    uniform = of["uniform"]
    series = {
        "debiasing, loss": (of["debiasing"]["loss_variance"], uniform["loss_variance"], VERMILION, "o-"),
        "debiasing, gradient": (of["debiasing"]["gradient_variance"], uniform["gradient_variance"], VERMILION, "o--"),
        "learned, loss": (of["learned"]["loss_variance"], uniform["loss_variance"], GREEN, "s-"),
        "learned, gradient": (of["learned"]["gradient_variance"], uniform["gradient_variance"], GREEN, "s--"),
        "debiasing, even, loss": (
            of["debiasing"]["stratified_batch_variance"], uniform["batch_variance"], ORANGE, "^-",
        ),
    }  # fmt: skip
    for name, (under, over, colour, form) in series.items():
        axes.loglog(under.index, over / under, form, color=colour, markersize=3.5, label=name)
    axes.axhline(1, color="black", linewidth=0.8)
    dimensions = np.array(uniform.index)
    axes.set_xticks(dimensions, [str(d) for d in dimensions])
    axes.minorticks_off()
    axes.set(xlabel="dimension", ylabel="variance, uniform over this", title="What a proposal saves", ylim=(0.5, 1e6))
    axes.legend(fontsize=6, loc="upper left", handlelength=3.2)
