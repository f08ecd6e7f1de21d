import numpy as np
import pandas as pd
import pytest

from perspectives.highres.settings import DiscretisationSettings
from perspectives.highres.steps.evaluate_discretisations import evaluate_discretisations
from perspectives.highres.steps.plot_discretisations import plot_discretisations
from perspectives.highres.steps.run_discretisations import run_discretisations
from perspectives.numerics.progress import silent
from perspectives.workbench.measures import read_measures

TINY = DiscretisationSettings(halvings_from=6, halvings_to=9, horizon=4.0, dimensions=3, samples=40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("discretisation")
    run_discretisations(settings=TINY, seed=3, errors=folder / "errors.csv", progress=silent)
    evaluate_discretisations(errors=folder / "errors.csv", measures=folder / "measures.csv")
    return folder


def test_exact_identities_are_exact_and_the_printed_one_is_not(folder):
    measures = read_measures(folder / "measures.csv")
    assert measures["nag_minus_semi_implicit"].value < 1e-13  # rounding of a hundred steps
    assert measures["nag_minus_27_weight_1_gradient_x"].value < 1e-13
    assert measures["nag_minus_27"].value > 1e-4


@pytest.mark.parametrize("problem", ["quadratic", "logistic"])
@pytest.mark.parametrize("method", ["nag", "24", "27"])
def test_every_method_is_of_order_1_against_its_modified_equation_alone(folder, method, problem):
    measures = read_measures(folder / "measures.csv")
    # The next terms of the expansion at s = 2^-6 ... 2^-9.
    assert measures[f"order_{method}_modified_{problem}"].value == pytest.approx(1.0, abs=0.15)
    assert measures[f"order_{method}_low_resolution_{problem}"].value == pytest.approx(0.5, abs=0.15)
    errors = [measures[f"error_{method}_{ode}_{problem}"].value for ode in ("modified", "ode_10", "ode_14")]
    assert errors[0] == min(errors)


def test_corrected_27_lags_nesterovs_method_by_no_index_and_is_of_order_1(folder):
    table = pd.read_csv(folder / "errors.csv", dtype={"method": str})
    corrected = table[table["method"] == "27_weight_1_gradient_y"]
    assert set(corrected["shift"]) == {0}
    assert read_measures(folder / "measures.csv")["slope_nag_minus_27_weight_1"].value == pytest.approx(1.0, abs=0.1)


def test_same_seed_gives_the_same_bytes(folder, tmp_path):
    run_discretisations(settings=TINY, seed=3, errors=tmp_path / "errors.csv", progress=silent)
    assert (tmp_path / "errors.csv").read_bytes() == (folder / "errors.csv").read_bytes()


def test_figure_ships_its_numbers(folder, tmp_path):
    plot_discretisations(
        errors=folder / "errors.csv", png=tmp_path / "a.png", pdf=tmp_path / "a.pdf", csv=tmp_path / "a.csv"
    )
    plotted = pd.read_csv(tmp_path / "a.csv", dtype={"method": str})
    assert np.all(np.isfinite(plotted["error"]))
    assert (tmp_path / "a.png").stat().st_size > 10_000
