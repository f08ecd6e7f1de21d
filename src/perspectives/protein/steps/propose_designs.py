"""Propose designs from a table of measured sequences of one's own."""

import csv
import logging
from pathlib import Path
from typing import Annotated

import jax
from cyclopts import Parameter

from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.protein.proposing import fit_models, propose
from perspectives.protein.settings import ProposalSettings
from perspectives.workbench.errors import UserError
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import write_rows

AS_PUBLISHED = ProposalSettings()


def propose_designs(
    *,
    table: Input,
    designs: Output,
    settings: ProposalSettings = AS_PUBLISHED,
    target: Annotated[
        float | None,
        Parameter(
            help="Fitness towards which guidance pulls, in the units of the table; without one it lies as far above "
            "the best as the worst lies below it."
        ),
    ] = None,
    seed: Annotated[int, Parameter(help="Of training and sampling: equal seeds give equal designs.")] = 0,
    progress: Progress,
) -> None:
    """Fit models to a CSV with the columns `sequence` and `fitness`, and write one of `sequence,predicted,mutations`.

    Best first by the predictor, none of them in the table. No rule runs this: it is for data of one's own.
    """
    sequences, fitness = _measured(table)
    fit_key, sample_key = jax.random.split(stream(seed, "protein/proposing"))
    try:
        models = fit_models(sequences, fitness, settings, target=target, progress=progress, key=fit_key)
    except ValueError as error:
        raise UserError(f"{table}: {error}") from None
    found = propose(models, sequences, settings.sampling, key=sample_key)
    if not found:
        raise UserError(
            f"All {settings.sampling.samples} samples stand in {table} already. Raise sampling.samples, or the "
            "strength of guidance, sampling.strength."
        )
    if len(found) < settings.sampling.keep:
        logging.getLogger("protein.propose_designs").warning(
            "Only %d of the %d designs asked for: the other samples repeat these or stand in %s. Raise "
            "sampling.samples, or lower sampling.strength or the target when few samples differ.",
            len(found), settings.sampling.keep, table,
        )  # fmt: skip
    write_rows(designs, [proposal._asdict() for proposal in found], digits=9)


def _measured(table: Path) -> tuple[list[str], list[float]]:
    """Return both columns. **Raises**: UserError naming what is wrong, and the row, counted from 1 below the header."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.DictReader(file)
            header = list(lines.fieldnames or [])
            rows = list(lines)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{table} is no CSV in UTF-8: {error}.") from None
    for column in ("sequence", "fitness"):
        if column not in header:
            raise UserError(f"{table} has no column '{column}', only: {', '.join(header) or 'nothing'}.")
        if header.count(column) > 1:
            raise UserError(f"{table} has the column '{column}' more than once: {', '.join(header)}.")
    fitness = []
    for number, row in enumerate(rows, 1):
        if None in row:  # what is beyond the header, as after a decimal comma
            raise UserError(
                f"Row {number} of {table} has more cells than the header: {', '.join(map(str, row[None]))}."
            )
        try:
            fitness.append(float(row["fitness"]))
        except (TypeError, ValueError):
            raise UserError(f"Row {number} of {table}: the fitness '{row['fitness']}' is no number.") from None
    return [(row["sequence"] or "").strip() for row in rows], fitness
