"""What changes with the machine or the moment, kept beside the log and out of the results."""

import hashlib
import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

_PACKAGES = ("jax", "jaxlib", "equinox", "diffrax", "optax", "numpy", "scipy", "pandas", "snakemake")


class Written(NamedTuple):
    """A file as its job left it."""

    path: str
    bytes: int
    sha256: str


def record(
    path: Path, *, step: str, arguments: dict[str, Any], outputs: list[Path], started: datetime, threads: int
) -> None:
    """Write one job's provenance as JSON: what ran, when, from which commit, on what, and what it wrote."""
    ended = datetime.now(UTC)
    path.write_text(
        json.dumps(
            {
                "step": step,
                "arguments": {name: str(value) for name, value in arguments.items()},
                "outputs": [_written(output)._asdict() for output in outputs],
                "started": started.isoformat(timespec="seconds"),
                "ended": ended.isoformat(timespec="seconds"),
                "seconds": round((ended - started).total_seconds(), 3),
                "commit": _git("rev-parse", "HEAD"),
                "dirty": bool(_git("status", "--porcelain", "--untracked-files=no")),
                "python": platform.python_version(),
                "platform": platform.platform(),
                "packages": {name: version(name) for name in _PACKAGES},
                "device": _device(),
                "threads": threads,
            },
            indent=1,
        )
        + "\n"
    )


def _written(path: Path) -> Written:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Written(str(path), file.tell(), digest)


def _git(*arguments: str) -> str | None:
    """Return what git prints, or None outside a checkout or without git."""
    try:
        result = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def _device() -> str:
    """Return the kind of device that JAX used, or `none` for a step that never imported it."""
    jax = sys.modules.get("jax")
    return jax.devices()[0].device_kind if jax else "none"
