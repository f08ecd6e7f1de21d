"""The chain from tables of fitness to base sets, oracles and their figures, at tiny sizes on invented tables."""

import csv
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from perspectives.numerics.progress import silent
from perspectives.protein.claims import LEDGER
from perspectives.protein.landscapes import HEADER, OFFSET, ROWS, SPLITS, restored
from perspectives.protein.models import restored_oracles, saved
from perspectives.protein.ridge import fit_ridge
from perspectives.protein.sequences import ALPHABET, decoded, encoded
from perspectives.protein.settings import OracleSettings, PredictorSettings, TaskName
from perspectives.protein.steps.draw_base import draw_base
from perspectives.protein.steps.evaluate_predictor import evaluate_predictor
from perspectives.protein.steps.measure_gb1 import measure_gb1
from perspectives.protein.steps.plot_landscapes import plot_landscapes
from perspectives.protein.steps.plot_oracles import plot_oracles
from perspectives.protein.steps.rebuild_aav import rebuild_aav
from perspectives.protein.steps.train_gb1_oracles import train_gb1_oracles
from perspectives.protein.tasks import POOL_ROWS, TASKS, pool_of_doubles
from perspectives.workbench.arrays import read_groups, write_groups
from perspectives.workbench.errors import UserError
from perspectives.workbench.measures import read_measures

WILD_TYPE = "QYKLILNGKT"
GB1: list[TaskName] = [task for task in TASKS if task.startswith("gb1")]
ORACLES = OracleSettings(batch=64, steps=20, epistasis_batch=64, epistasis_steps=20)


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def asked(table):
    """Return the quantities that claims, laws and findings ask of a table."""
    entries = (entry.quantity.split(":") for entry in (*LEDGER.claims, *LEDGER.laws, *LEDGER.findings))
    return {name for of, name in entries if of == table}


def outputs(folder, name):
    return {kind: folder / f"{name}.{kind}" for kind in ("png", "pdf", "csv")}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Invented counts of 6,000 double mutants of ten residues, effects of substitutions added up."""
    rng = np.random.default_rng(0)
    wild_type = encoded([WILD_TYPE])[0]
    effects = rng.normal(-1.2, 1.5, (10, 20))
    seen = {}
    while len(seen) < 6000:
        positions = np.sort(rng.choice(10, 2, replace=False))
        residues = (wild_type[positions] + rng.integers(1, 20, 2)) % 20
        seen[tuple(positions), tuple(residues)] = effects[positions, residues].sum()
    lines = [HEADER]
    for number, ((positions, residues), effect) in enumerate(seen.items()):
        tokens = wild_type.copy()
        tokens[list(positions)] = residues
        inputs = int(rng.integers(60, 500))
        selected = int(rng.poisson(inputs * 2 ** (effect + OFFSET)))
        fitness = float(np.log2((selected + 1) / (inputs + 1)) - OFFSET)
        lines.append(f"{SPLITS[number % 3]},2,{inputs},{selected},{fitness!r},{decoded(tokens[None])[0]}")
    file = tmp_path_factory.mktemp("gb1") / "gb1_data.csv"
    file.write_text("\n".join([*lines, ""]))
    return file


@pytest.fixture(scope="module")
def chain(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("landscapes")
    measure_gb1(data=table, landscape=folder / "landscape.npz", measures=folder / "gb1_measures.csv")
    for task in GB1:
        draw_base(
            rows=60, task=task, member=0, seed=0, landscape=folder / "landscape.npz",
            base=folder / f"{task.removeprefix('gb1_')}.csv",
        )  # fmt: skip
    train_gb1_oracles(
        settings=ORACLES, seed=0, landscape=folder / "landscape.npz", oracles=folder / "oracles.npz",
        predictions=folder / "predictions.npz", measures=folder / "oracles_measures.csv", progress=silent,
    )  # fmt: skip
    return folder


def landscape_of(folder):
    return restored(read_groups(folder / "landscape.npz")["gb1"])


def test_measures_of_gb1_are_those_asked_for_and_tell_an_invented_table_from_the_real_one(chain):
    found = {name: measure.value for name, measure in read_measures(chain / "gb1_measures.csv").items()}
    assert set(found) == asked("gb1")
    assert found["rows_off"] == ROWS - 6000
    assert found["largest_fitness_error"] < 1e-9
    assert found["pool_error"] == POOL_ROWS - len(pool_of_doubles(landscape_of(chain), TASKS["gb1_default"]))


def test_a_row_that_occurs_twice_is_one_off(table, chain, tmp_path):
    text = table.read_text()
    doubled = tmp_path / "doubled.csv"
    doubled.write_text(text + text.splitlines()[-1] + "\n")
    measure_gb1(data=doubled, landscape=tmp_path / "landscape.npz", measures=tmp_path / "measures.csv")
    values = [read_measures(path)["rows_off"].value for path in (tmp_path / "measures.csv", chain / "gb1_measures.csv")]
    assert values[0] == values[1] + 1


def test_another_file_is_refused_by_name(tmp_path):
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"other\.csv: its first line is 'a,b'"):
        measure_gb1(data=file, landscape=tmp_path / "landscape.npz", measures=tmp_path / "measures.csv")


@pytest.mark.parametrize("task", GB1)
def test_a_base_set_is_drawn_from_its_pool(chain, task):
    landscape = landscape_of(chain)
    pool = pool_of_doubles(landscape, TASKS[task])
    measured = dict(zip(decoded(landscape.tokens(pool)), landscape.clipped[pool].tolist(), strict=True))
    drawn = rows(chain / f"{task.removeprefix('gb1_')}.csv")
    assert len({row["sequence"] for row in drawn}) == len(drawn) == 60
    assert all(measured[row["sequence"]] == float(row["score"]) for row in drawn)


def test_members_have_base_sets_of_their_own_and_all_rows_are_the_pool(chain, tmp_path):
    def draw(name, number, member, task: TaskName = "gb1_default"):
        landscape = chain / "landscape.npz"
        draw_base(rows=number, task=task, member=member, seed=0, landscape=landscape, base=tmp_path / f"{name}.csv")

    draw("again", 60, 0)
    draw("other", 60, 1)
    draw("all", 0, 0)
    assert (tmp_path / "again.csv").read_bytes() == (chain / "default.csv").read_bytes()
    assert (tmp_path / "other.csv").read_bytes() != (chain / "default.csv").read_bytes()
    pool = pool_of_doubles(landscape_of(chain), TASKS["gb1_default"])
    assert len(rows(tmp_path / "all.csv")) == len(pool)
    with pytest.raises(UserError, match=r"protein\.gb1_default\.rows = 6001 is more than the task's pool has"):
        draw("x", 6001, 0)
    with pytest.raises(UserError, match="task = aav_hard has a base set that is published"):
        draw("x", 5, 0, "aav_hard")


def test_oracles_are_saved_with_what_is_asked_of_them(chain):
    found = {name: measure.value for name, measure in read_measures(chain / "oracles_measures.csv").items()}
    assert asked("oracles") <= set(found)
    assert np.isfinite(list(found.values())).all()
    assert all(-1 <= found[name] <= 1 for name in found if name.startswith("agreement"))
    models = restored_oracles(read_groups(chain / "oracles.npz"))
    worst = max(abs(float(model.of_wild_type())) for model in models.values())
    assert found["largest_wild_type_error"] == pytest.approx(worst)
    groups = read_groups(chain / "predictions.npz")
    landscape = landscape_of(chain)
    assert len(groups["test"]["measured"]) == ((landscape.split == 2) & (landscape.inputs >= 100)).sum()


def test_training_again_gives_the_same_bytes(chain, tmp_path):
    train_gb1_oracles(
        settings=ORACLES, seed=0, landscape=chain / "landscape.npz", oracles=tmp_path / "oracles.npz",
        predictions=tmp_path / "predictions.npz", measures=tmp_path / "oracles_measures.csv", progress=silent,
    )  # fmt: skip
    for name in ("oracles.npz", "predictions.npz", "oracles_measures.csv"):
        assert (tmp_path / name).read_bytes() == (chain / name).read_bytes()


def test_a_predictor_is_ranked_on_what_its_substitutions_make(chain, tmp_path):
    base = rows(chain / "default.csv")
    tokens, scores = encoded([row["sequence"] for row in base]), np.array([float(row["score"]) for row in base])
    landscape = landscape_of(chain)
    fitted = fit_ridge(tokens, scores, landscape.wild_type, PredictorSettings(kind="ridge"), anchor=200.0)
    write_groups(tmp_path / "ridge.npz", saved(fitted))
    evaluate_predictor(
        task="gb1_default", member=3, landscape=chain / "landscape.npz", base=chain / "default.csv",
        predictor=tmp_path / "ridge.npz", quality=tmp_path / "quality.csv",
    )  # fmt: skip
    [row] = rows(tmp_path / "quality.csv")
    assert (row["task"], row["source"], row["member"]) == ("gb1_default", "own", "3")
    assert (row["predictor"], row["quantity"]) == ("unsmoothed", "predictor_rank_correlation")
    weights = np.asarray(fitted.weights).ravel()
    occurring = {int(20 * place + token) for one in tokens for place, token in enumerate(one)}
    pairs = [
        (float(landscape.clipped[number]), float(weights[list(both)].sum()))
        for number, both in enumerate(landscape.substitutions.tolist())
        if landscape.inputs[number] >= 100 and set(both) <= occurring
    ]
    assert 100 < len(pairs) < len(landscape.fitness) / 2
    expected: Any = spearmanr(np.array(pairs))
    # float32 sums in another order may swap neighbours
    assert float(row["value"]) == pytest.approx(expected.statistic, abs=1e-4)


def test_figures_are_drawn_from_the_tables(chain, aav, tmp_path):
    bases = [chain / f"{task}.csv" for task in ("default", "medium", "hard")]
    plot_landscapes(landscape=chain / "landscape.npz", bases=bases, **outputs(tmp_path, "gb1"))
    counts = rows(tmp_path / "gb1.csv")
    assert {row["set"] for row in counts} == {"measured", "gb1_default", "gb1_medium", "gb1_hard"}
    assert sum(int(row["rows"]) for row in counts if row["set"] == "gb1_medium") == 60
    plot_landscapes(landscape=chain / "landscape.npz", bases=bases[:1], aav=list(aav), **outputs(tmp_path, "both"))
    assert {row["landscape"] for row in rows(tmp_path / "both.csv")} == {"gb1", "aav"}
    plot_oracles(
        predictions=chain / "predictions.npz", measures=chain / "oracles_measures.csv", **outputs(tmp_path, "oracles")
    )
    panels = {row["panel"] for row in rows(tmp_path / "oracles.csv")}
    assert panels == {"phenotype", "epistasis", "perceptron", "agreement", "difference"}
    for name in ("gb1", "both", "oracles"):
        assert (tmp_path / f"{name}.png").stat().st_size < 500_000


def test_a_stranger_among_base_sets_is_refused(chain, aav, tmp_path):
    with pytest.raises(UserError, match="no base set of GB1"):
        plot_landscapes(landscape=chain / "landscape.npz", bases=[chain / "default.csv", _best(chain, tmp_path)],
                        **outputs(tmp_path, "x"))  # fmt: skip


def _best(chain, folder):
    landscape = landscape_of(chain)
    row = np.argmax(landscape.fitness)
    file = folder / "best.csv"
    file.write_text(f"sequence,score\n{decoded(landscape.tokens(np.array([row])))[0]},3.0\n")
    return file


@pytest.fixture(scope="module")
def aav(tmp_path_factory):
    """An invented ground truth of sequences of twelve residues, and base sets cut from it by other code."""
    rng = np.random.default_rng(1)
    tokens = rng.integers(0, 20, (600, 12), dtype=np.uint8)
    tokens[1] = tokens[0]
    scores = rng.uniform(0, 19.53645667061, 600).round(6)
    scores[:4] = 0, 19.53645667061, 5.5, 5.5
    tokens[3] = tokens[2]
    sequences = decoded(tokens)
    folder = tmp_path_factory.mktemp("aav")

    def write(name, chosen):
        file = folder / f"{name}.csv"
        lines = [f"{sequences[row]},{scores[row]}" for row in chosen]
        file.write_text("\n".join(["sequence,score", *lines, ""]))
        return file

    files = [write("ground_truth", range(600))]
    for name, low, high, gap in (("medium", 20, 40, 6), ("hard", 0, 30, 7)):
        ends = np.percentile(scores, (low, high, 99))
        best = tokens[scores >= ends[2]]
        kept = [
            row
            for row in range(600)
            if ends[0] <= scores[row] <= ends[1] and min((tokens[row] != one).sum() for one in best) >= gap
        ]
        files.append(write(name, reversed(kept)))
    return tuple(files)


def test_base_sets_of_aav_are_those_cut_by_hand(aav, tmp_path):
    ground_truth, medium, hard = aav
    bases = {"medium_base": tmp_path / "medium.csv", "hard_base": tmp_path / "hard.csv"}
    rebuild_aav(ground_truth=ground_truth, medium=medium, hard=hard, measures=tmp_path / "measures.csv", **bases)
    found = {name: measure.value for name, measure in read_measures(tmp_path / "measures.csv").items()}
    assert set(found) == asked("aav_tasks")
    assert found["hamming_mismatches"] == 0
    assert found["scale_error"] < 1e-9
    assert found["medium_repeated_rows"] == 2
    for ours, theirs in zip(bases.values(), (medium, hard), strict=True):
        assert rows(ours) == rows(theirs)[::-1]


def test_every_row_too_many_or_too_few_is_a_mismatch(aav, tmp_path):
    ground_truth, medium, hard = aav
    lines = medium.read_text().splitlines()
    other = tmp_path / "other.csv"
    # One row is left out, one is there twice.
    other.write_text("\n".join([lines[0], lines[1], *lines[1:-1], ""]))
    rebuild_aav(
        ground_truth=ground_truth, medium=other, hard=hard, medium_base=tmp_path / "m.csv",
        hard_base=tmp_path / "h.csv", measures=tmp_path / "measures.csv",
    )  # fmt: skip
    assert read_measures(tmp_path / "measures.csv")["hamming_mismatches"].value == 2


def test_a_table_without_scores_is_refused_by_name(aav, tmp_path):
    file = tmp_path / "letters.csv"
    file.write_text(f"sequence,fitness\n{ALPHABET},1\n")
    with pytest.raises(UserError, match=r"letters\.csv: no rows with sequence and score"):
        rebuild_aav(
            ground_truth=file, medium=aav[1], hard=aav[2], medium_base=tmp_path / "m.csv", hard_base=tmp_path / "h.csv",
            measures=tmp_path / "measures.csv",
        )  # fmt: skip
