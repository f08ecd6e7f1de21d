"""Smoothing, sampling, searches and maps of guidance at the smoke preset's sizes; base set and models are invented."""

import csv
from pathlib import Path

import jax
import numpy as np
import pytest

from perspectives.numerics.progress import silent
from perspectives.numerics.trees import named_arrays
from perspectives.protein.autoencoders import PerceptronAutoencoder
from perspectives.protein.models import saved
from perspectives.protein.oracles import GlobalEpistasis, PerceptronOracle
from perspectives.protein.ridge import fit_ridge
from perspectives.protein.sequences import decoded, encoded
from perspectives.protein.settings import PredictorSettings, TaskName
from perspectives.protein.steps.map_guidance import map_guidance
from perspectives.protein.steps.sample_designs import sample_designs
from perspectives.protein.steps.search_designs import search_designs
from perspectives.protein.steps.smooth_fitness import smooth_fitness
from perspectives.protein.velocities import velocity_for
from perspectives.suite.settings import resolve
from perspectives.workbench.arrays import write_groups

SETTINGS = resolve({"preset": "smoke"}, Path(__file__).parents[2] / "workflow" / "presets").protein.gb1_default
SAMPLING = SETTINGS.sampling
SEARCH = SETTINGS.search.model_copy(update={"refits": 2})
LENGTH, LATENT = 55, SETTINGS.autoencoder.latent
WILD_TYPE = (np.arange(LENGTH) % 10).astype(np.uint8)
ARM = {"source": "own", "predictor": "unsmoothed", "member": 0}


def base_rows(rng):
    """Doubles of four residues a position, as many as the preset has, and scores: a sum of effects, and noise."""
    tokens = np.tile(WILD_TYPE, (SETTINGS.rows or 1, 1))
    effects = rng.normal(-1, 1, (LENGTH, 20))
    for row in tokens:
        row[rng.choice(LENGTH, 2, replace=False)] = 10 + rng.integers(0, 4, 2)
    changed = tokens != WILD_TYPE
    scores = np.where(changed, effects[np.arange(LENGTH), tokens], 0).sum(1)
    return tokens, scores + rng.normal(0, 0.1, len(tokens))


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The folder with a base set, models that were not trained, and a ridge regression that was."""
    folder = tmp_path_factory.mktemp("protein")
    tokens, scores = base_rows(np.random.default_rng(0))
    lines = [f"{sequence},{score}" for sequence, score in zip(decoded(tokens), scores, strict=True)]
    (folder / "base.csv").write_text("\n".join(["sequence,score", *lines, ""]))
    keys = jax.random.split(jax.random.key(0), 4)
    write_groups(folder / "autoencoder.npz", saved(PerceptronAutoencoder(LENGTH, LATENT, key=keys[0])))
    for name, key in (("prior", keys[1]), ("mean_prior", keys[2])):
        write_groups(folder / f"{name}.npz", saved(velocity_for(SETTINGS.prior, latent=LATENT, key=key)))
    write_groups(
        folder / "unsmoothed.npz",
        saved(fit_ridge(tokens, scores, WILD_TYPE, PredictorSettings(kind="ridge"), anchor=200.0)),
    )
    oracles = {"epistasis": GlobalEpistasis(LENGTH), "perceptron": PerceptronOracle(WILD_TYPE, key=keys[3])}
    write_groups(folder / "oracles.npz", {name: named_arrays(oracle) for name, oracle in oracles.items()})
    return folder


def files(models, *names):
    return {name: models / f"{name}.{'csv' if name == 'base' else 'npz'}" for name in names}


def sample(models, designs, task: TaskName = "gb1_default", **options):
    sample_designs(
        settings=SETTINGS, task=task, seed=0, designs=designs, predictor_weights=models / "unsmoothed.npz",
        progress=silent, **files(models, "base", "autoencoder", "prior"), **ARM, **options,
    )  # fmt: skip
    return rows(designs)


@pytest.fixture(scope="module")
def samples(models):
    return sample(models, models / "samples.csv", mean_prior=models / "mean_prior.npz")


@pytest.fixture(scope="module")
def searches(models):
    designs = models / "searches.csv"
    search_designs(
        settings=SETTINGS.model_copy(update={"search": SEARCH}), task="gb1_default", seed=0, designs=designs,
        predictor_weights=models / "unsmoothed.npz", progress=silent, **files(models, "base", "autoencoder"), **ARM,
    )  # fmt: skip
    return rows(designs)


def of(found, method):
    return [row for row in found if row["method"] == method]


def test_all_methods_of_sampling_are_there_with_different_designs_best_first(samples):
    methods = list(dict.fromkeys(row["method"] for row in samples))
    assert methods == [
        "prior", "guided", "guided_new_time", "plain_gradient", "latent_ascent", "guided_ode", "mean_codes",
    ]  # fmt: skip
    for method in methods:
        found = of(samples, method)
        assert {row["drawn"] for row in found} == {str(SAMPLING.samples)}
        assert len({row["sequence"] for row in found}) == len(found) <= SAMPLING.samples
        predicted = [float(row["predicted"]) for row in found]
        assert predicted == sorted(predicted, reverse=True)
        selected = [row["selected"] == "1" for row in found]
        assert selected == [place < SAMPLING.keep for place in range(len(found))]


def test_predictions_are_those_of_the_ridge_regression_and_guidance_raises_them(models, samples):
    tokens, scores = base_rows(np.random.default_rng(0))
    ridge = fit_ridge(tokens, scores, WILD_TYPE, PredictorSettings(kind="ridge"), anchor=200.0)
    found = of(samples, "guided")
    one_hot = jax.nn.one_hot(encoded([row["sequence"] for row in found]), 20)
    np.testing.assert_allclose([float(row["predicted"]) for row in found], ridge(one_hot), rtol=1e-5, atol=1e-5)
    means = {name: np.mean([float(row["predicted"]) for row in of(samples, name)]) for name in ("prior", "guided")}
    assert means["guided"] > means["prior"]


def test_sampling_again_gives_the_same_bytes_and_without_the_ablation_the_same_designs(models, samples, tmp_path):
    again = sample(models, tmp_path / "again.csv", mean_prior=models / "mean_prior.npz")
    assert (tmp_path / "again.csv").read_bytes() == (models / "samples.csv").read_bytes()
    without = sample(models, tmp_path / "without.csv")
    assert without == [row for row in again if row["method"] != "mean_codes"]


def test_searches_keep_to_budget_space_and_number_of_designs(searches):
    methods = list(dict.fromkeys(row["method"] for row in searches))
    assert methods == [
        "base", "mutants", "evolution", "frontier", "gibbs", "gibbs_inverted", "cbas", "exhaustive",
    ]  # fmt: skip
    tokens, _ = base_rows(np.random.default_rng(0))
    seen = np.zeros((LENGTH, 20), bool)
    seen[np.arange(LENGTH), tokens] = True
    for method in methods:
        found = of(searches, method)
        assert 0 < len(found) <= SAMPLING.keep
        assert {row["selected"] for row in found} == {"1"}
        assert len({row["sequence"] for row in found}) == len(found)
        designs = encoded([row["sequence"] for row in found])
        assert ((designs != WILD_TYPE).sum(1) <= 2).all()
        assert seen[np.arange(LENGTH), designs].all()
        drawn = {int(row["drawn"]) for row in found}
        assert len(drawn) == 1
        if method not in ("base", "exhaustive"):
            assert drawn.pop() <= SEARCH.calls


def test_no_search_finds_more_than_predicting_everything_does(searches):
    predicted = {
        method: [float(row["predicted"]) for row in of(searches, method)]
        for method in ("base", "mutants", "evolution", "frontier", "gibbs", "exhaustive")
    }
    assert max(map(max, predicted.values())) <= max(predicted["exhaustive"]) + 1e-4  # float32 sums in another order
    for method in ("evolution", "frontier"):
        assert np.mean(predicted[method]) > np.mean(predicted["base"]), "they begin with the base set's best"


def test_the_best_of_the_base_set_are_by_measurement(models, searches):
    measured = {row["sequence"]: float(row["score"]) for row in rows(models / "base.csv")}
    best = sorted(measured.values(), reverse=True)[: SAMPLING.keep]
    assert [measured[row["sequence"]] for row in of(searches, "base")] == pytest.approx(best)


def test_elsewhere_than_on_gb1_nothing_is_exhaustive_inverted_or_an_ode(models, tmp_path):
    assert "guided_ode" not in {row["method"] for row in sample(models, tmp_path / "samples.csv", task="aav_medium")}
    search_designs(
        settings=SETTINGS, task="aav_medium", seed=0, designs=tmp_path / "d.csv",
        predictor_weights=models / "unsmoothed.npz", progress=silent, **files(models, "base", "autoencoder"), **ARM,
    )  # fmt: skip
    methods = {row["method"] for row in rows(tmp_path / "d.csv")}
    assert methods == {"base", "mutants", "evolution", "frontier", "gibbs"}


def test_the_map_has_every_pair_and_the_line_every_count(models, tmp_path):
    def run(settings):
        map_guidance(
            settings=settings, task="gb1_default", seed=0, predictor_weights=models / "unsmoothed.npz",
            strengths=tmp_path / "strengths.csv", steps=tmp_path / "steps.csv", progress=silent,
            **files(models, "base", "autoencoder", "prior", "oracles"), **ARM,
        )  # fmt: skip
        return rows(tmp_path / "strengths.csv"), rows(tmp_path / "steps.csv")

    strengths, steps = run(SETTINGS)
    assert [(row["strength"], row["inner"]) for row in strengths] == [("3", "1"), ("3", "2"), ("10", "1"), ("10", "2")]
    assert [row["configured"] for row in strengths] == ["0", "0", "0", "1"]
    assert [(row["steps"], row["configured"]) for row in steps] == [("2", "0"), ("4", "1")]
    same = ("fitness", "diversity", "designs", "unique")
    assert [strengths[3][name] for name in same] == [steps[1][name] for name in same], "one point is on both"

    bare = SAMPLING.model_copy(update={"strengths": (), "inners": (), "step_counts": ()})
    strengths, steps = run(SETTINGS.model_copy(update={"sampling": bare}))
    assert len(strengths) == len(steps) == 1
    assert [strengths[0][name] for name in same] == [steps[0][name] for name in same]


def test_smoothed_fitness_has_a_row_a_node_and_solves_its_equation(models, tmp_path):
    smooth_fitness(
        settings=SETTINGS.smoothing, predictor_settings=SETTINGS.predictor, task="gb1_default", member=0, seed=0,
        base=models / "base.csv", predictor=models / "unsmoothed.npz", smoothed=tmp_path / "smoothed.csv",
        quality=tmp_path / "quality.csv",
    )  # fmt: skip
    found = rows(tmp_path / "smoothed.csv")
    assert list(found[0]) == ["sequence", "score"]
    assert len({row["sequence"] for row in found}) == SETTINGS.smoothing.nodes
    known = set("".join(row["sequence"] for row in rows(models / "base.csv")))
    assert set("".join(row["sequence"] for row in found)) <= known, "what the ridge never saw is not on its graph"
    quality = {row["quantity"]: float(row["value"]) for row in rows(tmp_path / "quality.csv")}
    assert quality["smoothing_residual"] < 1e-7
    assert 0 < quality["smoothing_energy_ratio"] < 1
    assert rows(tmp_path / "quality.csv")[0] | {"value": ""} == {
        "task": "gb1_default", "source": "own", "member": "0", "predictor": "unsmoothed",
        "quantity": "smoothing_residual", "value": "",
    }  # fmt: skip
