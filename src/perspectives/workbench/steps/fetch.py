"""Fetch one file of data, whole and of the manifest's digest."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from perspectives.numerics.progress import Progress
from perspectives.workbench import sources
from perspectives.workbench.downloads import Patience
from perspectives.workbench.manifest import entry_of
from perspectives.workbench.step import Input, Output


def fetch(
    *,
    manifest: Input,
    dataset: str,
    name: str,
    file: Output,
    progress: Progress,
    mirror: Annotated[Path | None, Parameter(env_var="PERSPECTIVES_MIRROR")] = None,
    offline: Annotated[bool, Parameter(env_var="PERSPECTIVES_OFFLINE")] = False,
    stall_seconds: float = Patience.stall_seconds,
) -> None:
    """Fetch one file of data from the first source whose content has the right digest.

    Args:
        manifest: The manifest of data.
        dataset: Name of the dataset in the manifest.
        name: Name of the file in the dataset.
        file: Where the uncompressed file goes.
        progress: Told how many bytes have come.
        mirror: A folder that is looked into first, as MIRROR/DATASET/FILE, plain, .gz or .xz.
        offline: Open no socket.
        stall_seconds: A transfer that brings nothing for so long is broken off and resumed.
    """
    patience = Patience(stall_seconds=stall_seconds)
    sources.fetch(
        entry_of(manifest, dataset, name), file, mirror=mirror, offline=offline, patience=patience, progress=progress
    )
