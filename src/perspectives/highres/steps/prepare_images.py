"""Bring the images of Fig. 2 into one file: training and validation, normalised as the paper does."""

from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float32, Int32
from numpy import ndarray

from perspectives.highres.settings import DeepSettings
from perspectives.numerics.streams import stream
from perspectives.workbench.errors import UserError
from perspectives.workbench.images import read_cifar, read_digits, read_idx
from perspectives.workbench.step import Input, Output

DIGITS_TRAIN = 1408
"""Of 1797 digits; 22 whole batches of 64, the other 389 validate."""

Labelled = tuple[Float32[ndarray, "_ height width channels"], Int32[ndarray, "_"]]


def prepare_images(*, settings: DeepSettings, seed: int, files: list[Input], images: Output) -> None:
    """Read the data set's files, split off validation images and normalise pixels to [-1, 1]."""
    by_name = {path.name: path for path in files}
    # One order of the images for all arms and seeds; it decides the digits' split and the subset, where there is one.
    key = stream(seed, "highres/images")
    if settings.dataset == "digits":
        everything = _taken(read_digits(_file(by_name, "digits.csv")), _order(key, 1797))
        train, validation = _taken(everything, slice(DIGITS_TRAIN)), _taken(everything, slice(DIGITS_TRAIN, None))
    elif settings.dataset == "fashion-mnist":
        train, validation = (_idx_pair(by_name, part) for part in ("train", "t10k"))
    else:
        parts = [_scaled(*read_cifar(_file(by_name, f"data_batch_{number}.bin"))) for number in range(1, 6)]
        train = np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
        validation = _scaled(*read_cifar(_file(by_name, "test_batch.bin")))
    if settings.train_images is not None:
        if settings.train_images > len(train[1]):
            raise UserError(
                f"highres.deep.train_images = {settings.train_images}, but {settings.dataset} has {len(train[1])} "
                "training images; lower it in config.yaml, or leave it out to take all."
            )
        train = _taken(train, _order(key, len(train[1]))[: settings.train_images])
    np.savez(
        images,
        train=_normalised(train[0]),
        train_labels=train[1],
        validation=_normalised(validation[0]),
        validation_labels=validation[1],
    )


def _order(key: jax.Array, count: int) -> np.ndarray:
    return np.asarray(jax.random.permutation(key, count))


def _taken(data: Labelled, rows: slice | np.ndarray) -> Labelled:
    return data[0][rows], data[1][rows]


def _normalised(pixels: Float32[ndarray, "..."]) -> Float32[ndarray, "..."]:
    """Return (pixels - 1/2) / (1/2), section 5.2."""
    return (pixels - np.float32(0.5)) / np.float32(0.5)


def _scaled(images: np.ndarray, labels: np.ndarray) -> Labelled:
    return (images / np.float32(255)).astype(np.float32), labels.astype(np.int32)


def _idx_pair(by_name: dict[str, Path], part: str) -> Labelled:
    images = read_idx(_file(by_name, f"{part}-images-idx3-ubyte"))
    return _scaled(images[..., None], read_idx(_file(by_name, f"{part}-labels-idx1-ubyte")))


def _file(by_name: dict[str, Path], name: str) -> Path:
    if name not in by_name:
        raise UserError(f"{name} is not among the files given: {', '.join(sorted(by_name))}.")
    return by_name[name]
