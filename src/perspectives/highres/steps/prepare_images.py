"""Bring the images of Fig. 2 into one file: training and validation, normalised as the paper does."""

import jax
import numpy as np
from jaxtyping import Float32, Int
from numpy import ndarray

from perspectives.highres.settings import DeepSettings
from perspectives.numerics.streams import stream
from perspectives.workbench.errors import UserError
from perspectives.workbench.images import read_parts
from perspectives.workbench.step import Input, Output

DIGITS_TRAIN = 1408
"""Of 1797 digits; 22 whole batches of 64, the other 389 validate."""


def prepare_images(*, settings: DeepSettings, seed: int, files: list[Input], images: Output) -> None:
    """Read the data set's files, split off validation images and normalise pixels to [-1, 1]."""
    # One order of the images for all arms and seeds; it decides the digits' split and the subset, where there is one.
    key = stream(seed, "highres/images")
    train, validation = read_parts(settings.dataset, files)
    if validation is None:
        everything = train.taken(_order(key, len(train.labels)))
        train, validation = everything.taken(slice(DIGITS_TRAIN)), everything.taken(slice(DIGITS_TRAIN, None))
    if settings.train_images is not None:
        if settings.train_images > len(train.labels):
            raise UserError(
                f"highres.deep.train_images = {settings.train_images}, but {settings.dataset} has {len(train.labels)} "
                "training images; lower it in config.yaml, or leave it out to take all."
            )
        train = train.taken(_order(key, len(train.labels))[: settings.train_images])
    np.savez(
        images,
        train=_normalised(train.images),
        train_labels=train.labels,
        validation=_normalised(validation.images),
        validation_labels=validation.labels,
    )


def _order(key: jax.Array, count: int) -> Int[ndarray, "count"]:
    return np.asarray(jax.random.permutation(key, count))


def _normalised(pixels: Float32[ndarray, "..."]) -> Float32[ndarray, "..."]:
    """Return (pixels - 1/2) / (1/2), section 5.2."""
    return (pixels - np.float32(0.5)) / np.float32(0.5)
