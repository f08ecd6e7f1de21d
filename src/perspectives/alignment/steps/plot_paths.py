"""Draw the marginalized loss along the paths between two posteriors of each reference arm."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from perspectives.alignment.arms import arms
from perspectives.alignment.settings import LaboratoriesSettings
from perspectives.workbench.figures import COLOURS, PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output

PATHS: dict[str, tuple[str, dict[str, Any]]] = {
    "identity": ("not aligned", {"color": COLOURS[1]}),
    "deviation": ("deviations only", {"color": COLOURS[3]}),
    "mean": ("means only", {"color": COLOURS[0]}),
    "kl": ("KL", {"color": COLOURS[4], "linestyle": "--"}),
    "w2": (r"$W_2$", {"color": COLOURS[2], "linestyle": (0, (4, 2))}),
    "mixture": ("mixture of both", {"color": "grey", "linestyle": ":"}),
}


def plot_paths(*, settings: LaboratoriesSettings, curves: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw the mean over pairs, test images in full and training images thin, one panel a data set."""
    table = pd.read_csv(curves)
    references = {arm.training.dataset: name for name, arm in arms(settings).items() if arm.role == "reference"}
    with style():
        figure, panels = plt.subplots(1, len(references), figsize=(PAGE_INCHES, 2.7), squeeze=False)
        for axes, (dataset, arm) in zip(panels[0], references.items(), strict=True):
            for path, (label, line) in PATHS.items():
                for split, width in (("train", 0.6), ("test", 1.4)):
                    rows = table[(table["arm"] == arm) & (table["path"] == path) & (table["split"] == split)]
                    axes.plot(
                        np.asarray(rows["time"]),
                        np.asarray(rows["loss"]),
                        linewidth=width,
                        label=label if split == "test" else None,
                        **line,
                    )
            title = f"{dataset}, width {arms(settings)[arm].training.width}"
            axes.set(xlabel=r"time $\tau$ on the path", title=title, yscale="log")
        panels[0, 0].set_ylabel("marginalized loss (nats)")
        figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside right center")
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    table[table["arm"].isin(list(references.values()))].to_csv(csv, index=False)
