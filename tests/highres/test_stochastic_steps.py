import numpy as np
import pandas as pd
import pytest

from perspectives.highres.settings import BoundSettings, NoiseBoundSettings, RaceSettings
from perspectives.highres.steps.evaluate_bounds import evaluate_bounds
from perspectives.highres.steps.evaluate_noise_bounds import evaluate_noise_bounds
from perspectives.highres.steps.evaluate_race import evaluate_race
from perspectives.highres.steps.plot_bounds import plot_bounds
from perspectives.highres.steps.plot_noise_bounds import plot_noise_bounds
from perspectives.highres.steps.plot_race import plot_race
from perspectives.highres.steps.run_noise_bounds import run_noise_bounds
from perspectives.highres.steps.run_race import run_race
from perspectives.numerics.progress import silent
from perspectives.workbench.errors import UserError
from perspectives.workbench.measures import read_measures

RACE = RaceSettings(samples=60, dimensions=3, seeds=4, epochs=2, iterations_per_epoch=20, logs_per_epoch=4)


@pytest.fixture(scope="module")
def race_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("race")
    files = {mode: folder / f"{mode}.npz" for mode in ("code", "text")}
    run_race(settings=RACE, seed=0, mode="code", losses=files["code"], progress=silent)
    run_race(settings=RACE, seed=0, mode="text", losses=files["text"], progress=silent)
    return files


def drawn(folder):
    return {kind: folder / f"figure.{kind}" for kind in ("png", "pdf", "csv")}


def test_race_modes_are_paired_and_start_together(race_files):
    with np.load(race_files["code"]) as code, np.load(race_files["text"]) as text:
        assert code["losses"].shape == (10, 4, 9)
        assert text["losses"].shape == (7, 4, 9)
        # the same problem, start and samples: plain SGD does not differ between code and text
        i, j = list(code["methods"]).index("sgd"), list(text["methods"]).index("sgd")
        np.testing.assert_allclose(code["losses"][i], text["losses"][j], rtol=1e-12)  # another batch width
        assert np.all(code["losses"][:, :, 0] == code["losses"][0, :, 0])
        assert code["minimum_loss"] < code["generator_loss"]
        assert code["minimum_loss"] <= code["losses"].min()


def test_race_of_the_same_seed_is_the_same_file(race_files, tmp_path):
    again = tmp_path / "again.npz"
    run_race(settings=RACE, seed=0, mode="code", losses=again, progress=silent)
    assert again.read_bytes() == race_files["code"].read_bytes()


def test_race_refuses_a_log_interval_that_does_not_fit(tmp_path):
    settings = RaceSettings(iterations_per_epoch=10, logs_per_epoch=3)
    with pytest.raises(UserError, match="logs_per_epoch = 3"):
        run_race(settings=settings, seed=0, mode="code", losses=tmp_path / "x.npz", progress=silent)


def test_race_is_evaluated_and_drawn(race_files, tmp_path):
    measures, epochs, curves = (tmp_path / name for name in ("measures.csv", "epochs.csv", "curves.csv"))
    evaluate_race(code=race_files["code"], text=race_files["text"], measures=measures, epochs=epochs, curves=curves)
    found = read_measures(measures)
    with np.load(race_files["code"]) as code:
        names = list(code["methods"])
        last = code["losses"][:, :, -1].mean(axis=1)
        expected = last[names.index("per_fe_c")] - last[names.index("nnag")]
    np.testing.assert_allclose(found["per_fe_c_minus_nnag_code"].value, expected, rtol=1e-12)
    assert found["perturbed_gd_minus_nnag_text"].seeds == 4
    assert "svrg_minus_nnag_svrg_epoch_20" not in found  # two epochs only
    table = pd.read_csv(epochs)
    assert set(table["epoch"]) == {1.0}
    row = table[(table["mode"] == "code") & (table["method"] == "sgd")].iloc[0]
    assert row["published"] == 0.025
    np.testing.assert_allclose(
        row["above_minimum"] - row["above_generator"], found["generating_point_excess"].value, rtol=1e-9
    )
    plot_race(curves=curves, **drawn(tmp_path))
    assert "published" in set(pd.read_csv(tmp_path / "figure.csv")["curve"])


def test_bounds_are_evaluated_and_drawn(tmp_path):
    curves, measures = tmp_path / "curves.csv", tmp_path / "measures.csv"
    evaluate_bounds(settings=BoundSettings(points_per_decade=5), curves=curves, measures=measures)
    found = read_measures(measures)
    assert found["smallest_consistent_start_smoothness_100"].value == 39
    assert 1e4 < found["crossing_smoothness_100"].value < 1e5
    assert np.isnan(found["crossing_smoothness_1000"].value)
    assert found["largest_ratio_30_over_laborde_smoothness_1000"].value < 1
    plot_bounds(curves=curves, **drawn(tmp_path))
    assert len(pd.read_csv(tmp_path / "figure.csv").query("source == 'published'")) == 30


def test_noise_bounds_are_run_evaluated_and_drawn(tmp_path):
    settings = NoiseBoundSettings(dimensions=4, seeds=5, iterations=300)
    runs, measures, curves = (tmp_path / name for name in ("runs.npz", "measures.csv", "curves.csv"))
    run_noise_bounds(settings=settings, seed=0, runs=runs, progress=silent)
    evaluate_noise_bounds(settings=settings, runs=runs, measures=measures, curves=curves)
    found = read_measures(measures)
    for name in ("gap_over_bound_30", "gap_over_bound_32", "gradient_over_bound_33"):
        ci_low, ci_high = found[name].ci_low, found[name].ci_high
        assert ci_low is not None
        assert ci_high is not None
        assert ci_low < found[name].value < ci_high
        assert 0 < found[name].value < 1
    assert found["smallest_consistent_start"].value == 2
    plot_noise_bounds(curves=curves, **drawn(tmp_path))
    assert set(pd.read_csv(tmp_path / "figure.csv")["curve"]) == {"mean", "standard_error", "bound_value"}
