"""Fail the run when a law is broken."""

from perspectives.workbench.errors import UserError
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_rows


def uphold_laws(*, laws: Input, upheld: Output) -> None:
    """Write how many laws hold. **Raises**: UserError naming every law that does not: our code has a bug."""
    table = read_rows(laws)
    broken = [row for row in table if row["holds"] != "True"]
    if broken:
        lines = ["{law}: {statement} Measured {measured}, {criterion}".format(**row) for row in broken]
        raise UserError("these laws are broken, which is a bug in this code and not a finding:\n" + "\n".join(lines))
    upheld.write_text(f"All {len(table)} laws hold.\n")
