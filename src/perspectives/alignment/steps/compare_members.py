"""What the members of each arm are like: losses, calibration, active units, beside the arm's barriers."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from perspectives.alignment.arms import arms, laboratory
from perspectives.alignment.settings import LaboratoriesSettings
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output


def compare_members(
    *, settings: LaboratoriesSettings, members: list[Input], barriers: Input, table: Output, measures: Output
) -> None:
    """Write a row an arm: mean test loss, accuracy, calibration error and active units, barriers and distances.

    `members` are files named for their arm.
    """
    # Any: pandas' own types are too narrow for what groupby and pivot return.
    found: Any = pd.concat([pd.read_csv(path).assign(arm=path.stem) for path in members], ignore_index=True)
    for kind in ("active", "effective"):
        found[f"{kind}_share"] = found[f"{kind}_units"] / found["hidden_units"]
    kept = ["loss", "accuracy", "calibration_error", "active_units", "active_share", "effective_share"]
    means = found[found["split"] == "test"].groupby("arm", sort=False)[kept].mean()
    heights: Any = pd.read_csv(barriers)
    test = heights[heights["split"] == "test"]
    wide = test.pivot(index="arm", columns="path", values="barrier").add_prefix("barrier_")
    w2 = test[test["path"].isin(["w2"])].set_index("arm")[["w2_squared_before", "w2_squared_after"]]
    means.join(wide).join(w2).reset_index().to_csv(table, index=False)
    write_measures(measures, _measures(settings, found))


def _measures(settings: LaboratoriesSettings, found: Any) -> Iterator[Measure]:
    known = arms(settings)
    test = found[found["split"] == "test"]
    for dataset in settings.datasets:
        lab = laboratory(settings, dataset)
        names = {
            (arm.role if arm.role != "reference" else "width", arm.training.width): name
            for name, arm in known.items()
            if arm.training.dataset == dataset
        }

        def of(role: str, width: int, column: str, names: dict = names) -> np.ndarray:
            return np.asarray(test.loc[test["arm"] == names[role, width], column])

        reference, widest, narrowest = lab.reference_width, max(lab.widths), min(lab.widths)
        few, many = (of("width", reference, f"loss_{draws}_draws") for draws in (16, 64))
        yield Measure(
            quantity=f"{dataset}_loss_16_minus_64_draws", value=float(np.abs(few - many).max()), seeds=len(few)
        )
        for label, role, width in (
            ("widest", "width", widest),
            ("narrowest", "width", narrowest),
            ("widest_cold", "cold", max(lab.cold_widths, default=0)),
        ):
            if (role, width) in names:
                for kind in ("active", "effective"):
                    share = of(role, width, f"{kind}_share")
                    name = f"{dataset}_{kind}_share_{label}"
                    yield Measure(quantity=name, value=float(share.mean()), seeds=len(share))
        change = of("width", widest, "loss").mean() - of("width", reference, "loss").mean()
        yield Measure(quantity=f"{dataset}_loss_widest_minus_reference", value=float(change))
