import shutil
from pathlib import Path
from sys import modules
from typing import Any
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest

from perspectives.diffusion.claims import LEDGER
from perspectives.diffusion.generative_paths import VARIANTS
from perspectives.diffusion.steps.compare_swiss_roll import compare_swiss_roll
from perspectives.diffusion.steps.evaluate_generative_paths import evaluate_generative_paths
from perspectives.diffusion.steps.evaluate_swiss_roll import evaluate_swiss_roll
from perspectives.diffusion.steps.measure_family import measure_family
from perspectives.diffusion.steps.measure_solvers import measure_solvers
from perspectives.diffusion.steps.plot_generative_paths import plot_generative_paths
from perspectives.diffusion.steps.plot_lambda_family import plot_lambda_family
from perspectives.diffusion.steps.plot_solvers import plot_solvers
from perspectives.diffusion.steps.plot_swiss_roll import plot_swiss_roll
from perspectives.diffusion.steps.plot_swiss_roll_trajectories import plot_swiss_roll_trajectories
from perspectives.diffusion.steps.sample_family import sample_family
from perspectives.diffusion.steps.sample_generative_paths import sample_generative_paths
from perspectives.diffusion.steps.train_generative_paths import train_generative_paths
from perspectives.diffusion.steps.train_swiss_roll import train_swiss_roll
from perspectives.numerics.progress import silent
from perspectives.suite.settings import resolve
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.errors import UserError
from perspectives.workbench.measures import read_measures

SMOKE = resolve({"preset": "smoke"}, Path(__file__).parents[2] / "workflow" / "presets").diffusion
ROLL, PATHS = SMOKE.swiss_roll, SMOKE.generative_paths
train_swiss_roll_module = modules[train_swiss_roll.__module__]


def train_roll(folder, proposal, progress=silent, **options):
    train_swiss_roll(
        settings=ROLL, proposal=proposal, seed=1, weights=folder / f"{proposal}.npz", losses=folder / f"{proposal}.csv",
        progress=progress, **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def roll(tmp_path_factory):
    folder = tmp_path_factory.mktemp("roll")
    for proposal in ("uniform", "debiasing"):
        train_roll(folder, proposal)
        weights = folder / f"{proposal}.npz"
        evaluate_swiss_roll(settings=ROLL, seed=1, weights=weights, evaluation=folder / f"{proposal}_evaluation.npz")
    return folder


def evaluations(folder):
    return {proposal: folder / f"{proposal}_evaluation.npz" for proposal in ("uniform", "debiasing")}


def drawn_files(folder, name):
    return {kind: folder / f"{name}.{kind}" for kind in ("png", "pdf", "csv")}


def named(table):
    """Return the rows that claims and findings ask of a table."""
    asked = [entry.quantity.split(":") for entry in (*LEDGER.claims, *LEDGER.findings)]
    return {row for of, row in asked if of == table}


def test_trainings_are_paired_and_repeat_to_the_byte(roll, tmp_path):
    one, other = (read_groups(roll / f"{proposal}.npz") for proposal in ("uniform", "debiasing"))
    assert all(array.dtype == np.float32 and len(array) == 2 for array in one["last"].values())
    assert np.any(one["last"][".layers[0].weight"] != other["last"][".layers[0].weight"])
    # Two hundred steps of .001 are short beside the spread of starts.
    first, second = one["average"][".layers[0].weight"]
    assert np.abs(first - other["average"][".layers[0].weight"][0]).mean() < 0.3 * np.abs(first - second).mean()
    train_roll(tmp_path, "uniform")
    assert (tmp_path / "uniform.npz").read_bytes() == (roll / "uniform.npz").read_bytes()
    assert len(pd.read_csv(roll / "uniform.csv")) == 2


def test_a_killed_training_is_picked_up_to_the_same_bytes(roll, tmp_path, monkeypatch):
    monkeypatch.setattr(train_swiss_roll_module, "CHECKPOINT_EVERY", 1)
    rounds, checkpoints = [], tmp_path / "checkpoints"
    with pytest.raises(KeyboardInterrupt):
        train_roll(tmp_path, "uniform", progress=Mock(side_effect=KeyboardInterrupt), checkpoints=checkpoints)
    train_roll(tmp_path, "uniform", lambda done, total, **_: rounds.append(done), checkpoints=checkpoints)
    assert rounds == [2]
    for name in ("uniform.npz", "uniform.csv"):
        assert (tmp_path / name).read_bytes() == (roll / name).read_bytes()
    assert not list(checkpoints.glob("*"))


def test_no_whole_round_is_refused(tmp_path):
    with pytest.raises(UserError, match="iterations = 150 is no multiple of the 100"):
        train_swiss_roll(
            settings=ROLL.model_copy(update={"iterations": 150}), proposal="uniform", seed=1,
            weights=tmp_path / "a.npz", losses=tmp_path / "a.csv", progress=silent,
        )  # fmt: skip


def test_measures_of_the_roll_are_differences_of_its_table(roll, tmp_path):
    table, measures = tmp_path / "table.csv", tmp_path / "measures.csv"
    compare_swiss_roll(**evaluations(roll), table=table, measures=measures)
    found = read_measures(measures)
    rows: Any = pd.read_csv(table).query("quantity == 'elbo_average'")
    assert named("swiss_roll") <= set(found)
    gap: Any = rows.groupby("proposal")["gap"].mean()
    assert found["debiasing_minus_uniform"].value == pytest.approx(gap["uniform"] - gap["debiasing"], abs=1e-7), (
        "the table is in nine digits"
    )
    z = rows["gap"] / rows["gap_standard_error"]
    assert found["smallest_gap_z"].value == pytest.approx(z.min(), rel=1e-6)
    files = drawn_files(tmp_path, "roll")
    plot_swiss_roll(**evaluations(roll), table=table, **files)
    assert {"exact density", "gaps by training"} <= set(pd.read_csv(files["csv"])["panel"])


def test_arms_compared_with_themselves_do_not_differ(roll, tmp_path):
    shutil.copy(roll / "uniform_evaluation.npz", tmp_path / "same.npz")
    compare_swiss_roll(
        uniform=tmp_path / "same.npz", debiasing=tmp_path / "same.npz", table=tmp_path / "t.csv",
        measures=tmp_path / "m.csv",
    )  # fmt: skip
    found = read_measures(tmp_path / "m.csv")["debiasing_minus_uniform"]
    assert (found.value, found.ci_low, found.ci_high) == (0, 0, 0)


def test_family_is_sampled_measured_and_drawn(roll, tmp_path):
    files = {"samples": tmp_path / "samples.npz", "paths": tmp_path / "paths.npz"}
    sample_family(settings=SMOKE.family, training=ROLL, seed=1, weights=roll / "debiasing.npz", **files)
    family = read_groups(files["samples"])["family"]
    assert family["counts"].shape[:2] == (9, 10)
    assert np.all(family["counts"].sum(axis=(2, 3)) <= SMOKE.family.samples)
    tables = {"table": tmp_path / "family.csv", "measures": tmp_path / "measures.csv"}
    measure_family(seed=1, samples=files["samples"], **tables)
    found = read_measures(tables["measures"])
    assert named("lambda") <= set(found)
    assert found["largest_distance_over_reverse_sde"].value >= 1, "the reverse SDE is one of the members"
    drawn = drawn_files(tmp_path, "family")
    plot_lambda_family(samples=files["samples"], table=tables["table"], **drawn)
    table: Any = pd.read_csv(drawn["csv"])
    assert table.iloc[:, 3:].to_numpy().sum() == family["counts"].sum()

    tracks = read_groups(files["paths"])["paths"]
    np.testing.assert_array_equal(*tracks["trajectories"][:, 0])
    cell = tracks["centres"][1] - tracks["centres"][0]
    # Cells of three quarters of the roll's deviation, and a little of the prior lies outside.
    np.testing.assert_allclose(tracks["densities"].sum(axis=(1, 2)) * cell**2, 1, atol=2e-3)
    drawn = drawn_files(tmp_path, "tracks")
    plot_swiss_roll_trajectories(paths=files["paths"], **drawn)
    plotted: Any = pd.read_csv(drawn["csv"])
    assert (plotted["panel"] == "trajectories").sum() == tracks["trajectories"].size / 2


def test_generative_paths_are_trained_evaluated_sampled_and_drawn(tmp_path):
    weights = []
    for variant in VARIANTS:
        weights.append(tmp_path / f"{variant}.npz")
        losses = tmp_path / f"{variant}.csv"
        train_generative_paths(
            settings=PATHS, variant=variant, seed=1, weights=weights[-1], losses=losses, progress=silent
        )
    table, measures, paths = tmp_path / "table.csv", tmp_path / "measures.csv", tmp_path / "paths.npz"
    evaluate_generative_paths(settings=PATHS, seed=1, weights=weights, table=table, measures=measures)
    found = read_measures(measures)
    assert named("generative_paths") <= set(found)
    rows: Any = pd.read_csv(table).set_index("variant")
    assert np.all(rows["gap"] > -3 * rows["standard_error"]), "a likelihood or a bound, on fresh points"
    sample_generative_paths(settings=PATHS, seed=1, weights=weights, paths=paths)
    groups = read_groups(paths)
    for variant in VARIANTS:
        np.testing.assert_array_equal(groups[variant]["paths"][0], groups["no_noise"]["paths"][0])
    files = drawn_files(tmp_path, "figure")
    plot_generative_paths(paths=paths, table=table, **files)
    assert set(pd.read_csv(files["csv"])["panel"]) == {*VARIANTS, "prior", "target"}


def test_solvers_are_measured_and_drawn(roll, tmp_path):
    tables = {name: tmp_path / f"{name}.csv" for name in ("solvers", "adjoints", "measures")}
    measure_solvers(
        settings=SMOKE.solvers, training=ROLL, seed=1, weights=roll / "debiasing.npz",
        **tables,
    )  # fmt: skip
    assert named("solvers") <= set(read_measures(tables["measures"]))
    errors: Any = pd.read_csv(tables["solvers"])
    euler = errors.query("solver == 'euler' and control == 'uniform'").set_index("size")["mean_error"]
    assert 1.6 < euler[256] / euler[512] < 2.5, "order 1, in the limit"
    heun = errors.query("solver == 'heun' and control == 'uniform'").set_index("size")["mean_error"]
    assert 3 < heun[256] / heun[512] < 5, "order 2, in the limit"
    files = drawn_files(tmp_path, "figure")
    plot_solvers(solvers=tables["solvers"], adjoints=tables["adjoints"], **files)
    assert len(pd.read_csv(files["csv"])) == len(errors) + len(pd.read_csv(tables["adjoints"]))
