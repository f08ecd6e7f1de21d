"""The chain of Fig. 2 at tiny sizes, on invented images of the true shapes."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from perspectives.highres.arms import LABELS, PAPERS, MethodName
from perspectives.highres.bands import half_width, variance_with_sum
from perspectives.highres.settings import DeepSettings
from perspectives.highres.steps.evaluate_bands import COLUMNS, evaluate_bands
from perspectives.highres.steps.evaluate_deep import evaluate_deep
from perspectives.highres.steps.plot_bands import plot_bands
from perspectives.highres.steps.plot_deep import plot_deep
from perspectives.highres.steps.prepare_images import prepare_images
from perspectives.highres.steps.train_classifier import identity, train_classifier
from perspectives.numerics.progress import silent
from perspectives.workbench.errors import UserError
from perspectives.workbench.measures import read_measures

TINY = DeepSettings(dataset="digits", train_images=128, seeds=2, epochs=12)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A table of the digits' shape whose label is the brighter half."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 17, (1797, 64))
    pixels[:, :32] //= 2 - rng.integers(0, 2, (1797, 1))
    labels = pixels[:, :32].sum(1) < pixels[:, 32:].sum(1)
    file = tmp_path_factory.mktemp("digits") / "digits.csv"
    np.savetxt(file, np.column_stack([pixels, labels]), delimiter=",", fmt="%d")
    return file


@pytest.fixture(scope="module")
def images(digits):
    file = digits.with_name("images.npz")
    prepare_images(settings=TINY, seed=0, files=[digits], images=file)
    return file


def train(images, curves, method: MethodName = "sgd", **options):
    options = {"settings": TINY, "seed": 0, "progress": silent} | options
    train_classifier(method=method, images=images, curves=curves, **options)
    with np.load(curves, allow_pickle=False) as saved:
        return dict(saved)


@pytest.fixture(scope="module")
def uninterrupted(images):
    file = images.with_name("uninterrupted.npz")
    train(images, file)
    return file


def test_digits_are_split_without_overlap_and_normalised(digits, tmp_path):
    whole = DeepSettings(dataset="digits")
    prepare_images(settings=whole, seed=0, files=[digits], images=tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as saved:
        assert saved["train"].shape == (1408, 8, 8, 1)
        assert saved["validation"].shape == (389, 8, 8, 1)
        assert (saved["train"].min(), saved["train"].max()) == (-1, 1)
        everything = np.concatenate([saved["train"], saved["validation"]]).reshape(1797, 64)
    original = np.loadtxt(digits, delimiter=",")[:, :64] / 8 - 1
    np.testing.assert_array_equal(np.sort(everything, axis=0), np.sort(original, axis=0))


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def test_fashion_mnist_is_read_from_its_four_files(tmp_path):
    rng, files = np.random.default_rng(0), []
    for part, count in (("train", 9), ("t10k", 4)):
        for name, shape in (("images-idx3", (count, 28, 28)), ("labels-idx1", (count,))):
            files.append(tmp_path / f"{part}-{name}-ubyte")
            files[-1].write_bytes(idx(rng.integers(0, 10, shape, dtype=np.uint8)))
    settings = DeepSettings(dataset="fashion-mnist", train_images=6)
    prepare_images(settings=settings, seed=0, files=files, images=tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as saved:
        assert saved["train"].shape == (6, 28, 28, 1)
        assert saved["validation_labels"].shape == (4,)
    with pytest.raises(UserError, match="train_images = 10, but fashion-mnist has 9"):
        prepare_images(
            settings=settings.model_copy(update={"train_images": 10}), seed=0, files=files, images=tmp_path / "x.npz"
        )


def test_cifar_is_read_from_its_six_files_and_a_missing_one_is_named(tmp_path):
    files = [tmp_path / name for name in (*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin")]
    for number, file in enumerate(files):
        file.write_bytes((bytes([number]) + bytes([255]) * 3072) * 2)
    prepare_images(settings=DeepSettings(), seed=0, files=files, images=tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as saved:
        np.testing.assert_array_equal(saved["train_labels"], [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
        np.testing.assert_array_equal(saved["validation_labels"], [5, 5])
        assert saved["train"].shape == (10, 32, 32, 3)
    with pytest.raises(UserError, match="data_batch_3.bin is not among the files"):
        prepare_images(settings=DeepSettings(), seed=0, files=files[:2] + files[3:], images=tmp_path / "x.npz")


def test_a_killed_training_is_picked_up_to_the_same_bytes(images, uninterrupted, tmp_path):
    def kill(done, total, **_):
        if done == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(images, tmp_path / "x.npz", progress=kill, checkpoints=tmp_path / "saved")
    rounds = []
    train(
        images,
        tmp_path / "x.npz",
        progress=lambda done, total, **_: rounds.append(done),
        checkpoints=tmp_path / "saved",
    )
    assert rounds == [11, 12]
    assert (tmp_path / "x.npz").read_bytes() == uninterrupted.read_bytes()
    assert not list((tmp_path / "saved").iterdir()), "what is finished needs no checkpoint"


def test_a_checkpoint_is_not_taken_for_that_of_another_training(digits, images):
    ours = identity(TINY, "sgd", 0, images)
    longer = TINY.model_copy(update={"epochs": 13})
    others = {
        identity(TINY, "svrg", 0, images),
        identity(TINY, "sgd", 1, images),
        identity(longer, "sgd", 0, images),
        identity(TINY, "sgd", 0, digits),
    }
    assert ours == identity(TINY, "sgd", 0, images)
    assert ours not in others


def test_arms_share_their_first_network_and_the_order_of_the_data(images, uninterrupted, tmp_path):
    sgd, svrg = dict(np.load(uninterrupted)), train(images, tmp_path / "svrg.npz", method="svrg")
    assert sgd["train_loss"].shape == sgd["validation_accuracy"].shape == (2, 12)
    # In one epoch of two small steps the methods hardly part; other networks would differ by about 0.05.
    np.testing.assert_allclose(sgd["train_loss"][:, 0], svrg["train_loss"][:, 0], rtol=1e-3)
    assert abs(sgd["train_loss"][0, 0] - sgd["train_loss"][1, 0]) > 1e-3 * sgd["train_loss"][0, 0]


def test_a_batch_beyond_the_data_is_the_users_mistake(images, tmp_path):
    with pytest.raises(UserError, match="batch = 129 is more than the 128 training images"):
        train(images, tmp_path / "x.npz", settings=TINY.model_copy(update={"batch": 129}))


@pytest.fixture
def planted(tmp_path):
    """Curves of all arms over 100 epochs and 4 seeds, with known differences."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01, (4, 100))
    levels = {"sgd": 1.0, "svrg": 0.9, "nnag": np.nan, "nnag_svrg": 0.7, "nnag_a15": 0.5, "nnag_svrg_epoch_reset": 1.3}
    for method, level in levels.items():
        accuracy = {"nnag": 0.8, "svrg": 0.75}.get(method, 0.7) + noise
        np.savez(tmp_path / f"{method}.npz", method=method, train_loss=level + noise, validation_accuracy=accuracy)
    return [tmp_path / f"{method}.npz" for method in LABELS]


def test_the_closest_competitor_that_did_not_diverge_is_subtracted(planted, tmp_path):
    evaluate_deep(runs=planted, curves=tmp_path / "curves.csv", measures=tmp_path / "deep_measures.csv")
    measures = read_measures(tmp_path / "deep_measures.csv")
    assert measures["best_other_minus_nnag_svrg_loss_epoch_20"].value == pytest.approx(0.2)
    assert measures["nnag_minus_best_other_accuracy_epoch_100"].value == pytest.approx(0.05)
    assert measures["nnag_svrg_reset_epoch_minus_batch_loss_epoch_20"].value == pytest.approx(0.6)
    assert np.isnan(measures["train_loss_epoch_100_nnag"].value)
    assert measures["nnag_c_over_theorems_limit"].value == pytest.approx(7.5)
    table = pd.read_csv(tmp_path / "curves.csv")
    assert len(table) == 2 * 6 * 100
    sgd = table.query("method == 'sgd' and quantity == 'train_loss' and epoch == 100").iloc[0]
    assert sgd["ci_low"] < sgd["mean"] < sgd["ci_high"]


def test_a_short_run_measures_only_the_epochs_it_has(planted, tmp_path):
    for path in planted:
        with np.load(path) as saved:
            short = {name: values if name == "method" else values[:, :20] for name, values in saved.items()}
        np.savez(path, **short)
    evaluate_deep(runs=planted, curves=tmp_path / "curves.csv", measures=tmp_path / "deep_measures.csv")
    measures = read_measures(tmp_path / "deep_measures.csv")
    assert "best_other_minus_nnag_svrg_loss_epoch_20" in measures
    assert not [name for name in measures if "epoch_100" in name]


@pytest.fixture
def published(tmp_path):
    """Files in the authors' form whose bands hide a known spread."""
    epochs = np.arange(1, 101)
    for name, levels in (("loss.txt", (0.3, 0.4, 0.7, 0.2)), ("accuracy.txt", (0.6, 0.5, 0.6, 0.55))):
        table = {"Epoch": epochs}
        for number, (method, level) in enumerate(zip(COLUMNS, levels, strict=False), start=1):
            mean = level + 1 / epochs
            half = half_width(variance_with_sum(mean, np.full(100, 0.02**2)))
            table |= {method: mean, f"Lower{number}": mean - half, f"Upper{number}": mean + half}
        pd.DataFrame(table)[COLUMNS].to_csv(tmp_path / name, sep=" ", index=False)
    return {"train_loss": tmp_path / "loss.txt", "validation_accuracy": tmp_path / "accuracy.txt"}


def test_planted_spread_is_recovered_from_files_in_the_authors_form(published, tmp_path):
    evaluate_bands(**published, curves=tmp_path / "bands.csv", measures=tmp_path / "bands_measures.csv")
    measures = read_measures(tmp_path / "bands_measures.csv")
    for method in PAPERS:
        assert measures[f"recovered_sd_accuracy_epoch_100_{method}"].value == pytest.approx(0.02)
    assert 0.2342 < measures["smallest_half_width_over_root_mean"].value < 0.2345
    assert len(pd.read_csv(tmp_path / "bands.csv")) == 8 * 100
    plot_bands(curves=tmp_path / "bands.csv", **{kind: tmp_path / f"bands.{kind}" for kind in ("png", "pdf")},
               csv=tmp_path / "plotted.csv")  # fmt: skip
    assert len(pd.read_csv(tmp_path / "plotted.csv")) == 8 * 100


def test_a_file_with_other_columns_is_not_read_as_bands(published, tmp_path):
    published["train_loss"].write_text("SGD Epoch\n1 1\n")
    with pytest.raises(UserError, match="has the columns SGD, Epoch where"):
        evaluate_bands(**published, curves=tmp_path / "bands.csv", measures=tmp_path / "bands_measures.csv")


@pytest.mark.parametrize("dataset", ["digits", "cifar-10"])
def test_the_figure_ships_its_numbers_and_the_published_ones_for_the_papers_data_only(
    planted, published, tmp_path, dataset
):
    evaluate_bands(**published, curves=tmp_path / "bands.csv", measures=tmp_path / "bands_measures.csv")
    evaluate_deep(runs=planted, curves=tmp_path / "curves.csv", measures=tmp_path / "deep_measures.csv")
    plot_deep(
        settings=DeepSettings(dataset=dataset),
        curves=tmp_path / "curves.csv",
        published=tmp_path / "bands.csv",
        **{kind: tmp_path / f"deep.{kind}" for kind in ("png", "pdf", "csv")},
    )
    rows = Counter(pd.read_csv(tmp_path / "deep.csv")["source"])
    assert rows["ours"] == 2 * 6 * 100
    assert rows["published"] == (800 if dataset == "cifar-10" else 0)
