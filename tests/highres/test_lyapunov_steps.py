import numpy as np
import pandas as pd
import pytest

from perspectives.highres.settings import FlowSettings
from perspectives.highres.steps.evaluate_lyapunov import evaluate_lyapunov
from perspectives.highres.steps.plot_lyapunov import plot_lyapunov
from perspectives.highres.steps.solve_flows import solve_flows
from perspectives.numerics.progress import silent
from perspectives.workbench.measures import read_measures

# As many unknowns, rows and times as in the other tests of the flows, so that nothing compiles again.
TINY = FlowSettings(dimensions=3, samples=40, horizon=10.0, horizon_strongly_convex=20.0, points=101)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lyapunov")
    solve_flows(settings=TINY, seed=3, trajectories=folder / "flows.npz", progress=silent)
    evaluate_lyapunov(trajectories=folder / "flows.npz", measures=folder / "measures.csv", curves=folder / "curves.csv")
    return folder


def test_theorems_2_1_to_2_3_hold_along_the_saved_trajectories(folder):
    measures = read_measures(folder / "measures.csv")
    for ode in ("ode_10", "ode_14", "ode_19"):
        assert measures[f"relative_increase_{ode}"].value < 1e-9  # the solver's relative tolerance
        assert 0 < measures[f"gap_over_guarantee_{ode}"].value < 1
    assert measures["rate_over_guarantee_ode_19"].value > 1


def test_curves_start_at_the_starting_point(folder):
    curves = pd.read_csv(folder / "curves.csv")
    assert set(curves["ode"]) == {"ode_10", "ode_14", "ode_19"}
    first = curves.query("time == 0")
    np.testing.assert_array_equal(first["lyapunov"], 1.0)
    assert np.ptp(first["gap"]) == 0  # all start in the same point


def test_same_seed_gives_the_same_bytes_and_another_seed_another_problem(folder, tmp_path):
    solve_flows(settings=TINY, seed=3, trajectories=tmp_path / "same.npz", progress=silent)
    solve_flows(settings=TINY, seed=4, trajectories=tmp_path / "other.npz", progress=silent)
    with np.load(folder / "flows.npz") as one, np.load(tmp_path / "same.npz") as two:
        for name in one.files:
            np.testing.assert_array_equal(one[name], two[name])
    with np.load(folder / "flows.npz") as one, np.load(tmp_path / "other.npz") as two:
        assert np.any(one["features"] != two["features"])


def test_figure_ships_its_numbers(folder, tmp_path):
    plot_lyapunov(curves=folder / "curves.csv", png=tmp_path / "a.png", pdf=tmp_path / "a.pdf", csv=tmp_path / "a.csv")
    assert np.all(np.isfinite(pd.read_csv(tmp_path / "a.csv")["value"]))
    assert (tmp_path / "a.png").stat().st_size > 10_000
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
