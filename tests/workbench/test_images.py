import numpy as np
import pytest

from perspectives.workbench.errors import UserError
from perspectives.workbench.images import read_cifar, read_digits, read_idx


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
