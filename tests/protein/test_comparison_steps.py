"""Evaluation, comparison and figures, from designs, a landscape and oracles that are invented here."""

import csv
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.numerics.trees import named_arrays
from perspectives.protein.claims import CLAIMS, FINDINGS, LAWS
from perspectives.protein.landscapes import SCALES, Gb1
from perspectives.protein.methods import METHODS, headline_predictor
from perspectives.protein.oracles import GlobalEpistasis, PerceptronOracle
from perspectives.protein.published import PUBLISHED_SCORES
from perspectives.protein.sequences import decoded
from perspectives.protein.steps.compare_methods import compare_methods
from perspectives.protein.steps.evaluate_designs import evaluate_designs
from perspectives.protein.steps.plot_fitness import plot_fitness
from perspectives.protein.steps.plot_guidance_map import plot_guidance_map
from perspectives.protein.steps.plot_logos import most_mutated, mutation_shares, plot_logos
from perspectives.protein.steps.plot_methods import plot_methods
from perspectives.protein.steps.plot_models import plot_models
from perspectives.protein.steps.plot_step_counts import plot_step_counts
from perspectives.workbench.arrays import write_groups
from perspectives.workbench.errors import UserError
from perspectives.workbench.measures import read_measures
from perspectives.workbench.tables import write_rows

pytest.importorskip("rapidfuzz")

LENGTH = 55
WILD_TYPE = (np.arange(LENGTH) % 10).astype(np.uint8)
SCALE = SCALES["gb1"]


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def doubles(number, seed):
    rng = np.random.default_rng(seed)
    positions = np.sort(np.array([rng.choice(LENGTH, 2, replace=False) for _ in range(number)]), axis=1)
    residues = 10 + rng.integers(0, 10, (number, 2))
    tokens = np.tile(WILD_TYPE, (number, 1))
    np.put_along_axis(tokens, positions, residues.astype(np.uint8), axis=1)
    return positions.astype(np.uint8), residues.astype(np.uint8), tokens


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The folder with a landscape of sixty doubles, a base set of the first thirty, and oracles not trained."""
    folder = tmp_path_factory.mktemp("world")
    positions, residues, tokens = doubles(60, 0)
    fitness = np.random.default_rng(1).normal(-1, 1, 60)
    counts = np.full(60, 500, np.int32)
    landscape = Gb1(WILD_TYPE, positions, residues, fitness, counts, counts, np.zeros(60, np.uint8))
    write_groups(folder / "landscape.npz", {"gb1": landscape._asdict()})
    base = zip(decoded(tokens[:30]), fitness[:30].tolist(), strict=True)
    write_rows(folder / "base.csv", [{"sequence": sequence, "score": score} for sequence, score in base])
    epistasis = GlobalEpistasis(LENGTH)
    effects = jnp.asarray(np.random.default_rng(2).normal(0, 0.5, (LENGTH, 20)), jnp.float32)
    epistasis = jax.tree.map(lambda leaf: effects if leaf.shape == effects.shape else leaf, epistasis)
    oracles = {"epistasis": epistasis, "perceptron": PerceptronOracle(WILD_TYPE, key=jax.random.key(0))}
    write_groups(folder / "oracles.npz", {name: named_arrays(oracle) for name, oracle in oracles.items()})
    return folder, tokens, fitness, epistasis


def designs_table(path, tokens, methods, keep):
    """Write the same sequences for every method but in an order of its own."""
    found = []
    for number, method in enumerate(methods):
        for place, sequence in enumerate(decoded(np.roll(tokens, -3 * number, axis=0))):
            row = {"method": method, "sequence": sequence, "predicted": -place, "selected": int(place < keep)}
            found.append(row | {"drawn": 80})
    write_rows(path, found)


@pytest.fixture(scope="module")
def evaluated(world):
    """Evaluations of two members: forty measured sequences and the wild type, twenty of them selected."""
    folder, tokens, *_ = world
    everything = np.concatenate([tokens[20:], WILD_TYPE[None]])
    methods = ["prior", "guided", "guided_new_time", "guided_ode", "mean_codes", "plain_gradient"]
    designs_table(folder / "samples.csv", everything, methods, 20)
    searches = ["evolution", "gibbs", "gibbs_inverted", "exhaustive"]
    for member in range(2):
        designs_table(folder / "searches.csv", np.roll(everything, member, axis=0), searches, 20)
        evaluate_designs(
            task="gb1_default", source="own", predictor="unsmoothed", member=member, base=folder / "base.csv",
            oracles=folder / "oracles.npz", designs=[folder / "samples.csv", folder / "searches.csv"],
            landscape=folder / "landscape.npz", table=folder / f"evaluation_{member}.csv",
            scores=folder / f"scores_{member}.csv",
        )  # fmt: skip
    return folder


def test_a_row_of_the_evaluation_is_worked_out(world, evaluated):
    folder, tokens, fitness, epistasis = world
    found = {row["method"]: row for row in rows(folder / "evaluation_0.csv")}
    guided = {name: float(value) for name, value in found["guided"].items() if is_number(value)}
    selected = tokens[20:][3:23]
    one_hot = jax.nn.one_hot(selected, 20)
    assert guided["fitness"] == pytest.approx(np.median(SCALE.scaled(np.asarray(epistasis(one_hot)))), abs=1e-5)
    assert guided["measured"] == 20
    assert guided["measured_fitness"] == pytest.approx(np.median(SCALE.scaled(fitness[23:43])))
    assert guided["unique_share"] == pytest.approx(41 / 80)
    assert guided["designs"] == 20
    assert guided["near_wild_type_share"] == 0
    assert guided["best_of_base"] == pytest.approx(SCALE.scaled(fitness[:30].max()))
    in_base = 7  # rows 23 to 29 are in the base set, so that the median of distances is that of the others
    assert in_base < 10 <= guided["designs"] / 2
    assert guided["novelty"] >= 2


def is_number(value):
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def test_the_wild_type_is_measured_and_near_itself(world, evaluated, tmp_path):
    folder, *_ = world
    designs_table(tmp_path / "designs.csv", WILD_TYPE[None], ["guided"], 1)
    evaluate_designs(
        task="gb1_default", source="own", predictor="unsmoothed", member=0, base=folder / "base.csv",
        oracles=folder / "oracles.npz", designs=[tmp_path / "designs.csv"], landscape=folder / "landscape.npz",
        table=tmp_path / "table.csv", scores=tmp_path / "scores.csv",
    )  # fmt: skip
    (row,) = rows(tmp_path / "table.csv")
    assert float(row["near_wild_type_share"]) == 1
    assert float(row["measured_fitness"]) == pytest.approx(SCALE.scaled(0.0))
    assert row["diversity"] == ""
    assert float(row["novelty"]) == 2


def test_scores_have_a_row_a_design_and_a_row_of_the_base_set(evaluated):
    found = rows(evaluated / "scores_0.csv")
    assert len(found) == 10 * 41 + 30
    of_base = [row for row in found if row["method"] == "base_set"]
    assert len(of_base) == 30
    assert all(row["measured_fitness"] for row in of_base)


def qualities(folder):
    path = folder / "quality.csv"
    arm = {"task": "gb1_default", "source": "own", "predictor": ""}
    values = {
        "predictor_rank_correlation": (0.9, 0.8), "mutation_recall": (0.7, 0.6), "token_accuracy": (0.9, 0.7),
        "exact": (0.1, 0.2), "smoothing_residual": (1e-9, 1e-8), "smoothing_energy_ratio": (0.3, 0.4),
    }  # fmt: skip
    write_rows(
        path,
        [
            {**arm, "member": member, "quantity": name, "value": of_members[member]}
            for name, of_members in values.items()
            for member in range(2)
        ],
    )
    return path


@pytest.fixture(scope="module")
def compared(evaluated):
    compare_methods(
        task="gb1_default", evaluations=[evaluated / f"evaluation_{member}.csv" for member in range(2)],
        qualities=[qualities(evaluated)], table=evaluated / "gb1_default.csv",
        measures=evaluated / "gb1_default_measures.csv",
    )  # fmt: skip
    return read_measures(evaluated / "gb1_default_measures.csv")


def asked(table):
    items = (*CLAIMS, *LAWS, *FINDINGS)
    return {item.quantity.partition(":")[2] for item in items if item.quantity.startswith(f"{table}:")}


def test_measures_are_those_that_the_ledger_asks_of_gb1(compared):
    assert asked("gb1_default") <= set(compared)
    assert asked("gb1_medium") | asked("gb1_hard") <= set(compared)


def test_measures_are_worked_out_from_the_evaluations(evaluated, compared):
    tables = [{row["method"]: row for row in rows(evaluated / f"evaluation_{member}.csv")} for member in range(2)]

    def of(method, column):
        return np.array([float(table[method][column]) for table in tables])

    gains = of("guided", "fitness") - of("prior", "fitness_all")
    assert compared["smallest_guidance_gain"].value == pytest.approx(gains.min())
    assert compared["unsmoothed_guidance_gain"].value == pytest.approx(gains.mean())
    others = of("guided", "other_fitness") - of("prior", "other_fitness_all")
    assert compared["smallest_guidance_gain_perceptron"].value == pytest.approx(others.min())
    lead = of("guided", "fitness") - of("evolution", "fitness")
    assert compared["unsmoothed_lead_evolution"].value == pytest.approx(lead.mean())
    assert compared["unsmoothed_lead_evolution"].seeds == 2
    assert compared["unsmoothed_lead_evolution"].ci_low is not None
    measured = of("guided", "measured_fitness") - SCALE.scaled(0.0)
    assert compared["smallest_measured_gain"].value == pytest.approx(measured.min())
    assert compared["smallest_measured_gain"].ci_low is None
    assert compared["smallest_predictor_rank_correlation"].value == 0.8
    assert compared["smallest_mutation_recall"].value == 0.6
    assert compared["token_accuracy"].value == pytest.approx(0.8)
    assert compared["smoothing_residual"].value == 1e-8
    assert compared["smoothing_energy_ratio"].value == 0.4


def test_the_table_has_means_and_deviations_over_seeds(evaluated, compared):
    found = {row["method"]: row for row in rows(evaluated / "gb1_default.csv")}
    assert set(found) <= set(METHODS)
    values = [
        next(float(row["fitness"]) for row in rows(evaluated / f"evaluation_{m}.csv") if row["method"] == "evolution")
        for m in range(2)
    ]
    assert float(found["evolution"]["fitness"]) == pytest.approx(np.mean(values), rel=1e-6)
    assert float(found["evolution"]["fitness_deviation"]) == pytest.approx(np.std(values), rel=1e-5)


# --- Comparisons from evaluations that are written by hand

COLUMNS = (
    "drawn", "unique", "unique_share", "designs", "fitness", "fitness_all", "other_fitness", "other_fitness_all",
    "disagreement", "measured_fitness", "measured", "measured_share", "near_wild_type_share", "mutations", "diversity",
    "novelty", "best_of_base",
)  # fmt: skip


def evaluation(path, task, arms, fitness, *, measured=0):
    """Write evaluations of `fitness[method]` for each of `arms`, (source, predictor, member)."""
    found = []
    for source, predictor, member in arms:
        for method, value in fitness.items():
            row = {"task": task, "source": source, "member": member, "predictor": predictor, "method": method}
            numbers = dict.fromkeys(COLUMNS, 1.0) | {
                "fitness": value + 0.1 * member, "fitness_all": value, "other_fitness": value, "best_of_base": 0.25,
                "measured": measured, "measured_fitness": value, "diversity": 4.0, "novelty": 6.0, "unique_share": 0.5,
            }  # fmt: skip
            found.append(row | numbers)
    write_rows(path, found)
    return path


FITNESS = {"guided": 0.5, "prior": 0.2, "guided_new_time": 0.45, "evolution": 0.3, "gibbs": 0.4}


@pytest.mark.parametrize("task", ["aav_medium", "aav_hard", "gfp_medium", "gfp_hard"])
def test_measures_are_those_that_the_ledger_asks_of_tasks_with_released_models(task, tmp_path):
    arms = [(s, p, m) for s in ("own", "released") for p in ("unsmoothed", "smoothed") for m in range(3)]
    (tmp_path / "quality.csv").write_text(
        f"task,source,member,predictor,quantity,value\n{task},own,0,,token_accuracy,0.9\n"
    )
    compare_methods(
        task=task, evaluations=[evaluation(tmp_path / "e.csv", task, arms, FITNESS)],
        qualities=[tmp_path / "quality.csv"], table=tmp_path / "t.csv", measures=tmp_path / "m.csv",
    )  # fmt: skip
    found = read_measures(tmp_path / "m.csv")
    assert asked(task) <= set(found)
    for arm in ("own_unsmoothed", "released_smoothed"):
        assert found[f"{arm}_fitness"].value == pytest.approx(0.6)
        assert found[f"{arm}_fitness"].ci_low is None
        assert found[f"{arm}_guidance_gain"].value == pytest.approx(0.4)
        lead = found[f"{arm}_lead"]
        assert lead.value == pytest.approx(0.1), "less the better of evolution and Gibbs"
        assert lead.ci_low == pytest.approx(0.1), "the same for each seed"
        best = found[f"{arm}_gain_on_best"]
        assert best.value == pytest.approx(0.35)
        half = 4.302653 * 0.1 / np.sqrt(3)  # Student's quantile with two degrees of freedom
        assert best.ci_high == pytest.approx(0.35 + half, rel=1e-5)
    assert found["released_smoothed_new_time_less_old"].value == pytest.approx(-0.05)


def test_with_one_seed_an_interval_has_no_ends_and_with_few_measured_designs_nothing_is_decided(tmp_path):
    arms = [("own", "unsmoothed", 0)]
    (tmp_path / "q.csv").write_text("task,source,member,predictor,quantity,value\n")

    def measures(measured):
        compare_methods(
            task="gb1_medium", qualities=[tmp_path / "q.csv"], table=tmp_path / "t.csv", measures=tmp_path / "m.csv",
            evaluations=[evaluation(tmp_path / "e.csv", "gb1_medium", arms, FITNESS, measured=measured)],
        )  # fmt: skip
        return read_measures(tmp_path / "m.csv")

    few, enough = measures(14), measures(15)
    assert few["unsmoothed_lead"].ci_low == -math.inf
    assert few["unsmoothed_lead"].ci_high == math.inf
    assert few["smallest_measured_gain"].ci_low == -math.inf
    assert enough["smallest_measured_gain"].ci_low is None
    assert enough["method_rank_agreement"].value == pytest.approx(1)
    assert math.isnan(few["method_rank_agreement"].value)


def test_a_method_that_is_missing_is_named(tmp_path):
    (tmp_path / "q.csv").write_text("task,source,member,predictor,quantity,value\n")
    fitness = {method: value for method, value in FITNESS.items() if method != "gibbs"}
    with pytest.raises(UserError, match="aav_hard, own, smoothed: no designs of gibbs were evaluated"):
        compare_methods(
            task="aav_hard", qualities=[tmp_path / "q.csv"], table=tmp_path / "t.csv", measures=tmp_path / "m.csv",
            evaluations=[evaluation(tmp_path / "e.csv", "aav_hard", [("own", "smoothed", 0)], fitness)],
        )  # fmt: skip


def test_the_predictor_of_a_task_is_the_papers_best_where_it_is_run():
    assert headline_predictor("aav_medium", ["smoothed", "unsmoothed"]) == "unsmoothed"
    assert headline_predictor("aav_hard", ["unsmoothed", "smoothed"]) == "smoothed"
    assert headline_predictor("aav_hard", ["unsmoothed"]) == "unsmoothed"


def test_published_values_are_the_ledgers_and_name_methods_that_exist():
    found = {(score.task, score.name, score.predictor): score for score in PUBLISHED_SCORES}
    assert len(found) == len(PUBLISHED_SCORES)
    assert {score.method for score in PUBLISHED_SCORES} - {None} <= set(METHODS)
    assert found["aav_medium", "VLGPO", "unsmoothed"].fitness == 0.58
    hard = found["aav_hard", "VLGPO", "smoothed"]
    assert (hard.fitness, hard.diversity, hard.novelty) == (0.61, 4.29, 6.2)
    assert found["gfp_hard", "VLGPO", "smoothed"].recalled


# --- Figures


def outputs(folder, name):
    return {kind: folder / f"{name}.{kind}" for kind in ("png", "pdf", "csv")}


def drawn(folder, name):
    assert 1000 < (folder / f"{name}.png").stat().st_size < 500_000
    assert (folder / f"{name}.pdf").stat().st_size > 1000
    return rows(folder / f"{name}.csv")


def test_figures_of_designs_are_drawn_from_the_tables(evaluated, compared, tmp_path):
    plot_fitness(scores=[evaluated / "scores_0.csv"], **outputs(tmp_path, "fitness"))
    found = drawn(tmp_path, "fitness")
    for part in {row["part"] for row in found}:
        bars = [{name: float(row[name]) for name in ("low", "high", "density")} for row in found if row["part"] == part]
        area = sum(bar["density"] * (bar["high"] - bar["low"]) for bar in bars)
        assert area == pytest.approx(1), "a density, of all designs"

    plot_methods(tables=[evaluated / "gb1_default.csv"], **outputs(tmp_path, "methods"))
    assert {row["source"] for row in drawn(tmp_path, "methods")} == {"own"}

    plot_logos(scores=[evaluated / "scores_0.csv"], bases=[evaluated / "base.csv"], **outputs(tmp_path, "logos"))
    rows = drawn(tmp_path, "logos")
    assert sum(float(row["share"]) for row in rows) == pytest.approx(55), "one a position"
    shares = [float(row["share"]) for row in rows if row["residue"] != row["reference"]]
    assert sum(shares) == pytest.approx(2), "two mutations a design"


def test_published_values_are_drawn_where_there_are_some(tmp_path):
    arms = [(s, p, m) for s in ("own", "released") for p in ("unsmoothed", "smoothed") for m in range(2)]
    (tmp_path / "q.csv").write_text("task,source,member,predictor,quantity,value\n")
    compare_methods(
        task="aav_hard", evaluations=[evaluation(tmp_path / "e.csv", "aav_hard", arms, FITNESS)],
        qualities=[tmp_path / "q.csv"], table=tmp_path / "aav_hard.csv", measures=tmp_path / "m.csv",
    )  # fmt: skip
    plot_methods(tables=[tmp_path / "aav_hard.csv"], **outputs(tmp_path, "methods"))
    found = drawn(tmp_path, "methods")
    assert {row["known"] for row in found if row["source"] == "published"} == {"stated", "recalled"}


def test_maps_and_lines_are_drawn_from_their_tables(tmp_path):
    names = {"task": "gb1_default", "source": "own", "member": 0, "predictor": "unsmoothed"}
    numbers = {"fitness": 0.7, "diversity": 3.0, "designs": 8, "unique": 20, "unique_share": 0.4}
    grid = [
        {**names, "strength": strength, "inner": inner, "steps": 32, **numbers, "configured": int(strength == inner)}
        for strength in (3.0, 10.0)
        for inner in (3, 9)
    ]
    write_rows(tmp_path / "strengths.csv", grid)
    write_rows(tmp_path / "one.csv", grid[:1])
    plot_guidance_map(strengths=[tmp_path / "strengths.csv", tmp_path / "one.csv"], **outputs(tmp_path, "map"))
    assert len(drawn(tmp_path, "map")) == 5
    line = [{**names, "strength": 10, "inner": 2, "steps": k, **numbers, "configured": int(k == 8)} for k in (4, 8, 16)]
    write_rows(tmp_path / "steps.csv", line)
    plot_step_counts(steps=[tmp_path / "steps.csv"], **outputs(tmp_path, "steps"))
    assert len(drawn(tmp_path, "steps")) == 3


@pytest.mark.parametrize("with_released", [False, True])
def test_models_are_drawn_with_and_without_the_released_ones(tmp_path, with_released):
    released = None
    if with_released:
        released = tmp_path / "released_measures.csv"
        released.write_text(
            "quantity,value,ci_low,ci_high,seeds\nlargest_predictor_difference,1e-6,,,1\n"
            "largest_generator_difference,6e-5,,,1\naav_medium_token_accuracy,0.925,,,1\n"
        )
    plot_models(qualities=[qualities(tmp_path)], released=released, **outputs(tmp_path, "models"))
    found = drawn(tmp_path, "models")
    assert len([row for row in found if row["source"] == "own"]) == 8
    assert len([row for row in found if row["source"] == "released"]) == (3 if with_released else 0)


def test_shares_of_mutations_leave_the_reference_out():
    tokens = np.array([[0, 1], [0, 2], [3, 1], [0, 1]], np.uint8)
    shares = mutation_shares(tokens, np.array([0, 1], np.uint8))
    assert shares[0, 3] == shares[1, 2] == 0.25
    assert shares.sum() == 0.5
    np.testing.assert_array_equal(most_mutated(np.array([[0.1], [0.5], [0.3]]) * np.ones(20), 2), [1, 2])
