"""Draw what prior, temperature or augmentation do to the barrier, beside what they do to the fit."""

from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from perspectives.alignment.arms import Arm, arms
from perspectives.alignment.settings import LaboratoriesSettings
from perspectives.workbench.errors import UserError
from perspectives.workbench.figures import COLOURS, PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output

Variation = Literal["prior", "temperature", "augmentation"]
PATHS = (
    ("identity", "not aligned", COLOURS[1], "s"),
    ("mean", "means only", COLOURS[0], "^"),
    ("w2", r"$W_2$", COLOURS[2], "o"),
)
STATES = (("loss", "test loss (nats)"), ("effective_share", "share of effective units"))
LABELS = {
    "prior": "prior variance times fan-in",
    "temperature": "temperature $T$",
    "augmentation": "",
}
LABEL_OF = {"reference": "reference", "augmentation": "augmented"}


def plot_variations(
    *, settings: LaboratoriesSettings, variation: Variation, barriers: Input, members: Input,
    png: Output, pdf: Output, csv: Output,
) -> None:  # fmt: skip
    """Draw the barrier, the test loss and the share of active units of the arms that vary one thing, first data set.

    **Raises**: UserError when the data set's laboratory varies nothing.
    """
    known = {name: arm for name, arm in arms(settings).items() if arm.training.dataset == settings.datasets[0]}
    [reference] = [arm for arm in known.values() if arm.role == "reference"]
    places = _places(known, reference, variation)
    if len(places) < 2:
        raise UserError(
            f"alignment.{settings.datasets[0].replace('-', '_')} varies no {variation}, so there is nothing to draw."
        )
    heights = pd.read_csv(barriers).query("split == 'test'").set_index(["arm", "path"])
    states = pd.read_csv(members).set_index("arm")
    named = variation == "augmentation"
    order = sorted(places, key=lambda name: places[name]) if not named else list(places)
    x = np.arange(len(order)) if named else np.array([places[name] for name in order])
    with style():
        figure, panels = plt.subplots(1, 3, figsize=(PAGE_INCHES, 2.6))
        for path, label, colour, marker in PATHS:
            rows = heights.loc[[(name, path) for name in order]]
            value, low, high = (np.asarray(rows[column]) for column in ("barrier", "ci_low", "ci_high"))
            error = np.maximum([value - np.maximum(low, 0), high - value], 0)
            panels[0].errorbar(
                x, value, error, label=label, color=colour, marker=marker, markersize=4, capsize=2,
                linestyle="none" if named else "-",
            )  # fmt: skip
        panels[0].set(ylabel="marginalized barrier (nats)", ylim=(0, None))
        panels[0].legend()
        for axes, (column, label) in zip(panels[1:], STATES, strict=True):
            axes.plot(
                x, np.asarray(states.loc[order, column]), color="black", marker="o", markersize=4,
                linestyle="none" if named else "-",
            )  # fmt: skip
            axes.set_ylabel(label)
        panels[2].set_ylim(0, 1.05)
        for axes in panels:
            if named:
                axes.set_xticks(x, [_label(known[name]) for name in order], rotation=20, ha="right")
                axes.set_xlim(-0.5, len(x) - 0.5)
            else:
                axes.set(xscale="log", xlabel=LABELS[variation])
                axes.set_xticks(x, [f"{value:g}" for value in x])
                axes.minorticks_off()
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    whole = heights.loc[[(name, path) for name in order for path, *_ in PATHS]].reset_index()
    whole.merge(states.loc[order, [column for column, _ in STATES]].reset_index(), on="arm").to_csv(csv, index=False)


def _label(arm: Arm) -> str:
    return f"{arm.training.prior.capitalize()} prior" if arm.role == "family" else LABEL_OF[arm.role]


def _places(known: dict[str, Arm], reference: Arm, variation: Variation) -> dict[str, float]:
    """Return the arms to draw and where on the horizontal axis; those of the reference width alone."""
    roles = {
        "prior": ("reference", "prior"),
        "temperature": ("reference", "temperature", "cold"),
        "augmentation": ("reference", "family", "augmentation"),
    }[variation]
    value = {
        "prior": lambda arm: arm.training.prior_variance,
        "temperature": lambda arm: arm.training.temperature,
        "augmentation": lambda arm: 0.0,
    }[variation]
    return {
        name: value(arm)
        for name, arm in known.items()
        if arm.role in roles and arm.training.width == reference.training.width
    }
