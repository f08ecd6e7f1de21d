import numpy as np
import pandas as pd
import pytest

from perspectives.elements.settings import DifferentiationSettings
from perspectives.elements.steps.measure_differentiation import measure_differentiation
from perspectives.elements.steps.plot_differentiation import plot_differentiation
from perspectives.workbench.measures import read_measures

TABLES = ("functions", "errors", "best_steps", "kinked")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("differentiation")
    files = {name: folder / f"{name}.csv" for name in (*TABLES, "measures")}
    measure_differentiation(settings=DifferentiationSettings(steps=29, points=7), **files)
    return folder


def test_orders_and_rounding_are_those_of_theory(folder):
    measures = {name: measure.value for name, measure in read_measures(folder / "measures.csv").items()}
    assert all(np.isfinite(value) for value in measures.values())
    assert measures["order_forward"] == pytest.approx(1, abs=0.02)  # the next terms at a step of 0.1
    assert measures["order_central"] == pytest.approx(2, abs=0.02)
    assert measures["largest_complex_error"] < 5e-16  # a few ulp of one half to one
    assert measures["automatic_error"] < 1e-15
    assert measures["best_step_factor"] < 10
    assert measures["kinks_outside_subdifferential"] == 5


def test_the_derivative_drawn_is_that_of_the_function_drawn(folder):
    rows = pd.read_csv(folder / "functions.csv")
    logistic = rows[rows["function"] == "logistic"]
    np.testing.assert_allclose(logistic["derivative"], logistic["value"] * (1 - logistic["value"]), rtol=1e-12)


def test_figure_ships_its_numbers(folder, tmp_path):
    files = {"png": tmp_path / "a.png", "pdf": tmp_path / "a.pdf", "csv": tmp_path / "a.csv"}
    plot_differentiation(**{name: folder / f"{name}.csv" for name in TABLES}, **files)
    assert set(pd.read_csv(files["csv"])["panel"]) == {"functions", "errors", "best steps", "kinks"}
    assert files["png"].stat().st_size > 0 < files["pdf"].stat().st_size
