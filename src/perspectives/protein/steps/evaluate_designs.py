"""Judge the designs of all methods by oracles, and on GB1 by what was measured."""

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from perspectives.protein.autoencoders import commonest
from perspectives.protein.budget import predictions
from perspectives.protein.landscapes import restored, scale_of, scored
from perspectives.protein.methods import BASE_SET
from perspectives.protein.metrics import diversity, median, novelty
from perspectives.protein.models import restored_oracles
from perspectives.protein.sequences import decoded, encoded
from perspectives.protein.settings import PredictorName, SourceName, TaskName
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import Row, read_as, read_rows, write_rows

NEAR = 1
"""Mutations up to which a design is near the wild type: it gets the wild type's fitness for next to nothing."""


def evaluate_designs(
    *,
    task: TaskName,
    source: SourceName,
    predictor: PredictorName,
    member: int,
    base: Input,
    oracles: Input,
    designs: list[Input],
    table: Output,
    scores: Output,
    landscape: Input | None = None,
) -> None:
    """Write a row a method, and a row a design with those of the base set.

    Fitness is scaled; medians are of the selected designs, or with `_all` of all different ones. The second oracle,
    where there is one, gives `other_fitness`, and `disagreement` is the mean absolute difference of both. Searches hand
    over their selection alone: all their designs are selected ones, and none repeats another.
    """
    known = read_as(scored, base)
    base_tokens = known.tokens
    scale, wild_type = scale_of(task), commonest(base_tokens)
    rows = [row for path in designs for row in read_rows(path)]
    tokens = np.concatenate([encoded([row["sequence"] for row in rows]), base_tokens])
    judges = restored_oracles(read_groups(oracles)).values()
    first, *others = (np.asarray(scale.scaled(predictions(oracle, tokens))) for oracle in judges)
    columns = {
        "fitness": first,
        "other_fitness": others[0] if others else np.full(len(tokens), np.nan),
        "measured_fitness": np.full(len(tokens), np.nan),
        "mutations": (tokens != wild_type).sum(1).astype(float),
    }
    if landscape is not None:
        columns["measured_fitness"] = restored(read_groups(landscape)["gb1"]).measured(tokens)
    names = {"task": task, "source": source, "member": member, "predictor": predictor}
    best = float(np.max(scale.scaled(known.scores)))

    base_sequences = list(dict.fromkeys(decoded(base_tokens)))
    summaries = []
    for method in dict.fromkeys(row["method"] for row in rows):
        places = [place for place, row in enumerate(rows) if row["method"] == method]
        chosen = [place for place in places if rows[place]["selected"] == "1"]
        summary = _summary(
            [rows[place] for place in chosen],
            {name: column[chosen] for name, column in columns.items()},
            {name: column[places] for name, column in columns.items()},
            drawn=int(rows[places[0]]["drawn"]),
        )
        sequences = [rows[place]["sequence"] for place in chosen]
        summary |= {"novelty": novelty(sequences, base_sequences), "best_of_base": best}
        summaries.append({**names, "method": method, **summary})
    write_rows(table, summaries, digits=9)

    empty = {"method": BASE_SET, "predicted": "", "selected": 0}
    kept = ("method", "sequence", "predicted", "selected")
    everything = [{name: row[name] for name in kept} for row in rows]
    everything += [empty | {"sequence": sequence} for sequence in decoded(base_tokens)]
    found = [
        {**names, **row, **{name: column[place].item() for name, column in columns.items()}}
        for place, row in enumerate(everything)
    ]
    write_rows(scores, found, digits=9)


def _summary(
    selected: list[Row],
    chosen: dict[str, Float[ndarray, "designs"]],
    everything: dict[str, Float[ndarray, "unique"]],
    *,
    drawn: int,
) -> dict[str, Any]:
    """Return the numbers of a method, from its selected designs and from all different ones."""
    unique, designs = len(everything["fitness"]), len(selected)
    measured = int(np.isfinite(chosen["measured_fitness"]).sum())
    difference = np.abs(chosen["fitness"] - chosen["other_fitness"])
    return {
        "drawn": drawn,
        "unique": unique,
        "unique_share": unique / drawn,
        "designs": designs,
        "fitness": median(chosen["fitness"]),
        "fitness_all": median(everything["fitness"]),
        "other_fitness": median(chosen["other_fitness"]),
        "other_fitness_all": median(everything["other_fitness"]),
        "disagreement": float(difference.mean()),
        "measured_fitness": median(chosen["measured_fitness"]),
        "measured": measured,
        "measured_share": measured / designs,
        "near_wild_type_share": float((chosen["mutations"] <= NEAR).mean()),
        "mutations": float(chosen["mutations"].mean()),
        "diversity": diversity([row["sequence"] for row in selected]),
    }
