"""Compare the barriers of all arms: means over pairs, slopes in width, paired differences."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from perspectives.alignment import pairs
from perspectives.alignment.arms import COLD, Arm, arms, laboratory
from perspectives.alignment.marginal import barrier, excess
from perspectives.alignment.pairs import ByPair, Interval
from perspectives.alignment.settings import LaboratoriesSettings
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output

SLOPE_WIDTHS = (32, 256)
"""The range of widths in which slopes are fitted, fixed before any run."""

Barriers = Mapping[str, Mapping[tuple[str, str], ByPair]]
"""By arm, then by (path, split), then by pair."""


def evaluate_barriers(
    *, settings: LaboratoriesSettings, losses: list[Input], objectives: list[Input],
    barriers: Output, curves: Output, measures: Output,
) -> None:  # fmt: skip
    """Write the barriers of each arm, the mean excess along each path, and what the claims ask for.

    `losses` and `objectives` lie in folders named for their arm, in files named `<first>-<second>`.
    """
    known = arms(settings)
    # Any: pandas' own types are too narrow for what groupby and pivot return.
    tables: Any = pd.concat([_read(path) for path in losses], ignore_index=True)
    found = _barriers(tables)
    distances: Any = pd.concat([_read(path) for path in objectives], ignore_index=True)
    rows = [
        (arm, path, split, *pairs.mean_of(values), len(values))
        for arm, by_path in found.items()
        for (path, split), values in by_path.items()
    ]
    columns = ["arm", "path", "split", "barrier", "ci_low", "ci_high", "pairs"]
    moved = (
        distances.groupby(["arm", "alignment"], sort=False).mean(numeric_only=True).drop(columns=["first", "second"])
    )
    moved = moved.reset_index().rename(columns={"alignment": "path"})
    pd.DataFrame(rows, columns=columns).merge(moved, how="left", on=["arm", "path"]).to_csv(barriers, index=False)
    _mean_excess(tables).to_csv(curves, index=False)
    write_measures(measures, _measures(settings, known, found, tables, distances))


def _read(path: Path) -> pd.DataFrame:
    first, second = path.stem.split("-")
    return pd.read_csv(path).assign(arm=path.parent.name, first=int(first), second=int(second))


def _barriers(tables: Any) -> Barriers:
    found: dict[str, dict[tuple[str, str], dict[tuple[int, int], float]]] = {}
    for (arm, path, split, first, second), rows in tables.groupby(
        ["arm", "path", "split", "first", "second"], sort=False
    ):
        height = barrier(rows["loss"].to_numpy(), rows["time"].to_numpy())
        found.setdefault(str(arm), {}).setdefault((str(path), str(split)), {})[int(first), int(second)] = height
    return found


def _mean_excess(tables: Any) -> Any:
    """Return the mean over pairs of the loss and of its excess over the line between the ends, at each time."""
    groups = tables.groupby(["arm", "path", "split", "first", "second"], sort=False)
    parts = [rows.assign(excess=excess(rows["loss"].to_numpy(), rows["time"].to_numpy())) for _, rows in groups]
    whole: Any = pd.concat(parts).groupby(["arm", "path", "split", "time"], sort=False)
    return whole[["loss", "excess", "bias"]].mean().reset_index()


def _measures(
    settings: LaboratoriesSettings,
    known: Mapping[str, Arm],
    found: Barriers,
    tables: Any,
    distances: Any,
) -> Iterator[Measure]:
    for dataset in settings.datasets:
        ours = {name: arm for name, arm in known.items() if arm.training.dataset == dataset}
        [reference] = [name for name, arm in ours.items() if arm.role == "reference"]
        disjoint = laboratory(settings, dataset).disjoint_pairs
        for measure in (
            *_of_widths(ours, found),
            *_of_reference(reference, disjoint, found),
            *_of_variations(ours, reference, found),
            *_numerics(reference, tables, distances),
        ):
            yield replace(measure, quantity=f"{dataset}_{measure.quantity}")


def _measure(quantity: str, values: ByPair, numbers: Interval) -> Measure:
    value, low, high = numbers
    return Measure(quantity=quantity, value=value, ci_low=low, ci_high=high, seeds=len(pairs.members(values)))


def _of_widths(ours: Mapping[str, Arm], found: Barriers) -> Iterator[Measure]:
    """Yield what is left by alignment at each width, and the slopes in width."""

    def sweep(roles: tuple[str, ...], path: str) -> dict[int, ByPair]:
        return {arm.training.width: found[name][path, "test"] for name, arm in ours.items() if arm.role in roles}

    aligned, unaligned = (sweep(("reference", "width"), path) for path in ("w2", "identity"))
    for width in aligned:
        numbers = pairs.ratio_of(aligned[width], unaligned[width])
        yield _measure(f"w{width}_w2_over_identity", aligned[width], numbers)
    widest = aligned[max(aligned)]
    yield _measure("widest_w2", widest, pairs.mean_of(widest))
    low, high = SLOPE_WIDTHS
    for name, by_width in (
        ("slope_w2", aligned),
        ("slope_identity", unaligned),
        ("cold_slope_w2", sweep(("cold",), "w2")),
        ("point_slope_mean", sweep(("point",), "mean")),
    ):
        # The other data sets have widths of their own, all of which are taken.
        fitted = {width: values for width, values in by_width.items() if low <= width <= high}
        fitted = fitted if low in by_width and high in by_width else by_width
        if len(fitted) > 1:
            numbers = pairs.width_slope(fitted)
            yield Measure(quantity=name, value=numbers[0])
            yield _measure(f"{name}_interval", fitted[max(fitted)], numbers)


def _of_reference(reference: str, disjoint: int, found: Barriers) -> Iterator[Measure]:
    """Yield the differences between divergences at the reference arm."""
    test = {path: values for (path, split), values in found[reference].items() if split == "test"}
    w2 = test["w2"]
    difference = {pair: w2[pair] - test["mean"][pair] for pair in w2}
    numbers = pairs.disjoint(difference) if disjoint >= 2 else pairs.mean_of(difference)
    yield _measure("w2_minus_mean", difference, numbers)
    yield _measure("kl_minus_w2", w2, pairs.difference_of(test["kl"], w2))
    share = {pair: 1 - pairs.ratio(test["deviation"][pair], value) for pair, value in test["identity"].items()}
    yield _measure("deviation_share", share, pairs.mean_of(share))
    yield _measure("train_minus_test", w2, pairs.difference_of(found[reference]["w2", "train"], w2))


def _of_variations(ours: Mapping[str, Arm], reference: str, found: Barriers) -> Iterator[Measure]:
    """Yield paired differences between the reference arm and those of its width that change one thing."""
    w2 = found[reference]["w2", "test"]
    for name, arm in ours.items():
        if name == reference or arm.training.width != ours[reference].training.width:
            continue
        if arm.role == "point":
            point = found[name]["mean", "test"]
            yield _measure("vi_minus_map", point, pairs.difference_of(w2, point))
            continue
        suffix = name.removeprefix(f"{reference}_")
        label = "cold" if suffix == f"t{COLD:g}" else suffix
        other = found[name]["w2", "test"]
        yield _measure(f"{label}_minus_reference", other, pairs.difference_of(other, w2))


def _numerics(reference: str, tables: Any, distances: Any) -> Iterator[Measure]:
    """Yield how far the reference arm's numbers are affected by finite draws and by local optima."""
    path = tables.query("arm == @reference and path == 'w2' and split == 'test'")
    bias = path.pivot(index=["first", "second"], columns="time", values="bias")
    first, middle, last = (bias.iloc[:, place] for place in (0, bias.shape[1] // 2, -1))
    yield Measure(quantity="jackknife_bias", value=float(middle.mean()))
    yield Measure(quantity="barrier_bias", value=float((middle - (first + last) / 2).mean()))
    found = distances.query("arm == @reference and alignment == 'w2'")
    spread = found["median_of_starts"] / found["divergence_after"] - 1
    yield Measure(quantity="restart_spread", value=float(spread.mean()))
