import gc
import io
import zipfile

import numpy as np
import pytest

from perspectives.workbench.arrays import read_groups, write_groups
from perspectives.workbench.errors import UserError

GROUPS = {
    "mean": {".layers[0].weight": np.arange(6, dtype=np.float32).reshape(2, 3), ".scale": np.asarray(2.5)},
    "permutations": {"a/b": np.array([2, 0, 1])},
}


def test_round_trip_keeps_names_values_and_types(tmp_path):
    write_groups(tmp_path / "x.npz", GROUPS)
    found = read_groups(tmp_path / "x.npz")
    np.testing.assert_equal(found, GROUPS)
    assert found["mean"][".layers[0].weight"].dtype == np.float32
    assert found["mean"][".scale"].shape == ()


@pytest.mark.parametrize("shape", ["(10000000000000,)", "(-3,)"])
def test_arrays_that_declare_more_than_there_is_are_refused(tmp_path, shape):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    file = tmp_path / "x.npz"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mean/x.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(UserError, match="holds no named arrays"):
        read_groups(file)


def test_compressed_arrays_are_refused_before_they_grow(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros(1 << 20))
    with pytest.raises(UserError, match="compressed"):
        read_groups(tmp_path / "x.npz")


def test_what_is_no_array_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("mean/x.txt", b"text")
    with pytest.raises(UserError, match="mean/x.txt is no array"):
        read_groups(tmp_path / "x.npz")


def test_equal_arrays_give_equal_bytes(tmp_path):
    for name in ("x", "y"):
        write_groups(tmp_path / f"{name}.npz", GROUPS)
    assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "y.npz").read_bytes()


def plain_array():
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    return buffer.getvalue()


def flip_last_pixel(content):
    place = content.rindex(np.float32(5).tobytes())
    return content[:place] + b"\x01" + content[place + 1 :]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: content[: len(content) // 2], id="cut short"),
        pytest.param(lambda content: b"loss\n1.0\n", id="text"),
        pytest.param(lambda content: plain_array(), id="a single array"),
        pytest.param(flip_last_pixel, id="one byte"),
        pytest.param(lambda content: content[:-14] + bytes(14), id="zeros at the end, where zip has its directory"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, change):
    file = tmp_path / "x.npz"
    write_groups(file, GROUPS)
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(UserError, match="holds no named arrays .* Delete it") as raised:
        read_groups(file)
    assert str(file) in str(raised.value)
    del raised
    gc.collect()


class Mischief:
    """What would be run by whoever unpickles it."""

    def __reduce__(self):
        return pytest.fail, ("a pickled object was loaded",)


@pytest.mark.parametrize("inside", [True, False], ids=["in the archive", "in its place"])
def test_pickled_objects_are_refused(tmp_path, inside):
    buffer = io.BytesIO()
    np.save(buffer, np.array([Mischief()], dtype=object), allow_pickle=True)
    file = tmp_path / "x.npz"
    if inside:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("mean/x.npy", buffer.getvalue())
    else:
        file.write_bytes(buffer.getvalue())
    with pytest.raises(UserError, match="allow_pickle=False"):
        read_groups(file)
