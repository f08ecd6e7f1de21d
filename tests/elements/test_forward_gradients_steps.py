import numpy as np
import pandas as pd
import pytest

from perspectives.elements.settings import ForwardSettings
from perspectives.elements.steps import measure_forward_gradients as step
from perspectives.elements.steps.plot_forward_gradients import plot_forward_gradients
from perspectives.workbench.measures import read_measures

TINY = ForwardSettings(dimensions=(3,), draws=2000)
TABLES = ("moments", "paths", "race")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forward")
    files = {name: folder / f"{name}.csv" for name in (*TABLES, "measures")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, "RUNS", 10)
        patch.setattr(step, "PRODUCTS", 200)
        step.measure_forward_gradients(settings=TINY, seed=3, **files)
    return folder


def test_claims_and_finding_are_measured(folder):
    measures = {name: measure.value for name, measure in read_measures(folder / "measures.csv").items()}
    assert all(np.isfinite(value) for value in measures.values())
    assert measures["companion_step_factor"] == pytest.approx(0.5, rel=1e-14)
    for law in ("gaussian", "rademacher", "coordinate", "scaled_coordinate"):
        assert measures[f"{law}_largest_z"] < 4
        assert measures[f"{law}_moment_over_theory"] == pytest.approx(1, abs=0.2)  # four deviations of 2000 draws
    assert measures["race_loss_reverse"] < measures["race_loss_full_forward"] < measures["race_loss_gaussian"]


def test_reverse_path_is_the_powers_of_one_minus_step_times_curvature(folder):
    paths = pd.read_csv(folder / "paths.csv")
    rows = paths[paths["method"] == "reverse"]
    k = rows["k"].to_numpy()
    np.testing.assert_allclose(rows["w_1"], -7 * 0.84**k, rtol=1e-12)
    np.testing.assert_allclose(rows["w_2"], 3.8 * (-0.6) ** k, rtol=1e-12)


def test_companions_path_moves_along_one_axis_a_step(folder):
    paths = pd.read_csv(folder / "paths.csv")
    moves = np.diff(paths[paths["method"] == "coordinate"][["w_1", "w_2"]].to_numpy(), axis=0)
    assert ((moves != 0).sum(1) == 1).all()


def test_figure_ships_its_numbers(folder, tmp_path):
    files = {"png": tmp_path / "a.png", "pdf": tmp_path / "a.pdf", "csv": tmp_path / "a.csv"}
    plot_forward_gradients(**{name: folder / f"{name}.csv" for name in TABLES}, **files)
    assert set(pd.read_csv(files["csv"])["panel"]) == set(TABLES)
    assert files["png"].stat().st_size > 0 < files["pdf"].stat().st_size
