"""Cut the base sets of AAV from its ground truth anew, and compare them with the released ones."""

from collections import Counter

import numpy as np

from perspectives.protein.landscapes import SCALES, Scored, scored
from perspectives.protein.sequences import encoded, hamming, levenshtein
from perspectives.protein.settings import TaskName
from perspectives.protein.tasks import TASKS, pool_of_strings, pool_of_tokens
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import read_as, write_rows

LEVENSHTEIN_ROWS: dict[TaskName, int] = {"aav_medium": 2139, "aav_hard": 3448}
"""**Source**: Kirjner et al. 2024, table of tasks."""


def rebuild_aav(
    *, ground_truth: Input, medium: Input, hard: Input, medium_base: Output, hard_base: Output, measures: Output
) -> None:
    """Write both base sets by Hamming distance, and how far they and their counts are from the published ones."""
    truth = read_as(scored, ground_truth)
    tokens = encoded(truth.sequences)
    released: dict[TaskName, Scored] = {"aav_medium": read_as(scored, medium), "aav_hard": read_as(scored, hard)}
    mismatches = count_error = 0
    for (name, published), base in zip(released.items(), (medium_base, hard_base), strict=True):
        rows = pool_of_tokens(tokens, truth.scores, TASKS[name], hamming)
        ours, theirs = truth.taken(rows).counted(), published.counted()
        mismatches += ((ours - theirs) + (theirs - ours)).total()
        by_levenshtein = pool_of_strings(truth.sequences, truth.scores, TASKS[name], levenshtein)
        count_error += abs(len(by_levenshtein) - LEVENSHTEIN_ROWS[name])
        pairs = zip(*truth.taken(rows), strict=True)
        write_rows(base, [{"sequence": sequence, "score": float(score)} for sequence, score in pairs])
    occurrences = Counter(released["aav_medium"].sequences)
    scale = SCALES["aav"]
    values = {
        "hamming_mismatches": mismatches,
        "levenshtein_count_error": count_error,
        "scale_error": np.abs(np.subtract(scale, (truth.scores.min(), truth.scores.max()))).max(),
        "medium_repeated_rows": sum(count for count in occurrences.values() if count > 1),
    }
    write_measures(measures, [Measure(quantity=name, value=float(value)) for name, value in values.items()])
