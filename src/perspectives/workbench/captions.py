"""Figure captions in RST: prose written by a person, and below it what the claims table says by the run."""

import io
import re
from collections.abc import Sequence

from docutils.core import publish_parts
from docutils.utils import SystemMessage

from perspectives.workbench import wording
from perspectives.workbench.claims import Verdict
from perspectives.workbench.errors import UserError
from perspectives.workbench.tables import Row

# Snakemake renders captions as Jinja templates before RST, so braces need the escape too.
_SPECIAL = re.compile(r"([\\*`_|{}\[\]<>:^#%])")


def plain(text: str) -> str:
    """Return RST that shows `text` as it stands, also as the start of a paragraph and inside a Jinja template."""
    return "\\ " + _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def caption(prose: str, claims: Sequence[Row], *, title: str, shows: Sequence[str], illustrative: str) -> str:
    """Return the caption: title, prose, and a line for each claim in `shows` with its verdict and numbers.

    **Raises**: UserError when the prose is not clean RST, or holds what Jinja would take for its own.
    """
    for sign in ("{{", "{%", "{#"):
        if sign in prose:
            raise UserError(
                f"the prose holds '{sign}', which Snakemake's report reads as a template; put a space between."
            )
    rows = {row["claim"]: row for row in claims}
    unknown = [name for name in shows if name not in rows]
    if unknown:
        raise UserError(f"the figure shows claims that the table lacks: {', '.join(unknown)}.")
    lines = [f"**{title}.** {prose.strip()}", ""]
    lines += [_line(rows[name]) for name in shows]
    if illustrative:
        lines.append(f"*Illustrative, no claim is decided here:* {plain(illustrative)}")
    text = "\n".join(lines).rstrip() + "\n"
    to_html(text)
    return text


def _line(row: Row) -> str:
    verdict = Verdict(row["verdict"])
    measured = wording.measured(row)
    parts = [f"Measured {measured}" if row["measured"] else measured.capitalize(), f"criterion {wording.bound(row)}"]
    if row["published"]:
        parts.append(f"published {wording.published(row)}")
    return (
        f"- **{row['claim']}: {verdict}** {wording.MARKS[verdict]} {plain(row['statement'])} {plain('; '.join(parts))}."
    )


def to_html(text: str) -> str:
    """Return RST as HTML; no file is read and no raw HTML let through.

    **Raises**: UserError when it is not clean RST.
    """
    strict = {
        "halt_level": 2,
        "warning_stream": io.StringIO(),
        "raw_enabled": False,
        "file_insertion_enabled": False,
        "math_output": "MathML",
        "initial_header_level": 4,
    }
    try:
        return publish_parts(text, writer="html5", settings_overrides=strict)["body"]  # pyright: ignore[reportTypedDictNotRequiredAccess]
    except SystemMessage as error:
        raise UserError(f"the caption is not clean RST: {error}") from None
