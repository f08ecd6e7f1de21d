"""Draw bits per dimension during training, for both proposals of times."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import StrMethodFormatter

from perspectives.diffusion.published import CIFAR10_CURVES
from perspectives.workbench.figures import BLUE, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

PROPOSALS = {"uniform": (BLUE, "o", "-"), "debiasing": (VERMILION, "s", "--")}
TITLES = {"digits": "Digits", "fashion-mnist": "Fashion-MNIST", "mnist": "MNIST", "cifar-10": "CIFAR-10"}
SHOWN = 0.1
"""Share of a curve at its beginning that does not decide how far the axis of bits reaches."""


def plot_image_bits(*, curves: Input, finals: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw a panel for each data set; the published curves of CIFAR-10 apart from it where it is not run."""
    found: Any = pd.read_csv(curves)
    ends: Any = pd.read_csv(finals)
    published: Any = pd.concat(
        pd.DataFrame({"proposal": name, "iteration": curve.iterations, "bits": curve.bits})
        for name, curve in CIFAR10_CURVES.items()
    )
    datasets = list(dict.fromkeys(found["dataset"]))
    panels = [*datasets, *([] if "cifar-10" in datasets else ["published"])]
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    with style():
        figure, grid = plt.subplots(rows, columns, figsize=(PAGE_INCHES, 0.3 + 2.5 * rows), squeeze=False)
        for axes in grid.ravel()[len(panels) :]:
            axes.set_axis_off()
        for axes, panel in zip(grid.ravel(), panels, strict=False):
            if panel == "published":
                _published(axes, published)
                axes.set_title("CIFAR-10: published, not run here")
            else:
                _panel(axes, found[found["dataset"] == panel], ends[ends["dataset"] == panel])
                axes.set_title(TITLES[panel])
                if panel == "cifar-10":
                    _published(axes, published)
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
            axes.set(xlabel="iteration", ylabel="bits per dimension")
            axes.legend(loc="upper right", handlelength=2.2)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    parts = [
        found.assign(part="released estimate"),
        ends.assign(part="final bound"),
        published.assign(part="published"),
    ]
    pd.concat(parts).to_csv(csv, index=False, float_format="%.9g")


def _panel(axes: Axes, found: Any, ends: Any) -> None:
    last = found["iteration"].max()
    for number, (name, (colour, marker, line)) in enumerate(PROPOSALS.items()):
        rows = found[found["proposal"] == name]
        for _, one in rows.groupby("member"):
            axes.plot(one["iteration"], one["bits"], line, color=colour, linewidth=0.5, alpha=0.6)
        mean = rows.groupby("iteration")["bits"].mean()
        axes.plot(mean.index, mean, line, color=colour, linewidth=1.8, label=f"{name}, released estimate")
        bits = ends[(ends["proposal"] == name) & (ends["weights"] == "averaged")]["bits"].to_numpy()
        axes.errorbar(
            last * (1.04 + 0.03 * number), bits.mean(), yerr=bits.std(ddof=1) / len(bits) ** 0.5, color=colour,
            marker=marker, markersize=4.5, markeredgecolor="black", markeredgewidth=0.6, capsize=2, linestyle="none",
            label=f"{name}, final bound, averaged weights",
        )  # fmt: skip
    late = found[found["iteration"] >= SHOWN * last]["bits"]
    everything = np.concatenate([late, ends[ends["weights"] == "averaged"]["bits"]])
    spread = everything.max() - everything.min()
    axes.set_ylim(everything.min() - 0.05 * spread, everything.max() + 0.55 * spread)


def _published(axes: Axes, published: Any) -> None:
    for name, (_, _, line) in PROPOSALS.items():
        rows = published[published["proposal"] == name]
        axes.plot(rows["iteration"], rows["bits"], line, color="black", linewidth=0.9, label=f"{name}, published")
    axes.set_ylim(2.75, 4.6)
