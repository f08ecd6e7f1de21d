"""The environment's `snakemake`, whose --cores may stand alone: all cores then, as Snakemake's own help says.

Snakemake 9.27.1 asks for a number nevertheless. `make setup` puts this in front of it, in .venv alone.
"""

import sys

from snakemake.cli import main


def completed(arguments: list[str]) -> list[str]:
    """Return `arguments` with `all` after each --cores or -c that has no value."""
    found = []
    for argument, following in zip(arguments, [*arguments[1:], "-"], strict=True):
        found.append(argument)
        if argument in ("--cores", "-c") and following.startswith("-"):
            found.append("all")
    return found


if __name__ == "__main__":
    main(completed(sys.argv[1:]))
