"""GB1's table on invented double mutants, what is looked up in it, and scales."""

import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.protein.landscapes import (
    OFFSET,
    SCALES,
    SPLITS,
    Gb1,
    doubles_among,
    fitness_of_counts,
    parsed,
    poisson_deviation,
    restored,
    scale_of,
    scored,
)
from perspectives.protein.sequences import decoded, encoded, hamming

WILD_TYPE = "QYKLIA"
HEADER = "set,dist,input_ct,selected_ct,y,x"


@pytest.fixture(scope="module")
def invented():
    """All double mutants of the first five letters to three others, in a random order, with invented counts."""
    rng = np.random.default_rng(0)
    rows = []
    for first in range(5):
        for second in range(first + 1, 6):
            for one in "CDE":
                for two in "FGH":
                    letters = list(WILD_TYPE)
                    letters[first], letters[second] = one, two
                    rows.append("".join(letters))
    rng.shuffle(rows)
    inputs, selected = rng.integers(10, 500, len(rows)), rng.integers(0, 500, len(rows))
    return rows, inputs.astype(np.int32), selected.astype(np.int32), rng.integers(0, 3, len(rows))


@pytest.fixture(scope="module")
def table(invented):
    rows, inputs, selected, split = invented
    fitness = np.log2((selected + 1) / (inputs + 1)) - OFFSET
    lines = [
        f"{SPLITS[s]},2,{i},{o},{float(y)!r},{x}" for x, i, o, s, y in zip(*invented, fitness.tolist(), strict=True)
    ]
    return "\n".join([HEADER, *lines, ""]).encode()


@pytest.fixture(scope="module")
def gb1(table):
    return parsed(table)


def test_a_table_is_read_row_by_row(gb1, invented):
    rows, inputs, selected, split = invented
    assert decoded(gb1.wild_type[None]) == [WILD_TYPE]
    assert decoded(gb1.tokens(np.arange(len(rows)))) == rows
    np.testing.assert_array_equal(gb1.inputs, inputs)
    np.testing.assert_array_equal(gb1.selected, selected)
    np.testing.assert_array_equal(gb1.split, split)
    np.testing.assert_array_equal(gb1.fitness, fitness_of_counts(selected, inputs))
    assert (gb1.positions[:, 0] < gb1.positions[:, 1]).all()
    assert (hamming(gb1.tokens(np.arange(len(rows))), gb1.wild_type[None]) == 2).all()


def test_arrays_by_name_give_the_landscape_back(gb1):
    for ours, theirs in zip(restored(gb1._asdict()), gb1, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="arrays fitness are not GB1's"):
        restored({"fitness": gb1.fitness})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda text: text.replace("set,", "split,"), "its first line is 'split,dist", id="header"),
        pytest.param(lambda text: f"{HEADER}\n", "no rows", id="empty"),
        pytest.param(
            lambda text: text.rstrip("\n") + "x\n", "row 135 does not fit: its sequence has not 6 letters", id="length"
        ),
        pytest.param(
            lambda text: text + f"test,0,10,3,0.5,{WILD_TYPE}\n",
            "row 136 does not fit: its sequence is not two mutations",
            id="wild type",
        ),
        pytest.param(
            lambda text: text + f"test,2,10,3,0.5,BB{WILD_TYPE[2:]}\n",
            "row 136 does not fit: it has a letter",
            id="letter",
        ),
        pytest.param(
            lambda text: text + f"other,2,10,3,0.5,CF{WILD_TYPE[2:]}\n",
            "row 136 does not fit: its set is none of training, validation, test",
            id="split",
        ),
        pytest.param(lambda text: text + f"test,2,ten,3,0.5,CF{WILD_TYPE[2:]}\n", "ten", id="number"),
        pytest.param(lambda text: text + f"test,2,10,0.5,CF{WILD_TYPE[2:]}\n", "columns", id="column"),
    ],
)
def test_another_table_is_refused(table, change, message):
    with pytest.raises(ValueError, match=message):
        parsed(change(table.decode()).encode())


def test_what_was_measured_is_looked_up_and_nothing_else(gb1):
    rows = np.arange(len(gb1.fitness))
    scale = SCALES["gb1"]
    expected = (np.maximum(gb1.fitness, -8) + 8) / (2.7891 + 8)
    np.testing.assert_allclose(gb1.measured(gb1.tokens(rows)), expected, rtol=1e-12)
    single, triple, unseen = (encoded([letters]) for letters in ("CYKLIA", "CFGLIA", "WWKLIA"))
    assert np.isnan(gb1.measured(np.concatenate([single, triple, unseen]))).all()
    np.testing.assert_allclose(gb1.measured(gb1.wild_type[None]), scale.scaled(0.0))


def test_double_mutants_are_found_among_others(gb1):
    some = gb1.tokens(np.array([5, 3]))
    tokens = np.concatenate([gb1.wild_type[None], some[:1], encoded(["CFGLIA"]), some[1:]])
    rows, substitutions = doubles_among(tokens, gb1.wild_type)
    np.testing.assert_array_equal(rows, [1, 3])
    np.testing.assert_array_equal(substitutions, gb1.substitutions[[5, 3]])
    ones = substitutions // 20, substitutions % 20
    np.testing.assert_array_equal(some[np.arange(2)[:, None], ones[0]], ones[1])


def test_deviation_is_that_of_poisson_counts():
    rng = np.random.default_rng(1)
    counts = np.array([[400, 900], [2500, 300]])
    draws = rng.poisson(counts, (200_000, 2, 2)).astype(np.int32)
    spread = fitness_of_counts(draws[..., 0].ravel(), draws[..., 1].ravel()).reshape(-1, 2).std(0)
    predicted = poisson_deviation(counts[:, 0].astype(np.int32), counts[:, 1].astype(np.int32))
    # First order in 1 / count, so within the smaller count's inverse of one.
    np.testing.assert_allclose(predicted, spread, rtol=0.006)


@pytest.mark.parametrize("landscape", SCALES)
def test_a_scale_takes_its_ends_to_zero_and_one(landscape):
    scale = scale_of(f"{landscape}_hard")
    np.testing.assert_allclose(scale.scaled(np.array([scale.low, scale.high])), [0, 1])
    middle = jnp.asarray((scale.low + scale.high) / 2, jnp.float32)
    assert scale.scaled(middle).dtype == jnp.float32
    np.testing.assert_allclose(scale.scaled(middle), 0.5, rtol=1e-6)


def test_wild_type_has_the_score_that_a_design_must_beat():
    np.testing.assert_allclose(SCALES["gb1"].scaled(0.0), 0.742, atol=0.001)


def test_a_table_of_scores_is_read_or_refused():
    rows = [{"sequence": "AR", "score": "1.5"}, {"sequence": "AR", "score": "2"}, {"sequence": "AR", "score": "1.5"}]
    found = scored(rows)
    assert found.sequences == ["AR"] * 3
    assert found.counted() == {("AR", 1.5): 2, ("AR", 2.0): 1}
    assert found.taken(np.array([1])).scores == [2.0]
    with pytest.raises(ValueError, match="its columns are sequence, fitness"):
        scored([{"sequence": "AR", "fitness": "1"}])
    with pytest.raises(ValueError, match="columns are none"):
        scored([])
    with pytest.raises(ValueError, match="row 2: score 'x'"):
        scored([rows[0], {"sequence": "AR", "score": "x"}])


def test_rows_taken_are_rows(gb1):
    taken = gb1.taken(np.array([4, 1]))
    assert isinstance(taken, Gb1)
    np.testing.assert_array_equal(taken.tokens(np.arange(2)), gb1.tokens(np.array([4, 1])))
