"""Names for the folders in which killed trainings leave what the next run goes on from."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from perspectives.workbench import closure


def checkpoint_name(module: str, *parts: object, files: Iterable[Path], device: str) -> str:
    """Return a name that a checkpoint shares only with a run that would reach the same bytes.

    `module` is the step, of which all code counts that it imports; `parts` are its settings, as text; `files` its data.
    """
    digests = []
    for path in files:
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    text = f"{closure.digest(module)} {' '.join(map(str, parts))} {' '.join(digests)} {device}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
