import numpy as np
import pandas as pd
import pytest

from perspectives.elements.settings import EstimatorSettings
from perspectives.elements.steps.measure_estimators import measure_estimators
from perspectives.elements.steps.plot_estimators import plot_estimators
from perspectives.elements.steps.plot_smoothing import plot_smoothing
from perspectives.workbench.measures import read_measures

TINY = EstimatorSettings(repetitions=20, largest_draws=100, gumbel_draws=2000)
TABLES = ("errors", "moments", "gumbel", "curves", "measures")


def measured(folder):
    measure_estimators(settings=TINY, seed=3, **{name: folder / f"{name}.csv" for name in TABLES})
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("estimators"))


def test_claims_and_findings_are_measured(folder):
    measures = read_measures(folder / "measures.csv")
    assert all(np.isfinite(measure.value) for measure in measures.values())
    assert measures["largest_bias_difference"].value < 1e-10  # by quadrature, whatever the sizes
    assert measures["companion_floor"].value == pytest.approx(0.03, abs=1e-10)
    assert measures["companion_denoising_width"].value == pytest.approx(0.8, abs=1e-6)
    assert 0 < measures["gumbel_largest_z"].value < 5  # of some dozen unbiased means
    assert measures["sigmoids_minus_quadrature"].value < 2e-5  # a jump among 32768 values


def test_same_seed_gives_the_same_bytes(folder, tmp_path):
    measured(tmp_path)
    for name in TABLES:
        assert (folder / f"{name}.csv").read_bytes() == (tmp_path / f"{name}.csv").read_bytes()


def test_figure_of_estimators_ships_its_numbers(folder, tmp_path):
    tables = {name: folder / f"{name}.csv" for name in ("errors", "moments", "gumbel", "curves")}
    plot_estimators(**tables, png=tmp_path / "a.png", pdf=tmp_path / "a.pdf", csv=tmp_path / "a.csv")
    plotted = pd.read_csv(tmp_path / "a.csv")
    assert set(plotted["panel"]) == {"errors", "smoothing", "dimension", "gumbel", "frequencies", "z-scores"}
    assert np.all(np.isfinite(plotted["y"]))


def test_figure_of_smoothing_takes_biconjugates_of_the_other_step(folder, tmp_path):
    x = np.linspace(-3, 3, 11)
    names = [("function", 0.0), ("convex_hull", 0.0), ("biconjugate", 0.1), ("biconjugate", 0.01)]
    names += [("companion", 0.01), ("companion_corrected", 0.01)]
    rows = [
        pd.DataFrame({"x": x, "smoothing": smoothing, "series": name, "value": x**2 + at / 10})
        for at, (name, smoothing) in enumerate(names)
    ]
    pd.concat(rows).to_csv(tmp_path / "biconjugate.csv", index=False)
    plot_smoothing(
        curves=folder / "curves.csv", biconjugate=tmp_path / "biconjugate.csv",
        png=tmp_path / "a.png", pdf=tmp_path / "a.pdf", csv=tmp_path / "a.csv",
    )  # fmt: skip
    plotted = pd.read_csv(tmp_path / "a.csv")
    assert {"relu", "step", "denoising", "impulse", "biconjugate"} == set(plotted["panel"])
    assert np.all(np.isfinite(plotted["y"]))
