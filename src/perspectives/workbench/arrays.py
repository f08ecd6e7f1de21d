"""Groups of named arrays in one file: what steps of several studies hand to each other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, BadZipFile

import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from perspectives.workbench.errors import UserError

Group = dict[str, Shaped[ndarray, "..."]]
_DAMAGED = (MemoryError, AttributeError, ValueError, EOFError, TypeError, NotImplementedError, RuntimeError, BadZipFile)
"""What NumPy says of a file that is none of arrays."""


def write_groups(path: Path, groups: Mapping[str, Mapping[str, Shaped[ndarray, "..."]]]) -> None:
    """Write each group's arrays under the name `group/array`, uncompressed; equal arrays give equal bytes."""
    named: dict[str, Any] = {
        f"{group}/{name}": array for group, arrays in groups.items() for name, array in arrays.items()
    }
    np.savez(path, **named)


def read_groups(path: Path) -> dict[str, Group]:
    """Return what `write_groups` wrote; nothing but plain arrays is ever read.

    **Raises**: UserError when the file is damaged, has no array or is none. What is compressed, or declares more than
    the file has, is refused before it fills the memory.
    """
    groups: dict[str, Group] = {}
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            if any(entry.compress_type != ZIP_STORED for entry in saved.zip.infolist()):
                raise ValueError("compressed")
            if not saved.files:  # zeros at the end of a file hide all that is in it
                raise ValueError("no entry")
            for full in saved.files:
                array = saved[full]
                if not isinstance(array, np.ndarray):
                    raise ValueError(f"{full} is no array")
                group, _, name = full.partition("/")
                groups.setdefault(group, {})[name] = array
    except _DAMAGED as error:
        raise UserError(f"{path} holds no named arrays ({error}). Delete it; the workflow makes it again.") from None
    return groups
