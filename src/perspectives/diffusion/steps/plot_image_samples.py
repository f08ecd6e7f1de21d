"""Draw images of the data beside samples."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from perspectives.workbench.arrays import read_groups
from perspectives.workbench.figures import PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output

GROUPS = {"data": "test images", "uniform": "uniform times", "debiasing": "debiasing times"}
TITLES = {"digits": "Digits", "fashion-mnist": "Fashion-MNIST", "mnist": "MNIST", "cifar-10": "CIFAR-10"}
ACROSS = 4
FINENESS = 32
"""Points across a small image on the sheet, next to which the line between neighbours, one point, is thin."""


def plot_image_samples(*, samples: list[Input], png: Output, pdf: Output, csv: Output) -> None:
    """Draw a row for each file, named after its data set: test images, and samples after either training."""
    tables = []
    with style():
        figure, grid = plt.subplots(
            len(samples), len(GROUPS), figsize=(PAGE_INCHES, 2.45 * len(samples)), squeeze=False
        )
        engine: Any = figure.get_layout_engine()
        engine.set(wspace=0.03)
        for row, path in zip(grid, samples, strict=True):
            groups = read_groups(path)
            for axes, (group, title) in zip(row, GROUPS.items(), strict=True):
                images = np.clip(groups[group]["images"], 0, 1)
                tables.append(_table(path.stem, group, images))
                # Pixels in [0, 1] already: white paper, dark ink where there are no colours.
                axes.imshow(_mosaic(images), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
                axes.set_title(f"{TITLES.get(path.stem, path.stem)}: {title}")
                axes.set_axis_off()
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    pd.concat(tables).to_csv(csv, index=False, float_format="%.4g")


def _mosaic(images: Any) -> Any:
    """Return the images in rows of `ACROSS`, with a grey line between neighbours."""
    times = max(1, FINENESS // images.shape[1])
    images = images.repeat(times, 1).repeat(times, 2)
    count, height, width, channels = images.shape
    down = -(-count // ACROSS)
    sheet = np.full((down * (height + 1) - 1, ACROSS * (width + 1) - 1, channels), 0.5, np.float32)
    for number, image in enumerate(images):
        top, left = (number // ACROSS) * (height + 1), (number % ACROSS) * (width + 1)
        sheet[top : top + height, left : left + width] = image
    return sheet[..., 0] if channels == 1 else sheet


def _table(dataset: str, group: str, images: Any) -> pd.DataFrame:
    names = ("image", "row", "column", "channel")
    places = {name: places.ravel() for name, places in zip(names, np.indices(images.shape), strict=True)}
    return pd.DataFrame({"dataset": dataset, "group": group, **places, "pixel": images.ravel()})
