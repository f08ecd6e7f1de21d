"""Fail the run when a law is broken."""

import pandas as pd

from perspectives.workbench.errors import UserError
from perspectives.workbench.step import Input, Output


def uphold_laws(*, laws: Input, upheld: Output) -> None:
    """Write how many laws hold. **Raises**: UserError naming every law that does not: our code has a bug."""
    table = pd.read_csv(laws)
    broken = table[~table.holds.astype(bool)]
    if len(broken):
        line = "{law}: {statement} Measured {measured:g}, {criterion}"
        lines = [line.format(**row) for row in broken.to_dict("records")]
        raise UserError("these laws are broken, which is a bug in this code and not a finding:\n" + "\n".join(lines))
    upheld.write_text(f"All {len(table)} laws hold.\n")
