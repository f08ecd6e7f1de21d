import numpy as np
import pandas as pd
import pytest

from perspectives.elements.steps.measure_control import measure_control
from perspectives.elements.steps.plot_branches import plot_branches
from perspectives.elements.steps.plot_logic import plot_logic
from perspectives.workbench.measures import read_measures

TABLES = ("curves", "surfaces", "measures")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("control")
    measure_control(seed=3, **{name: folder / f"{name}.csv" for name in TABLES})
    return folder


def test_claims_and_findings_are_measured(folder):
    measures = read_measures(folder / "measures.csv")
    assert all(np.isfinite(measure.value) for measure in measures.values())
    assert measures["largest_logic_violation"].value <= 1e-14  # rounding; float32 would be 1e-7
    assert measures["global_minus_expectation"].value <= 1 / 2**15 + 1e-12
    assert measures["companion_weight_sum"].value == pytest.approx(1.0347, abs=1e-4)
    assert measures["weight_sum"].value == pytest.approx(1, abs=1e-15)
    assert measures["companion_equality_gap"].value == pytest.approx(0.17, abs=0.01)
    assert measures["order_largest_z"].value < 5


def test_same_seed_gives_the_same_bytes(folder, tmp_path):
    measure_control(seed=3, **{name: tmp_path / f"{name}.csv" for name in TABLES})
    for name in TABLES:
        assert (folder / f"{name}.csv").read_bytes() == (tmp_path / f"{name}.csv").read_bytes()


def test_figures_ship_their_numbers(folder, tmp_path):
    files = {"png": tmp_path / "a.png", "pdf": tmp_path / "a.pdf", "csv": tmp_path / "a.csv"}
    plot_logic(curves=folder / "curves.csv", surfaces=folder / "surfaces.csv", **files)
    assert set(pd.read_csv(files["csv"])["panel"]) == {"greater", "equal", "map"}
    plot_branches(curves=folder / "curves.csv", **files)
    plotted = pd.read_csv(files["csv"])
    assert {"logistic 1", "argmax", "steps, companion", "order", "densities"} <= set(plotted["panel"])
    assert np.all(np.isfinite(plotted["y"]))
