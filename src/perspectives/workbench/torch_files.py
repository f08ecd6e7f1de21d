"""Checkpoints of PyTorch without PyTorch, and without running anything that a file says.

`torch.save` writes a zip archive: numbers as they lie in memory, and a pickle that tells how they form tensors. A
pickle is a program, and whoever loads one runs it. So it is read here by a machine of our own, which knows only how to
put numbers, texts and containers together and two functions by name, the ordered dictionary and the tensor; all else is
refused by its name. Everything that a file declares is compared with what is there before any memory is asked for.
"""

import io
import pickletools
import struct
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from perspectives.workbench.errors import UserError

MOST_BYTES = 1 << 28
"""Of a file that is read; the released ones have two million."""
MOST_PICKLE_BYTES = 1 << 22
MOST_AXES = 8
NUMBERS = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}
"""How numbers of a storage lie in memory, by the storage's name in PyTorch."""


class _Refused(Exception):
    """What a file holds is not what a checkpoint of plain tensors may hold."""


class _Name(NamedTuple):
    """A global that the pickle names: never looked up, never called."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class _Storage(NamedTuple):
    """Numbers as they lie in memory."""

    numbers: Shaped[ndarray, "size"]


class _Mark(NamedTuple):
    """Where a container's contents begin on the stack."""


ORDERED = _Name("collections", "OrderedDict")
TENSOR = _Name("torch._utils", "_rebuild_tensor_v2")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what a checkpoint holds: dictionaries, lists, plain values, and tensors as arrays of NumPy.

    Ordered dictionaries become plain ones. The versions of its modules that PyTorch notes at a `state_dict`,
    `_metadata`, are left out, and nothing else is.

    **Raises**: UserError when the file is no such archive, is larger or smaller than it says, or asks for anything but
    plain tensors.
    """
    size = path.stat().st_size
    try:
        if size > MOST_BYTES:
            raise _Refused(f"has {size} bytes; at most {MOST_BYTES} are read")
        found = _read(_members(path.read_bytes()))
        if not isinstance(found, dict):
            raise _Refused("holds no dictionary")
    except _Refused as refusal:
        raise UserError(f"{path} is refused as a checkpoint of plain tensors: it {refusal}.") from None
    return found


def _members(file: bytes) -> dict[str, bytes]:
    """Return the contents of the archive by name, without the folder that all are in."""
    try:
        with ZipFile(io.BytesIO(file)) as archive:
            return _contents(archive, len(file))
    # Whatever zipfile says of an archive that is none, or damaged: nothing here touches a disk any more.
    except (BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, struct.error) as error:
        raise _Refused(f"is no zip archive as PyTorch writes, or damaged ({error}); download it again") from None


def _contents(archive: ZipFile, size: int) -> dict[str, bytes]:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        raise _Refused("has two entries of one name")
    folders = {name.partition("/")[0] for name in names}
    if len(folders) != 1:
        raise _Refused(f"has {len(folders)} folders where PyTorch writes one")
    for entry in entries:
        if entry.compress_type != ZIP_STORED or entry.flag_bits & 1:
            raise _Refused(f"has {entry.filename} compressed or encrypted, which PyTorch never does")
    # Nothing is compressed, so that all entries together fit into the file unless they lie about their size or overlap.
    if sum(entry.file_size for entry in entries) > size:
        raise _Refused("declares entries that are together larger than the file")
    members = {entry.filename.partition("/")[2]: archive.read(entry) for entry in entries}
    if members.get("byteorder", b"little") != b"little":
        raise _Refused(f"has numbers in {members['byteorder'][:20]!r} order; only little-endian ones are read")
    return members


def _read(members: Mapping[str, bytes]) -> Any:
    """Return what the pickle of an archive describes."""
    program = members.get("data.pkl")
    if program is None:
        raise _Refused("has no data.pkl")
    if len(program) > MOST_PICKLE_BYTES:
        raise _Refused(f"has a pickle of {len(program)} bytes; at most {MOST_PICKLE_BYTES} are read")
    machine = _Machine(members)
    try:
        for opcode, argument, _ in pickletools.genops(io.BytesIO(program)):
            if opcode.name == "STOP":
                return machine.result()
            machine.run(opcode.name, argument)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        raise _Refused(f"has a damaged pickle: {error}") from None
    raise _Refused("has a pickle without an end")


class _Machine:
    """A stack and a memory for the operations that a pickle of plain tensors needs."""

    def __init__(self, members: Mapping[str, bytes]):
        self._members = members
        self._stack: list[Any] = []
        self._memory: dict[int, Any] = {}
        self._storages: dict[str, tuple[str, _Storage]] = {}
        self._operations: dict[str, Callable[[Any], None]] = {
            "PROTO": lambda _: None,
            **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE"), self._stack.append),
            **dict.fromkeys(("BINPUT", "LONG_BINPUT"), self._keep),
            **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda number: self._stack.append(self._memory[number])),
            "NONE": lambda _: self._stack.append(None),
            "NEWTRUE": lambda _: self._stack.append(True),
            "NEWFALSE": lambda _: self._stack.append(False),
            "EMPTY_DICT": lambda _: self._stack.append({}),
            "EMPTY_LIST": lambda _: self._stack.append([]),
            "EMPTY_TUPLE": lambda _: self._stack.append(()),
            "MARK": lambda _: self._stack.append(_Mark()),
            "TUPLE": lambda _: self._stack.append(tuple(self._since_mark())),
            **{f"TUPLE{count}": lambda _, count=count: self._tuple(count) for count in (1, 2, 3)},
            "APPEND": lambda _: self._append([self._stack.pop()]),
            "APPENDS": lambda _: self._append(self._since_mark()),
            "SETITEM": lambda _: self._set([self._stack.pop() for _ in range(2)][::-1]),
            "SETITEMS": lambda _: self._set(self._since_mark()),
            "GLOBAL": self._name,
            "REDUCE": lambda _: self._reduce(),
            "BINPERSID": lambda _: self._stack.append(self._storage(self._stack.pop())),
            "BUILD": lambda _: self._build(),
        }

    def run(self, name: str, argument: Any) -> None:
        """Do one operation."""
        operation = self._operations.get(name)
        if operation is None:
            raise _Refused(f"uses the pickle operation {name}, which no checkpoint of plain tensors needs")
        operation(argument)

    def result(self) -> Any:
        """Return the one thing left."""
        if len(self._stack) != 1:
            raise _Refused(f"has a pickle that ends with {len(self._stack)} things and not one")
        return self._stack[0]

    def _keep(self, number: int) -> None:
        self._memory[number] = self._stack[-1]

    def _since_mark(self) -> list[Any]:
        last = max(place for place, thing in enumerate(self._stack) if isinstance(thing, _Mark))
        found = self._stack[last + 1 :]
        del self._stack[last:]
        return found

    def _tuple(self, count: int) -> None:
        found = tuple(self._stack[len(self._stack) - count :])
        if len(found) < count:
            raise IndexError("too little on the stack")
        del self._stack[-count:]
        self._stack.append(found)

    def _append(self, things: list[Any]) -> None:
        if not isinstance(self._stack[-1], list):
            raise _Refused("appends to what is no list")
        self._stack[-1].extend(things)

    def _set(self, things: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, dict) or len(things) % 2:
            raise _Refused("sets items of what is no dictionary")
        for name, value in zip(things[::2], things[1::2], strict=True):
            if not isinstance(name, str | int):  # hashing a tuple can take for ever
                raise _Refused(f"has a key of type {type(name).__name__}; texts and whole numbers are allowed")
            target[name] = value

    def _name(self, argument: str) -> None:
        name = _Name(*argument.split(" ", 1))
        if name not in (ORDERED, TENSOR) and not (name.module == "torch" and name.name in NUMBERS):
            known = ", ".join((str(ORDERED), str(TENSOR), *(f"torch.{kind}" for kind in NUMBERS)))
            raise _Refused(f"asks for {name}; allowed are {known}")
        self._stack.append(name)

    def _reduce(self) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        if not isinstance(function, _Name) or not isinstance(arguments, tuple):
            raise _Refused(f"calls a thing of type {type(function).__name__}")
        if function == ORDERED and not arguments:
            self._stack.append({})
        elif function == TENSOR and len(arguments) == 6:
            self._stack.append(_tensor(*arguments))
        else:
            raise _Refused(f"calls {function} with {len(arguments)} arguments")

    def _build(self) -> None:
        state = self._stack.pop()
        if not (isinstance(self._stack[-1], dict) and isinstance(state, dict) and set(state) == {"_metadata"}):
            raise _Refused("gives an object a state that is not `_metadata` of an ordered dictionary")

    def _storage(self, told: Any) -> _Storage:
        kind = told[1] if isinstance(told, tuple) and len(told) == 5 and told[0] == "storage" else None
        if not isinstance(kind, _Name) or kind.name not in NUMBERS:
            raise _Refused(f"refers to {_shown(told)} outside, which is no storage of numbers")
        _, _, key, _, size = told
        data = self._members.get(f"data/{key}") if isinstance(key, str) and key.isdecimal() else None
        if data is None:
            raise _Refused(f"refers to the storage {_shown(key)}, which it has not")
        known_kind, storage = self._storages.get(key, (kind.name, None))
        if known_kind != kind.name:
            raise _Refused(f"takes the storage {key} for {known_kind} and for {kind.name}")
        number = np.dtype(NUMBERS[kind.name])
        if not _whole(size) or size * number.itemsize != len(data):
            raise _Refused(f"says that the {kind.name} {key} has {_shown(size)} numbers, but it has {len(data)} bytes")
        if storage is None:
            storage = _Storage(np.frombuffer(data, number))
            self._storages[key] = kind.name, storage
        return storage


def _whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def _wholes(values: Any) -> bool:
    return isinstance(values, tuple) and len(values) <= MOST_AXES and all(map(_whole, values))


def _shown(value: Any) -> str:
    """Return a plain value in few letters, of a container the type: one that holds itself often has no short text."""
    return repr(value)[:40] if isinstance(value, str | int | None) else type(value).__name__


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, gradient: Any, hooks: Any) -> Shaped[ndarray, "..."]:
    """Return a tensor: numbers of a storage from `offset` on, `strides` of them apart."""
    if not isinstance(storage, _Storage):
        raise _Refused("has a tensor without a storage")
    if not (_whole(offset) and _wholes(shape) and _wholes(strides) and len(shape) == len(strides)):
        raise _Refused("has a tensor whose offset, shape or strides are not as many whole numbers from 0 on")
    if type(gradient) is not bool or hooks != {}:
        raise _Refused("has a tensor with hooks")
    numbers, count = storage.numbers, prod(shape)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    # A stride of 0 repeats numbers without end, hence the second condition.
    if count and (last >= len(numbers) or count > len(numbers)):
        raise _Refused(f"has a tensor that reaches beyond the {len(numbers)} numbers of its storage")
    if not count:
        return np.zeros(shape, numbers.dtype)
    apart = [stride * numbers.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(numbers[offset:], shape, apart, writeable=False).copy()
