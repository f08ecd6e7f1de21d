import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perspectives.diffusion.claims import LEDGER
from perspectives.diffusion.steps.check_identities import check_identities
from perspectives.diffusion.steps.measure_bounds import measure_bounds
from perspectives.diffusion.steps.measure_exact_family import measure_exact_family
from perspectives.diffusion.steps.measure_losses import measure_losses
from perspectives.diffusion.steps.measure_path_weights import measure_path_weights
from perspectives.diffusion.steps.plot_bounds import plot_bounds
from perspectives.diffusion.steps.plot_exact_family import plot_exact_family
from perspectives.diffusion.steps.plot_path_weights import plot_path_weights
from perspectives.diffusion.steps.plot_score_matching import plot_score_matching
from perspectives.suite.settings import resolve
from perspectives.workbench.measures import read_measures

SETTINGS = resolve({"preset": "smoke"}, Path(__file__).parents[2] / "workflow" / "presets").diffusion.laboratory

STEPS = {
    "paths": (measure_path_weights, {"estimates": "csv", "curves": "npz"}),
    "bounds": (measure_bounds, dict.fromkeys(("layers", "drops", "family", "shifts", "flow"), "csv")),
    "losses": (
        measure_losses, {"losses": "csv", "gradients": "csv", "variances": "csv", "curves": "npz"},
    ),
    "family": (measure_exact_family, {"distances": "csv", "snapshots": "npz"}),
}  # fmt: skip
PLOTS = {
    "paths": plot_path_weights,
    "bounds": plot_bounds,
    "losses": plot_score_matching,
    "family": plot_exact_family,
}


def run(table, folder, seed=3):
    """Run a step and return its files; the measures are among them."""
    step, outputs = STEPS[table]
    files = {name: folder / f"{name}.{suffix}" for name, suffix in outputs.items()}
    files["measures"] = folder / "measures.csv"
    step(settings=SETTINGS, seed=seed, **files)
    return files


@pytest.fixture(scope="module", params=STEPS)
def measured(request, tmp_path_factory):
    return request.param, run(request.param, tmp_path_factory.mktemp(request.param))


def wanted(table):
    entries = [*LEDGER.claims, *LEDGER.laws, *LEDGER.findings]
    return {entry.quantity.partition(":")[2] for entry in entries if entry.quantity.startswith(f"{table}:")}


def test_what_the_ledger_asks_for_is_measured(measured):
    table, files = measured
    measures = read_measures(files["measures"])
    assert wanted(table) <= measures.keys()
    assert all(np.isfinite(measure.value) for measure in measures.values())


def test_claims_that_any_size_can_decide_hold_at_a_small_one(measured):
    table, files = measured
    measures = read_measures(files["measures"])
    for claim in LEDGER.claims:
        if claim.quantity.startswith(f"{table}:") and "smoke" in claim.presets:
            assert claim.criterion.holds(measures[claim.quantity.partition(":")[2]].value), claim.id


def test_figure_ships_its_numbers(measured, tmp_path):
    table, files = measured
    inputs = {name: path for name, path in files.items() if name != "measures"}
    PLOTS[table](**inputs, png=tmp_path / "a.png", pdf=tmp_path / "a.pdf", csv=tmp_path / "a.csv")
    assert len(pd.read_csv(tmp_path / "a.csv")["panel"].unique()) >= 3
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("table", ["paths", "family"])
def test_same_seed_gives_the_same_bytes_and_another_does_not(table, tmp_path):
    folders = [tmp_path / name for name in ("one", "again", "other")]
    for folder, seed in zip(folders, (3, 3, 4), strict=True):
        folder.mkdir()
        run(table, folder, seed)
    for name in (path.name for path in folders[0].iterdir()):
        one, again, other = ((folder / name).read_bytes() for folder in folders)
        assert one == again, name
        assert one != other, name


def test_all_laws_hold(tmp_path):
    check_identities(measures=tmp_path / "measures.csv")
    measures = read_measures(tmp_path / "measures.csv")
    laws = {law.quantity.partition(":")[2]: law for law in LEDGER.laws}
    assert all(re.fullmatch("identities:.*", law.quantity) for law in LEDGER.laws)
    for name, law in laws.items():
        assert law.criterion.holds(measures[name].value), law.id
