import numpy as np
import pandas as pd
import pytest

from perspectives.elements.steps.measure_optimization import measure_optimization
from perspectives.elements.steps.plot_optimization import plot_optimization
from perspectives.workbench.measures import read_measures

TABLES = ("trajectories", "sweep", "errors", "progress_ratios", "pinsker")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("optimization")
    measure_optimization(**{name: folder / f"{name}.csv" for name in (*TABLES, "measures")})
    return folder


def test_claims_and_findings_are_measured(folder):
    measures = {name: measure.value for name, measure in read_measures(folder / "measures.csv").items()}
    assert all(np.isfinite(value) for value in measures.values())
    assert measures["largest_rate_difference"] < 1e-6  # the second eigenvalue's share after 300 steps
    assert measures["rate_step_2.05_momentum_0"] == pytest.approx(1.05)
    assert measures["smallest_pinsker_gap"] >= 0
    assert measures["pinsker_contact_gap"] == 0
    # (9/11)^k sqrt(0.75^2 + 0.25^2) < 1e-8
    assert measures["gradient_descent_gradients"] == np.ceil(np.log(1e-8 / 0.625**0.5) / np.log(9 / 11))


def test_paths_start_where_the_companions_do_and_fall(folder):
    paths = pd.read_csv(folder / "trajectories.csv")
    starts = paths[paths["k"] == 0]
    np.testing.assert_array_equal(starts[["w_1", "w_2"]], [[-0.75, 0.25]] * 3)
    for _, rows in paths.groupby(["step", "momentum"]):
        assert (np.diff(rows["value"]) < 0).all()


def test_figure_ships_its_numbers(folder, tmp_path):
    files = {"png": tmp_path / "a.png", "pdf": tmp_path / "a.pdf", "csv": tmp_path / "a.csv"}
    plot_optimization(**{name: folder / f"{name}.csv" for name in TABLES}, **files)
    assert len(set(pd.read_csv(files["csv"])["panel"])) == 5
    assert files["png"].stat().st_size > 0 < files["pdf"].stat().st_size
