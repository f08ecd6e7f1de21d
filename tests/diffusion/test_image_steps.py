"""The chain from images to figures at tiny sizes, on an invented table of the digits' shape."""

import csv
from pathlib import Path
from sys import modules
from unittest.mock import Mock

import numpy as np
import pytest

from perspectives.diffusion.claims import CLAIMS, FINDINGS
from perspectives.diffusion.image_trainings import settings_of, trainings
from perspectives.diffusion.settings import ImagesSettings
from perspectives.diffusion.steps.compare_images import compare_images
from perspectives.diffusion.steps.evaluate_images import evaluate_images
from perspectives.diffusion.steps.plot_image_bits import plot_image_bits
from perspectives.diffusion.steps.plot_image_samples import plot_image_samples
from perspectives.diffusion.steps.sample_images import sample_images
from perspectives.diffusion.steps.train_images import train_images
from perspectives.numerics.progress import silent
from perspectives.suite.settings import resolve
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.images import HELD_OUT_DIGITS, read_split, read_standardised
from perspectives.workbench.measures import read_measures

TINY = resolve({"preset": "smoke"}, Path(__file__).parents[2] / "workflow" / "presets").diffusion.images


@pytest.fixture(scope="module")
def digits(striped_digits):
    return striped_digits


def train(digits, folder, proposal, member, progress=silent, **options):
    weights = folder / f"{proposal}_{member}.npz"
    train_images(
        settings=TINY.digits, dataset="digits", proposal=proposal, member=member, seed=0, files=[digits],
        weights=weights, curve=weights.with_suffix(".curve"), progress=progress, **options,
    )  # fmt: skip
    return weights


@pytest.fixture(scope="module")
def chain(digits, tmp_path_factory):
    """The folder of a whole study on the invented digits."""
    folder = tmp_path_factory.mktemp("images")
    weights = []
    for _, proposal, member in trainings(TINY):
        weights.append(train(digits, folder, proposal, member))
        evaluate_images(
            settings=TINY.digits, dataset="digits", seed=0, files=[digits], weights=weights[-1],
            table=weights[-1].with_suffix(".bits"),
        )  # fmt: skip
    compare_images(
        settings=TINY,
        curves=[path.with_suffix(".curve") for path in weights],
        tables=[path.with_suffix(".bits") for path in weights],
        curve=folder / "curves.csv",
        finals=folder / "bits.csv",
        measures=folder / "images_measures.csv",
    )
    sample_images(
        settings=TINY.digits, dataset="digits", seed=0, files=[digits], uniform=folder / "uniform_0.npz",
        debiasing=folder / "debiasing_0.npz", samples=folder / "digits.npz",
    )  # fmt: skip
    return folder


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_killed_training_is_picked_up_to_the_same_bytes(chain, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(modules[train_images.__module__], "ROUNDS_BETWEEN_CHECKPOINTS", 1)
    rounds, checkpoints = [], tmp_path / "checkpoints"
    with pytest.raises(KeyboardInterrupt):
        train(digits, tmp_path, "uniform", 0, Mock(side_effect=[None, KeyboardInterrupt]), checkpoints=checkpoints)
    train(digits, tmp_path, "uniform", 0, lambda done, total, **_: rounds.append(done), checkpoints=checkpoints)
    assert rounds == [3]
    for name in ("uniform_0.npz", "uniform_0.curve"):
        assert (tmp_path / name).read_bytes() == (chain / name).read_bytes()
    assert not list(checkpoints.glob("*"))


def test_a_row_for_each_round_and_proposals_start_alike(chain):
    uniform, debiasing = (rows(chain / f"{name}_0.curve") for name in ("uniform", "debiasing"))
    assert [int(row["iteration"]) for row in uniform] == [20, 40, 60]
    for row in (*uniform, *debiasing):
        assert np.isfinite([float(row[name]) for name in ("loss", "bits", "error")]).all()
    of_uniform, of_debiasing, of_other = (
        read_groups(chain / f"{name}.npz")["averaged"] for name in ("uniform_0", "debiasing_0", "uniform_1")
    )
    assert all(leaf.dtype == np.float32 for leaf in of_uniform.values())
    first = ".layers[0].weight"
    between = np.abs(of_uniform[first] - of_debiasing[first]).mean()
    assert 0 < between < 0.7 * np.abs(of_uniform[first] - of_other[first]).mean(), "members start apart"


def test_training_again_gives_the_same_bytes(chain, digits, tmp_path):
    again = train(digits, tmp_path, "debiasing", 1, checkpoints=tmp_path / "checkpoints")
    assert again.read_bytes() == (chain / "debiasing_1.npz").read_bytes()
    assert again.with_suffix(".curve").read_bytes() == (chain / "debiasing_1.curve").read_bytes()
    assert not list((tmp_path / "checkpoints").iterdir()), "what is finished leaves no checkpoint"


def test_training_lowers_the_loss(chain):
    for _, proposal, member in trainings(TINY):
        curve = rows(chain / f"{proposal}_{member}.curve")
        assert float(curve[-1]["loss"]) < float(curve[0]["loss"])


def test_measures_are_those_that_claims_and_findings_ask_of_the_digits(chain):
    found = read_measures(chain / "images_measures.csv")
    asked = {
        item.quantity.removeprefix("images:") for item in (*CLAIMS, *FINDINGS) if item.quantity.startswith("images:")
    }
    assert {name for name in asked if name.startswith("digits")} <= set(found)
    assert {name.replace("cifar-10", "digits") for name in asked if name.startswith("cifar-10")} <= set(found)
    difference = found["digits_uniform_minus_debiasing"]
    assert difference.seeds == 2
    assert difference.value == pytest.approx(found["digits_uniform_bits"].value - found["digits_debiasing_bits"].value)
    assert difference.ci_low is not None
    assert difference.ci_high is not None
    assert difference.ci_low < difference.value < difference.ci_high
    assert found["digits_terminal_bits"].ci_low is None
    bits = [float(row["bits"]) for row in rows(chain / "bits.csv") if row["weights"] == "averaged"]
    assert found["digits_uniform_bits"].value == pytest.approx(np.mean(bits[:2]))
    assert found["digits_debiasing_bits"].value == pytest.approx(np.mean(bits[2:]))


def test_the_end_costs_every_training_the_same(chain):
    assert len({row["terminal"] for row in rows(chain / "bits.csv")}) == 1


def test_samples_are_images_beside_those_of_the_test_set(chain, digits):
    groups = read_groups(chain / "digits.npz")
    assert list(groups) == ["data", "uniform", "debiasing"]
    _, test = read_split("digits", [digits], seed=0, test_images=TINY.digits.samples)
    np.testing.assert_array_equal(groups["data"]["images"], test.images)
    for name in ("uniform", "debiasing"):
        assert groups[name]["images"].shape == (TINY.digits.samples, 8, 8, 1)
        assert groups[name]["images"].dtype == np.float32
        assert np.isfinite(groups[name]["images"]).all()


def test_figures_are_drawn_from_the_tables(chain, tmp_path):
    def outputs(name):
        return {kind: tmp_path / f"{name}.{kind}" for kind in ("png", "pdf", "csv")}

    plot_image_bits(curves=chain / "curves.csv", finals=chain / "bits.csv", **outputs("bits"))
    drawn = rows(tmp_path / "bits.csv")
    assert {row["part"] for row in drawn} == {"released estimate", "final bound", "published"}
    plot_image_samples(samples=[chain / "digits.npz"], **outputs("samples"))
    assert len(rows(tmp_path / "samples.csv")) == 3 * TINY.digits.samples * 64
    for name in ("bits", "samples"):
        assert (tmp_path / f"{name}.png").stat().st_size < 500_000


def test_trainings_are_named_by_data_set_then_proposal():
    images = ImagesSettings(datasets=("cifar-10", "digits"), digits=TINY.digits)
    named = trainings(images)
    assert len(named) == 2 * 3 + 2 * 2
    assert named[0] == ("cifar-10", "uniform", 0)
    assert named[-1] == ("digits", "debiasing", 1)
    assert settings_of(images, "cifar-10").channels == 128


def test_the_split_is_the_one_that_is_standardised(digits):
    train, test = read_split("digits", [digits], seed=3)
    assert len(test.labels) == HELD_OUT_DIGITS
    assert train.images.min() >= 0
    assert train.images.max() <= 1
    mean, deviation = train.images.mean(dtype=np.float64), train.images.std(dtype=np.float64)
    for ours, standardised in zip((train, test), read_standardised("digits", [digits], seed=3), strict=True):
        np.testing.assert_array_equal(ours.labels, standardised.labels)
        np.testing.assert_allclose((ours.images - mean) / deviation, standardised.images, atol=1e-5)
    first, _ = read_split("digits", [digits], seed=3, train_images=5)
    np.testing.assert_array_equal(first.images, train.images[:5])
