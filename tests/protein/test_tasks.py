"""Pools by percentile and distance to the best, on invented landscapes and, where it is at hand, on AAV."""

import csv
import os
from pathlib import Path

import jax
import numpy as np
import pytest

from perspectives.protein import tasks
from perspectives.protein.landscapes import Gb1
from perspectives.protein.sequences import decoded, encoded, hamming, levenshtein
from perspectives.protein.tasks import (
    TASKS,
    Task,
    drawn,
    nearest_double,
    pool,
    pool_of_doubles,
    pool_of_strings,
    pool_of_tokens,
    task_of,
)

MIRROR = os.environ.get("PERSPECTIVES_MIRROR")


def doubles(number, length, seed):
    """Return invented double mutants, of 8 length (length - 1) that there are; all distances occur."""
    rng = np.random.default_rng(seed)
    wild_type = np.full(length, 7, np.uint8)
    seen = {}
    while len(seen) < number:
        positions = np.sort(rng.choice(length, 2, replace=False))
        seen[tuple(positions), tuple(rng.integers(0, 4, 2))] = None
    positions, residues = (np.array(part, np.uint8) for part in zip(*seen, strict=True))
    inputs = rng.integers(20, 400, number).astype(np.int32)
    return Gb1(wild_type, positions, residues, rng.normal(-2, 3, number), inputs, inputs, np.zeros(number, np.uint8))


@pytest.fixture(scope="module")
def invented():
    return doubles(1500, 24, 0)


def test_distance_to_the_nearest_double_is_hammings():
    some, others = doubles(200, 6, 1), doubles(8, 6, 2)
    direct = hamming(some.tokens(np.arange(200)), others.tokens(np.arange(8)))
    found = nearest_double(some, others)
    np.testing.assert_array_equal(found, direct.min(1))
    assert set(range(4)) <= set(found.tolist())
    single = nearest_double(some, others.taken(np.array([0])))
    np.testing.assert_array_equal(single, direct[:, 0])
    assert 4 in single


@pytest.mark.parametrize("task", [name for name in TASKS if name.startswith("gb1")])
def test_pool_of_doubles_is_that_of_the_general_rule(invented, task):
    deep = invented.deep
    general = deep[pool_of_tokens(invented.tokens(deep), invented.fitness[deep], TASKS[task], hamming)]
    found = pool_of_doubles(invented, TASKS[task])
    np.testing.assert_array_equal(found, general)
    assert 0 < len(found) < len(deep)
    assert (invented.inputs[found] >= 100).all()


def test_percentiles_are_inclusive_and_a_gap_may_be_met():
    scores = np.arange(101.0)
    every = pool(scores, Task(20, 40, 3), lambda rows, best: np.full(len(rows), 3))
    np.testing.assert_array_equal(every, np.arange(20, 41))
    assert not len(pool(scores, Task(20, 40, 3), lambda rows, best: np.full(len(rows), 2)))


def test_the_best_are_from_the_99th_percentile_on():
    seen = []
    pool(np.arange(101.0), Task(0, 10, 0), lambda rows, best: seen.append(best) or np.zeros(len(rows), int))
    np.testing.assert_array_equal(seen[0], [99, 100])


def test_blocks_change_no_pool_and_letters_none_either(invented, monkeypatch):
    rows = np.arange(300)
    tokens, scores = invented.tokens(rows), invented.fitness[rows]
    whole = pool_of_tokens(tokens, scores, TASKS["gb1_hard"], hamming)
    monkeypatch.setattr(tasks, "_TOGETHER", 7)
    np.testing.assert_array_equal(pool_of_tokens(tokens, scores, TASKS["gb1_hard"], hamming), whole)
    letters = decoded(tokens)
    by_letters = pool_of_strings(
        letters, scores, TASKS["gb1_hard"], lambda one, other: hamming(encoded(one), encoded(other))
    )
    np.testing.assert_array_equal(by_letters, whole)


def test_rows_are_drawn_once_each_by_key(invented):
    rows = pool_of_doubles(invented, TASKS["gb1_default"])
    first, again, other = (drawn(rows, 20, key=jax.random.key(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (np.diff(first) > 0).all()
    assert set(first.tolist()) <= set(rows.tolist())
    np.testing.assert_array_equal(drawn(rows, len(rows), key=jax.random.key(2)), rows)
    with pytest.raises(ValueError, match="cannot be drawn from a pool of"):
        drawn(rows, len(rows) + 1, key=jax.random.key(0))


def test_every_row_of_a_pool_is_drawn_equally_often():
    counts = sum(
        np.bincount(drawn(np.arange(5), 2, key=key), minlength=5) for key in jax.random.split(jax.random.key(3), 1000)
    )
    # Five standard errors of a share of two in five.
    np.testing.assert_allclose(counts, 400, atol=5 * (1000 * 0.4 * 0.6) ** 0.5)


@pytest.mark.parametrize("task", [name for name in TASKS if name.startswith("gb1")])
def test_a_base_set_names_its_task(invented, task):
    rows = pool_of_doubles(invented, TASKS[task])
    assert task_of(invented, invented.tokens(rows)) == task
    best = np.argmax(np.where(invented.inputs >= 100, invented.fitness, -np.inf))
    for stranger in (invented.tokens(np.array([best])), invented.wild_type[None]):
        with pytest.raises(ValueError, match="no base set of GB1"):
            task_of(invented, np.concatenate([invented.tokens(rows), stranger]))


@pytest.mark.skipif(not MIRROR, reason="no mirror of the data")
@pytest.mark.parametrize(("task", "rows", "by_levenshtein"), [("aav_medium", 2145, 2139), ("aav_hard", 3453, 3448)])
def test_released_base_sets_of_aav_are_cut_anew(task, rows, by_levenshtein):
    def read(name):
        with (Path(MIRROR or "") / "protein" / f"{name}.csv").open(newline="") as file:
            found = list(csv.DictReader(file))
        return [row["sequence"] for row in found], np.array([float(row["score"]) for row in found])

    sequences, scores = read("aav_ground_truth")
    found = pool_of_tokens(encoded(sequences), scores, TASKS[task], hamming)
    assert len(found) == rows
    ours = sorted((sequences[row], float(scores[row])) for row in found)
    letters, published = read(task)
    assert ours == sorted(zip(letters, published.tolist(), strict=True))
    assert len(pool_of_strings(sequences, scores, TASKS[task], levenshtein)) == by_levenshtein
