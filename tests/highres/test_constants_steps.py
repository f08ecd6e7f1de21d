import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from perspectives.highres.settings import ConstantSettings
from perspectives.highres.steps.evaluate_constants import evaluate_constants
from perspectives.highres.steps.plot_constants import plot_constants
from perspectives.highres.steps.run_nag import run_nag
from perspectives.numerics.progress import silent
from perspectives.workbench.measures import read_measures

TINY = ConstantSettings(iterations=150, bootstrap=20, worst_case_dimensions=80, quadratic_dimensions=30)


@pytest.fixture(scope="module")
def breast_cancer():
    spec = importlib.util.find_spec("sklearn")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets/data/breast_cancer.csv"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, breast_cancer):
    folder = tmp_path_factory.mktemp("constants")
    run_nag(settings=TINY, breast_cancer=breast_cancer, descents=folder / "nag.csv", progress=silent)
    evaluate_constants(
        settings=TINY,
        seed=3,
        descents=folder / "nag.csv",
        measures=folder / "measures.csv",
        ratios=folder / "ratios.csv",
    )
    return folder


def test_theorem_3_1_holds_on_all_three_problems(folder):
    measures = read_measures(folder / "measures.csv")
    for problem in ("worst_case", "quadratic", "breast_cancer"):
        assert 0 < measures[f"gradient_over_bound_{problem}"].value <= 1
        assert 0 < measures[f"gap_over_bound_{problem}"].value <= 1
    assert measures["gradient_over_bound"].value == max(
        measures[f"gradient_over_bound_{problem}"].value for problem in ("worst_case", "quadratic", "breast_cancer")
    )
    assert measures["lyapunov_violation"].value < 1e-12  # rounding of float64 sums


def test_slope_has_an_interval_around_it(folder):
    slope = read_measures(folder / "measures.csv")["gradient_slope_worst_case"]
    assert slope.ci_low is not None
    assert slope.ci_high is not None
    assert slope.ci_low <= slope.value <= slope.ci_high
    assert -3.1 < slope.value < -2.5


@pytest.mark.parametrize(("intercept", "separable"), [(True, True), (False, False)])
def test_breast_cancer_classes_are_separable_by_a_plane_but_not_by_one_through_the_mean(
    breast_cancer, intercept, separable
):
    cases = np.loadtxt(breast_cancer, delimiter=",", skiprows=1)
    features = (cases[:, :-1] - cases[:, :-1].mean(0)) / cases[:, :-1].std(0)
    rows = np.hstack([features, np.full((len(cases), 1), float(intercept))])
    signs = 2 * cases[:, -1:] - 1
    plane = linprog(np.zeros(31), A_ub=-signs * rows, b_ub=-np.ones(len(cases)), bounds=(None, None))
    assert (plane.status == 0) == separable


def test_same_input_gives_the_same_bytes(folder, breast_cancer, tmp_path):
    run_nag(settings=TINY, breast_cancer=breast_cancer, descents=tmp_path / "nag.csv", progress=silent)
    assert (tmp_path / "nag.csv").read_bytes() == (folder / "nag.csv").read_bytes()


def test_figure_ships_its_numbers(folder, tmp_path):
    plot_constants(ratios=folder / "ratios.csv", png=tmp_path / "a.png", pdf=tmp_path / "a.pdf", csv=tmp_path / "a.csv")
    assert np.all(pd.read_csv(tmp_path / "a.csv")["ratio"] <= 1)
    assert (tmp_path / "a.png").stat().st_size > 10_000
