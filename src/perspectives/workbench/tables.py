"""CSV tables row by row: for steps so short that pandas, whose import takes a second, would be much of them."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from perspectives.workbench.errors import UserError

Row = Mapping[str, str]
Content = TypeVar("Content")


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a CSV table as text, by column."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def read_as(parsed: Callable[[list[Row]], Content], path: Path) -> Content:
    """Return what `parsed` makes of a table's rows. **Raises**: UserError, naming the file, with its ValueError."""
    try:
        return parsed(read_rows(path))
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]], *, digits: int | None = None) -> None:
    """Write rows as CSV, a column for each key of the first; NaN is an empty cell, as pandas has it.

    Floats are written in `digits` significant digits, or in as many as tell them apart from all others. **Raises**:
    ValueError when a row has other keys than the first.
    """

    def cell(value: Any) -> Any:
        if value != value:
            return ""
        return f"{value:.{digits}g}" if digits and isinstance(value, float) else value

    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
