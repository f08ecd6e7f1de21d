"""Readers of the image files that the studies use, as they are published, uncompressed."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float32, Int, Int32, UInt8
from numpy import ndarray

from perspectives.numerics.streams import stream
from perspectives.workbench.errors import UserError

_CIFAR_RECORD = 1 + 3 * 32 * 32
_IDX_UNSIGNED_BYTES = 8
HELD_OUT_DIGITS = 297
"""Of 1797: the last, in a random order."""


class Labelled(NamedTuple):
    """Images with pixels in [0, 1], and their labels."""

    images: Float32[ndarray, "n height width channels"]
    labels: Int32[ndarray, "n"]

    def taken(self, rows: slice | Int[ndarray, "m"]) -> "Labelled":
        """Return the images of `rows`."""
        return Labelled(self.images[rows], self.labels[rows])


class _Published(NamedTuple):
    """Images with pixels as their file has them: bytes, or in [0, 1] already."""

    images: UInt8[ndarray, "n height width channels"] | Float32[ndarray, "n height width channels"]
    labels: Int[ndarray, "n"] | UInt8[ndarray, "n"]

    def taken(self, rows: slice | Int[ndarray, "m"]) -> "_Published":
        """Return the images of `rows`."""
        return _Published(self.images[rows], self.labels[rows])

    def scaled(self) -> Labelled:
        return Labelled(_pixels(self.images), self.labels.astype(np.int32))


def read_parts(dataset: str, files: Iterable[Path]) -> tuple[Labelled, Labelled | None]:
    """Return the training and the test images of a data set from its files; all of the digits, which have no split.

    **Raises**: UserError when a file is missing or is not what it should be.
    """
    train, test = _published(dataset, files)
    return train.scaled(), test and test.scaled()


def _published(dataset: str, files: Iterable[Path]) -> tuple[_Published, _Published | None]:
    by_name = {path.name: path for path in files}
    if dataset == "digits":
        return _Published(*read_digits(_file(by_name, "digits.csv"))), None
    if dataset == "cifar-10":
        parts = [read_cifar(_file(by_name, f"data_batch_{number}.bin")) for number in range(1, 6)]
        train = _Published(*(np.concatenate(each) for each in zip(*parts, strict=True)))
        return train, _Published(*read_cifar(_file(by_name, "test_batch.bin")))
    train, test = (
        _Published(
            read_idx(_file(by_name, f"{part}-images-idx3-ubyte"))[..., None],
            read_idx(_file(by_name, f"{part}-labels-idx1-ubyte")),
        )
        for part in ("train", "t10k")
    )
    return train, test


def read_split(
    dataset: str, files: Iterable[Path], *, seed: int, train_images: int | None = None, test_images: int | None = None
) -> tuple[Labelled, Labelled]:
    """Return training and test images with pixels in [0, 1]; of each split the first `..._images`, or all.

    The digits have no split of their own: the last `HELD_OUT_DIGITS` in an order that `seed` decides are the test set.
    """
    train, test = _split(dataset, files, seed)
    return train.taken(slice(train_images)).scaled(), test.taken(slice(test_images)).scaled()


def _split(dataset: str, files: Iterable[Path], seed: int) -> tuple[_Published, _Published]:
    train, test = _published(dataset, files)
    if test is not None:
        return train, test
    everything = train.taken(np.asarray(jax.random.permutation(stream(seed, "digits"), len(train.labels))))
    return everything.taken(slice(-HELD_OUT_DIGITS)), everything.taken(slice(-HELD_OUT_DIGITS, None))


def read_standardised(
    dataset: str, files: Iterable[Path], *, seed: int, first: int | None = None
) -> tuple[Labelled, Labelled]:
    """Return training and test images, pixels of mean 0 and deviation 1 over the training set, channel by channel.

    The split is `read_split`'s; of each part the `first` images, or all.
    """
    train, test = _split(dataset, files, seed)
    mean, deviation = _moments(train.images)
    scale, offset = (1 / deviation).astype(np.float32), (mean / deviation).astype(np.float32)
    # Of bytes only what is asked for becomes numbers: a job that evaluates takes a thirtieth of them.
    train, test = (part.taken(slice(first)).scaled() for part in (train, test))
    return _standardised(train, scale, offset), _standardised(test, scale, offset)


def _standardised(
    part: Labelled, scale: Float32[ndarray, "channels"], offset: Float32[ndarray, "channels"]
) -> Labelled:
    # In place: fresh memory for all of Fashion-MNIST takes a second, and nobody else has these pixels.
    images = part.images
    images *= scale
    images -= offset
    return Labelled(images, part.labels)


def _moments(images: ndarray) -> tuple[ndarray, ndarray]:
    """Return mean and standard deviation of each channel, summed in float64, block by block to stay in the cache."""
    sums = np.zeros((2, images.shape[-1]))
    for start in range(0, len(images), 500):
        block = _pixels(images[start : start + 500]).reshape(-1, images.shape[-1]).astype(np.float64)
        sums += block.sum(0), np.square(block).sum(0)
    mean, square = sums / (images.size / images.shape[-1])
    return mean, np.sqrt(square - mean**2)


def _pixels(images: ndarray) -> Float32[ndarray, "n height width channels"]:
    """Return pixels in [0, 1], of bytes or of what is there already."""
    return images if images.dtype == np.float32 else (images / np.float32(255)).astype(np.float32, copy=False)


def _file(by_name: dict[str, Path], name: str) -> Path:
    if name not in by_name:
        raise UserError(f"{name} is not among the files given: {', '.join(sorted(by_name))}.")
    return by_name[name]


def read_digits(path: Path) -> tuple[Float32[ndarray, "n 8 8 1"], Int32[ndarray, "n"]]:
    """Return scikit-learn's digits with pixels in [0, 1], and their labels.

    The file has a line of 64 pixels from 0 to 16 and the label for each image. **Raises**: UserError when it has not.
    """
    try:
        table = np.loadtxt(path, delimiter=",", ndmin=2)
    except ValueError as error:
        raise UserError(f"{path} is not the digits table: {error}. {_AGAIN}") from None
    if table.shape[1:] != (65,):
        raise UserError(f"{path} has {table.shape[1]} columns where the digits table has 65. {_AGAIN}")
    return (table[:, :64].reshape(-1, 8, 8, 1) / 16).astype(np.float32), table[:, 64].astype(np.int32)


def read_idx(path: Path) -> UInt8[ndarray, "..."]:
    """Return the array of bytes in an IDX file, the format of MNIST and Fashion-MNIST.

    **Source**: the format's description beside MNIST: two zero bytes, the type, the number of dimensions, each
    dimension as four bytes big-endian, the data. **Raises**: UserError when the file is something else or cut short.
    """
    content = path.read_bytes()
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _IDX_UNSIGNED_BYTES:
        raise UserError(f"{path} is not an uncompressed IDX file of bytes: it begins with {content[:4]!r}. {_AGAIN}")
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise UserError(f"{path} ends within its header of {start} bytes. {_AGAIN}")
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], ">u4"))
    expected = start + int(np.prod(shape))
    if len(content) != expected:
        raise UserError(f"{path} has {len(content)} bytes where its header announces {expected}. {_AGAIN}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_cifar(path: Path) -> tuple[UInt8[ndarray, "n 32 32 3"], UInt8[ndarray, "n"]]:
    """Return images and labels of one file of CIFAR-10's binary version.

    **Source**: the data set's page: records of a label byte and 3 x 32 x 32 pixels, colour first. **Raises**: UserError
    when the file is no whole number of records.
    """
    content = np.fromfile(path, np.uint8)
    if not len(content) or len(content) % _CIFAR_RECORD:
        raise UserError(f"{path} has {len(content)} bytes, no whole number of records of {_CIFAR_RECORD}. {_AGAIN}")
    records = content.reshape(-1, _CIFAR_RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), records[:, 0]


_AGAIN = "Delete it; the workflow then fetches it again."
