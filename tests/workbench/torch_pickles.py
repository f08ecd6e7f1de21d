"""Checkpoints in PyTorch's format written by hand, byte by byte."""

import os
import struct
import zipfile

import numpy as np

# --- A pickle of protocol 2 from its parts


def text(value):
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def whole(value):
    return b"J" + struct.pack("<i", value)


def name(module, thing):
    return f"c{module}\n{thing}\n".encode()


def several(*parts):
    return b"(" + b"".join(parts) + b"t"


def call(function, *arguments):
    return function + several(*arguments) + b"R"


def dictionary(**items):
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


ORDERED = name("collections", "OrderedDict") + b")R"
REBUILD = name("torch._utils", "_rebuild_tensor_v2")


def storage(key, kind, size):
    return several(text("storage"), name("torch", kind), text(key), text("cuda:0"), whole(size)) + b"Q"


def tensor(stored, offset, shape, strides):
    sizes, steps = several(*map(whole, shape)), several(*map(whole, strides))
    return call(REBUILD, stored, whole(offset), sizes, steps, b"\x89", ORDERED)


SIX = np.arange(6, dtype="<f4")
GOOD = tensor(storage("0", "FloatStorage", 6), 0, (2, 3), (3, 1))


def archive(path, body, members=None, compression=zipfile.ZIP_STORED):
    members = {"data.pkl": b"\x80\x02" + body + b".", "data/0": SIX.tobytes(), "version": b"3\n"} | (members or {})
    with zipfile.ZipFile(path, "w", compression) as file:
        for member, content in members.items():
            if content is not None:
                file.writestr(f"archive/{member}", content)
    return path


class Command:
    """Pickled, a call of the shell."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.system, (f"touch {self.file}",)
