"""The settings of the whole suite: one section a study, resolved from a preset and the user's overrides."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from perspectives.alignment.settings import AlignmentSettings
from perspectives.diffusion.settings import DiffusionSettings
from perspectives.elements.settings import ElementsSettings
from perspectives.highres.settings import HighresSettings
from perspectives.protein.settings import ProteinSettings
from perspectives.workbench.errors import UserError, shown
from perspectives.workbench.settings import Section, overlay, validated


class DataSettings(Section):
    """Where data come from. None of it changes a result: every file is checked against its digest."""

    mirror: str | None = Field(
        default=None, description="Folder laid out as docs/data.md says, tried before any web site."
    )
    offline: bool = Field(default=False, description="Never open a network connection; say which files are missing.")


class Settings(Section):
    """The whole suite."""

    preset: str = Field(default="default", description="Name of a file in workflow/presets, without its ending.")
    seed: int = Field(default=0, ge=0, description="Root of all random streams.")
    device: Literal["cpu", "gpu"] = Field(default="cpu", description="Where training runs; the rest needs no GPU.")
    stale_on_environment: bool = Field(
        default=False, description="Whether a change of the locked environment reruns everything."
    )
    data: DataSettings = DataSettings()
    highres: HighresSettings = HighresSettings()
    diffusion: DiffusionSettings = DiffusionSettings()
    alignment: AlignmentSettings = AlignmentSettings()
    elements: ElementsSettings = ElementsSettings()
    protein: ProteinSettings = ProteinSettings()


def read_config(path: Path) -> dict[Any, Any]:
    """Return the user's configuration file. **Raises**: UserError when it is missing or no mapping in YAML."""
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # not UTF-8, no such day, a million brackets
        raise UserError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(read, dict):
        raise UserError(f"{path} must map setting names to values, but holds {shown(read)}.")
    return read


def resolve(config: Mapping[Any, Any], presets: Path) -> Settings:
    """Return the settings of `config`: the papers' values, then its preset, then its own keys.

    **Raises**: UserError for an unknown preset, an unknown key (with the nearest known one) or an ill-typed value.
    """
    name = config.get("preset", "default")
    known = sorted(file.stem for file in presets.glob("*.yaml"))
    if name not in known:
        raise UserError(
            f"Unknown preset {shown(name)}: there are {', '.join(known)}. "
            "Set in config.yaml or with --config preset=NAME."
        )
    differences = yaml.safe_load((presets / f"{name}.yaml").read_text()) or {}
    validated(Settings, differences, where=f"workflow/presets/{name}.yaml")
    return validated(Settings, overlay(differences, config), where="config.yaml or with --config")
