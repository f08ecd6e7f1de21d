"""Keep the resolved settings with the results."""

import json

from perspectives.workbench.step import Output


def save_settings(*, settings: str, file: Output) -> None:
    """Write the resolved settings, given as canonical JSON, one key a line."""
    file.write_text(json.dumps(json.loads(settings), indent=1, sort_keys=True) + "\n")
