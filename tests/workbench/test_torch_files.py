"""Checkpoints written by hand, byte by byte, in PyTorch's format: good ones, and those that want more than tensors."""

import pickle
import struct
import zipfile

import numpy as np
import pytest
from torch_pickles import (
    GOOD,
    ORDERED,
    REBUILD,
    SIX,
    Command,
    archive,
    call,
    dictionary,
    name,
    several,
    storage,
    tensor,
    text,
    whole,
)  # fmt: skip

from perspectives.workbench.errors import UserError
from perspectives.workbench.torch_files import read_checkpoint


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.ckpt"


# --- What a checkpoint may hold


def test_tensors_and_plain_values_come_back(path):
    long = np.array([7, -1], "<i8")
    body = dictionary(
        epoch=whole(3),
        rate=b"G" + struct.pack(">d", 0.25),
        name=text("Länge"),
        nothing=b"N",
        flags=b"](\x88\x89e",
        pair=whole(1) + whole(2) + b"\x86",
        large=b"\x8a\x09" + (1 << 64).to_bytes(9, "little"),
        state=ORDERED + b"(" + text("weight") + GOOD + text("turned")
        + tensor(storage("0", "FloatStorage", 6), 0, (3, 2), (1, 3)) + text("last")
        + tensor(storage("0", "FloatStorage", 6), 5, (), ()) + text("steps")
        + tensor(storage("1", "LongStorage", 2), 0, (2,), (1,)) + text("none")
        + tensor(storage("0", "FloatStorage", 6), 0, (0, 4), (4, 1)) + b"u",
    )  # fmt: skip
    found = read_checkpoint(archive(path, body, {"data/1": long.tobytes(), "byteorder": b"little"}))
    state = found.pop("state")
    assert found == {
        "epoch": 3, "rate": 0.25, "name": "Länge", "nothing": None, "flags": [True, False], "pair": (1, 2),
        "large": 1 << 64,
    }  # fmt: skip
    np.testing.assert_array_equal(state["weight"], SIX.reshape(2, 3))
    np.testing.assert_array_equal(state["turned"], SIX.reshape(2, 3).T)
    assert state["last"] == 5
    assert state["last"].shape == ()
    np.testing.assert_array_equal(state["steps"], long)
    assert state["none"].shape == (0, 4)
    assert {array.dtype.str for array in state.values()} == {"<f4", "<i8"}
    state["weight"][:] = 0  # tensors of one storage are copies
    np.testing.assert_array_equal(state["turned"], SIX.reshape(2, 3).T)


def test_memory_of_the_pickle_is_kept(path):
    body = b"}(" + text("a") + b"q\x05" + GOOD + b"q\x06" + text("b") + b"h\x06" + text("c") + b"h\x05" + b"u"
    found = read_checkpoint(archive(path, body))
    assert found["c"] == "a"
    np.testing.assert_array_equal(found["a"], found["b"])


def test_versions_of_modules_are_left_out(path):
    state = ORDERED + b"(" + text("weight") + GOOD + b"u" + dictionary(_metadata=ORDERED) + b"b"
    assert set(read_checkpoint(archive(path, dictionary(state=state)))["state"]) == {"weight"}


def test_what_pytorch_writes_is_what_is_read(path):
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(torch.nn.Conv1d(2, 3, 5), torch.nn.Linear(4, 1)).half()
    saved = {"state_dict": network.state_dict(), "epochs": [1, 2], "mask": torch.tensor([True, False])}
    torch.save(saved, path)
    found = read_checkpoint(path)
    assert found["epochs"] == [1, 2]
    np.testing.assert_array_equal(found["mask"], [True, False])
    assert list(found["state_dict"]) == list(saved["state_dict"])
    for key, value in saved["state_dict"].items():
        np.testing.assert_array_equal(found["state_dict"][key], value.numpy())


# --- What it may not


def protocol(number):
    """Return what `pickle` itself writes for a call of the shell."""
    return pickle.dumps({"a": Command("executed")}, number)[2:-1]


SHELL = call(name("os", "system"), text("touch executed"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(SHELL, "asks for os.system; allowed are collections.OrderedDict", id="os.system"),
        pytest.param(call(name("builtins", "eval"), text("1")), "asks for builtins.eval", id="eval"),
        pytest.param(call(name("builtins", "getattr"), ORDERED, text("a")), "asks for builtins.getattr", id="getattr"),
        pytest.param(name("torch", "load"), "asks for torch.load", id="another name of torch"),
        pytest.param(name("torch", "FloatStorage.__class__"), "asks for torch.FloatStorage.__class__", id="attribute"),
        pytest.param(name("torch", "BFloat16Storage"), "asks for torch.BFloat16Storage", id="no numbers of NumPy"),
        pytest.param(protocol(0), "uses the pickle operation", id="protocol 0"),
        pytest.param(protocol(2), "asks for posix.system", id="protocol 2"),
        pytest.param(protocol(4), "uses the pickle operation", id="protocol 4"),
        pytest.param(b"(ios\nsystem\n", "uses the pickle operation INST", id="instance"),
        pytest.param(text("os") + text("system") + b"\x93", "operation STACK_GLOBAL", id="name from the stack"),
        pytest.param(b"\x82\x01", "uses the pickle operation EXT1", id="registered extension"),
        pytest.param(call(name("torch", "FloatStorage")), "calls torch.FloatStorage with 0 arg", id="call of a type"),
        pytest.param(call(ORDERED), "calls a thing of type dict", id="call of a value"),
        pytest.param(call(name("collections", "OrderedDict"), whole(1)), "with 1 arguments", id="filled dictionary"),
        pytest.param(ORDERED + dictionary(__class__=whole(1)) + b"b", "gives an object a state", id="state"),
        pytest.param(name("torch", "FloatStorage") + dictionary(a=whole(1)) + b"b", "gives an object", id="type"),
        pytest.param(text("file:///etc/passwd") + b"Q", "refers to 'file:///etc/passwd' outside", id="reference"),
        pytest.param(b"Pfile\n", "uses the pickle operation PERSID", id="textual reference"),
        pytest.param(several(text("storage"), whole(1), text("0"), text("cpu"), whole(6)) + b"Q", "outside", id="kind"),
        pytest.param(storage("../../secret", "FloatStorage", 6), "refers to the storage '../../secret'", id="path"),
        pytest.param(storage("7", "FloatStorage", 6), "refers to the storage '7', which it has not", id="absent"),
        pytest.param(storage("0", "FloatStorage", 7), "FloatStorage 0 has 7 numbers, but it has 24", id="larger"),
        pytest.param(storage("0", "FloatStorage", -1), "has -1 numbers", id="negative"),
        pytest.param(storage("0", "DoubleStorage", 6), "DoubleStorage 0 has 6 numbers", id="wider numbers"),
        pytest.param(
            storage("0", "FloatStorage", 6) + storage("0", "IntStorage", 6), "FloatStorage and for IntStorage", id="two"
        ),
        pytest.param(tensor(storage("0", "FloatStorage", 6), 0, (2, 3), (4, 1)), "reaches beyond", id="strides"),
        pytest.param(tensor(storage("0", "FloatStorage", 6), 1, (2, 3), (3, 1)), "reaches beyond", id="offset"),
        pytest.param(tensor(storage("0", "FloatStorage", 6), 2**31 - 1, (1,), (1,)), "reaches beyond", id="far"),
        pytest.param(tensor(storage("0", "FloatStorage", 6), -1, (1,), (1,)), "whole numbers from 0 on", id="before"),
        pytest.param(tensor(storage("0", "FloatStorage", 6), 0, (-1,), (1,)), "whole numbers from 0 on", id="shape"),
        pytest.param(tensor(storage("0", "FloatStorage", 6), 5, (2,), (-1,)), "whole numbers from 0 on", id="back"),
        pytest.param(tensor(storage("0", "FloatStorage", 6), 0, (2, 3), (1,)), "as many whole", id="axes"),
        pytest.param(tensor(storage("0", "FloatStorage", 6), 0, (2**30,) * 2, (0, 0)), "reaches beyond", id="repeats"),
        pytest.param(tensor(whole(1), 0, (1,), (1,)), "without a storage", id="no storage"),
        pytest.param(
            call(REBUILD, storage("0", "FloatStorage", 6), whole(0), several(), several(), b"\x89", dictionary(a=GOOD)),
            "has a tensor with hooks", id="hooks",
        ),
        pytest.param(several(whole(1)) + text("a") + whole(1) + b"s", "of what is no dictionary", id="items of tuple"),
        pytest.param(b"}" + several(whole(1)) + whole(1) + b"s", "has a key of type tuple", id="key"),
        pytest.param(b"}" + whole(1) + b"a", "appends to what is no list", id="append"),
        pytest.param(whole(1), "holds no dictionary", id="a number"),
        pytest.param(b"}}", "ends with 2 things and not one", id="two things"),
        pytest.param(b"0", "uses the pickle operation POP", id="pop"),
        pytest.param(b"h\x09", "damaged pickle", id="unknown memory"),
        pytest.param(b"t", "damaged pickle", id="no mark"),
        pytest.param(b"\xff", "damaged pickle", id="no operation"),
        pytest.param(b"X\xff\xff\xff\x7fa", "damaged pickle", id="text longer than the file"),
        # Pickle's own loader would ask for 32 GiB here.
        pytest.param(b"}r\xff\xff\xff\x7f0", "uses the pickle operation POP", id="far memory"),
        # Each tuple holds the last one twice: written out, this one has 2^60 parts.
        pytest.param(b")" + b"q\x01h\x01\x86" * 60 + b"Q", "refers to tuple outside", id="tuple of tuples"),
    ],
)  # fmt: skip
def test_all_else_is_refused_by_name_and_nothing_runs(body, message, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    archive(path, body)
    with pytest.raises(UserError, match="is refused as a checkpoint of plain tensors") as caught:
        read_checkpoint(path)
    assert message in str(caught.value)
    assert not (tmp_path / "executed").exists()


@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # pickletools', where a name has a backslash
def test_a_pickle_with_any_byte_changed_is_read_or_refused(path):
    rng = np.random.default_rng(0)
    good = dictionary(epoch=whole(3), state=ORDERED + b"(" + text("weight") + GOOD + b"u", name=text("a"))
    outcomes = set()
    for _ in range(400):
        changed = bytearray(good)
        changed[rng.integers(len(good))] = rng.integers(256)
        archive(path, bytes(changed))
        try:
            outcomes.add(type(read_checkpoint(path)))
        except UserError:
            outcomes.add(UserError)
    assert outcomes == {dict, UserError}


# --- Archives


def test_a_good_archive_cut_short_anywhere_is_refused(path):
    whole_file = archive(path, dictionary(weight=GOOD)).read_bytes()
    for length in range(0, len(whole_file), 23):
        path.write_bytes(whole_file[:length])
        with pytest.raises(UserError, match="is no zip archive as PyTorch writes, or damaged"):
            read_checkpoint(path)


def test_damaged_numbers_are_noticed(path):
    content = archive(path, dictionary(weight=GOOD)).read_bytes()
    assert content.count(SIX.tobytes()) == 1
    path.write_bytes(content.replace(SIX.tobytes(), SIX[::-1].tobytes()))
    with pytest.raises(UserError, match="CRC"):
        read_checkpoint(path)


def test_compressed_entries_are_refused_before_they_grow(path):
    archive(path, dictionary(weight=GOOD), {"bomb": bytes(1 << 22)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match="compressed or encrypted"):
        read_checkpoint(path)


def test_entries_that_declare_more_than_the_file_has_are_refused(path):
    content = archive(path, dictionary(weight=GOOD)).read_bytes()
    true, false = struct.pack("<II", 24, 24), struct.pack("<II", 1 << 30, 1 << 30)
    assert content.count(true) == 2, "in the entry and in the table of contents"
    path.write_bytes(content.replace(true, false))
    with pytest.raises(UserError, match="larger than the file"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"data.pkl": None}, "has no data.pkl"),
        ({"data.pkl": bytes(1 << 23)}, "at most 4194304 are read"),
        ({"data.pkl": b"\x80\x02}"}, "damaged pickle"),
        ({"byteorder": b"big"}, "only little-endian"),
        ({"../other/file": b"a"}, None),
    ],
    ids=["no pickle", "large pickle", "no end", "byte order", "another path"],
)
def test_unusual_members(members, message, path):
    archive(path, dictionary(weight=GOOD), members)
    if message is None:  # a name is only ever a name: nothing is unpacked
        assert set(read_checkpoint(path)) == {"weight"}
        return
    with pytest.raises(UserError, match=message):
        read_checkpoint(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("entry", "message"), [("archive/data.pkl", "two entries"), ("other/data.pkl", "2 folders")])
def test_other_folders_and_two_of_one_name_are_refused(entry, message, path):
    archive(path, dictionary(weight=GOOD))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(entry, b"a")
    with pytest.raises(UserError, match=message):
        read_checkpoint(path)


def test_a_file_that_is_no_archive_is_refused(path):
    path.write_bytes(pickle.dumps({"a": Command("executed")}))
    with pytest.raises(UserError, match="no zip archive"):
        read_checkpoint(path)
