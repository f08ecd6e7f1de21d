import numpy as np
import pytest

from perspectives.workbench.errors import UserError
from perspectives.workbench.images import (
    HELD_OUT_DIGITS,
    read_cifar,
    read_digits,
    read_idx,
    read_parts,
    read_standardised,
)


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (3, 5, 4), dtype=np.uint8)


def test_idx_round_trip(tmp_path, pixels):
    (tmp_path / "x").write_bytes(idx(pixels))
    np.testing.assert_array_equal(read_idx(tmp_path / "x"), pixels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda content: content[:-1], "has 75 bytes where its header announces 76", id="cut short"),
        pytest.param(lambda content: content[:9], "ends within its header of 16 bytes", id="cut in the header"),
        pytest.param(lambda content: b"\x1f\x8b" + content[2:], "not an uncompressed IDX file", id="compressed"),
        pytest.param(lambda content: b"", "not an uncompressed IDX file", id="empty"),
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path, pixels, change, message):
    (tmp_path / "x").write_bytes(change(idx(pixels)))
    with pytest.raises(UserError, match=message) as raised:
        read_idx(tmp_path / "x")
    assert str(tmp_path / "x") in str(raised.value)


def test_cifar_records_are_label_then_red_green_blue(tmp_path):
    record = np.concatenate([[7], np.repeat([10, 20, 30], 32 * 32)]).astype(np.uint8)
    record[1 + 5] = 99  # red of row 0, column 5
    (tmp_path / "x").write_bytes(record.tobytes() * 2)
    images, labels = read_cifar(tmp_path / "x")
    np.testing.assert_array_equal(labels, [7, 7])
    np.testing.assert_array_equal(images[1, 31, 31], [10, 20, 30])
    np.testing.assert_array_equal(images[0, 0, 5], [99, 20, 30])


@pytest.mark.parametrize("size", [0, 3072, 3074])
def test_a_cut_cifar_file_is_named(tmp_path, size):
    (tmp_path / "x").write_bytes(bytes(size))
    with pytest.raises(UserError, match=f"has {size} bytes, no whole number of records"):
        read_cifar(tmp_path / "x")


def test_digits_are_scaled_by_sixteen(tmp_path):
    line = ",".join(["16"] * 32 + ["4"] * 32 + ["9"])
    (tmp_path / "x").write_text(f"{line}\n{line}\n")
    images, labels = read_digits(tmp_path / "x")
    assert (images[0, 0, 0, 0], images[1, 7, 7, 0]) == (1.0, 0.25)
    np.testing.assert_array_equal(labels, [9, 9])


@pytest.mark.parametrize("text", ["1,2,3\n", "a,b\n"], ids=["columns", "words"])
def test_another_table_is_not_taken_for_digits(tmp_path, text):
    (tmp_path / "x").write_text(text)
    with pytest.raises(UserError, match="digits table"):
        read_digits(tmp_path / "x")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A table of the digits' size whose first two pixels number the images."""
    rng = np.random.default_rng(0)
    table = np.column_stack([np.arange(1797) // 128, np.arange(1797) % 128, rng.integers(0, 17, (1797, 63))])
    file = tmp_path_factory.mktemp("digits") / "digits.csv"
    np.savetxt(file, table, delimiter=",", fmt="%d")
    return file


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Files by data set, as they are published but with few images, and those images and labels."""
    folder, rng, sets = tmp_path_factory.mktemp("images"), np.random.default_rng(1), {}
    files, parts = [], []
    for name, count in (("train", 9), ("t10k", 4)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = rng.integers(0, 10, count, dtype=np.uint8)
        files += [folder / f"{name}-images-idx3-ubyte", folder / f"{name}-labels-idx1-ubyte"]
        files[-2].write_bytes(idx(images))
        files[-1].write_bytes(idx(labels))
        parts.append((images[..., None], labels))
    sets["mnist"] = sets["fashion-mnist"] = files, parts
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    records = rng.integers(0, 256, (6, 2, 3073), dtype=np.uint8)
    records[..., 0] %= 10
    # red, green and blue of different brightness and contrast
    records[..., 1:1025] //= 4
    records[..., 2049:] |= 128
    for name, both in zip(names, records, strict=True):
        (folder / name).write_bytes(both.tobytes())
    pixels = records[..., 1:].reshape(12, 3, 32, 32).transpose(0, 2, 3, 1)
    labels = records[..., 0].ravel()
    sets["cifar-10"] = [folder / name for name in names], [(pixels[:10], labels[:10]), (pixels[10:], labels[10:])]
    return sets


@pytest.mark.parametrize("dataset", ["fashion-mnist", "mnist", "cifar-10"])
def test_parts_are_read_with_pixels_in_the_unit_interval(published, dataset):
    files, parts = published[dataset]
    for found, (images, labels) in zip(read_parts(dataset, reversed(files)), parts, strict=True):
        assert found is not None
        np.testing.assert_allclose(found.images, images / 255, atol=1e-7)  # single precision
        np.testing.assert_array_equal(found.labels, labels)


def test_digits_have_no_split_of_their_own(digits):
    whole, test = read_parts("digits", [digits])
    assert test is None
    np.testing.assert_array_equal(np.rint(whole.images[:, 0, 0, 0] * 16), np.arange(1797) // 128)


@pytest.mark.parametrize("dataset", ["digits", "mnist", "cifar-10"])
def test_every_training_channel_has_mean_zero_and_deviation_one(published, digits, dataset):
    train, _ = read_standardised(dataset, [digits] if dataset == "digits" else published[dataset][0], seed=0)
    # pixels in single precision
    np.testing.assert_allclose(train.images.mean((0, 1, 2), dtype=np.float64), 0, atol=1e-6)
    np.testing.assert_allclose(train.images.std((0, 1, 2), dtype=np.float64), 1, atol=1e-6)


def test_test_images_are_scaled_as_the_training_images_are(published):
    files, ((train, _), (test, labels)) = published["cifar-10"]
    found = read_standardised("cifar-10", files, seed=0)[1]
    expected = (test - train.mean((0, 1, 2))) / train.std((0, 1, 2))
    np.testing.assert_allclose(found.images, expected, atol=1e-5)  # single precision
    np.testing.assert_array_equal(found.labels, labels)


def test_digits_are_split_without_overlap_and_completely(digits):
    parts = read_standardised("digits", [digits], seed=0)
    assert [len(part.labels) for part in parts] == [1797 - HELD_OUT_DIGITS, HELD_OUT_DIGITS]
    whole, _ = read_parts("digits", [digits])
    both = np.concatenate([part.images for part in parts])
    scale, offset = np.polyfit(np.sort(both, None), np.sort(whole.images, None), 1)
    pixels = np.rint((both[:, 0, 0:2, 0] * scale + offset) * 16)
    which = (128 * pixels[:, 0] + pixels[:, 1]).astype(int)
    np.testing.assert_array_equal(np.sort(which), np.arange(1797))
    np.testing.assert_array_equal(np.concatenate([part.labels for part in parts]), whole.labels[which])
    assert np.any(which != np.arange(1797)), "the table is sorted by writer, so it is shuffled first"


def test_the_split_is_that_of_the_seed(digits):
    one, again, other = (read_standardised("digits", [digits], seed=seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.images, again.images)
    assert not np.array_equal(one.labels, other.labels)


@pytest.mark.parametrize("dataset", ["digits", "fashion-mnist", "cifar-10"])
def test_a_missing_file_is_named(published, digits, dataset):
    files = [digits] if dataset == "digits" else published[dataset][0]
    for missing in files:
        left = [file for file in files if file != missing]
        with pytest.raises(UserError, match=f"{missing.name} is not among the files given"):
            read_standardised(dataset, left, seed=0)
