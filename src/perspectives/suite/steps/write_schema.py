"""Write the JSON schema of the settings, for editors and readers."""

import json

from perspectives.suite.settings import Settings
from perspectives.workbench.step import Output


def write_schema(*, file: Output) -> None:
    """Write the JSON schema of all settings: every key, its type, its default and what it means."""
    file.write_text(json.dumps(Settings.model_json_schema(), indent=1, sort_keys=True) + "\n")
