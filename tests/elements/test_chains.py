import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from jax.scipy.special import logsumexp

from perspectives.elements import chains
from perspectives.elements.claims import CLAIMS
from perspectives.elements.relaxed_maxima import RELAXATIONS
from perspectives.elements.settings import ChainSettings
from perspectives.elements.steps.measure_chains import measure_chains
from perspectives.elements.steps.plot_chains import plot_chains
from perspectives.workbench.measures import read_measures

STATES, NODES = 3, 4


@pytest.fixture(scope="module")
def potentials():
    return np.asarray(jax.random.normal(jax.random.key(3), (NODES, STATES, STATES)))


@pytest.fixture(scope="module")
def brute_force(potentials):
    """Paths and their scores by plain loops."""
    found = {}
    for path in itertools.product(range(STATES), repeat=NODES):
        score = potentials[0, 0, path[0]]
        for k in range(1, NODES):
            score += potentials[k, path[k - 1], path[k]]
        found[path] = score
    return found


@pytest.fixture(scope="module")
def masses(potentials):
    def all_of(potentials):
        return {name: chains.transitions(potentials, one.maximum) for name, one in RELAXATIONS.items()}

    return jax.tree.map(np.array, jax.jit(all_of)(potentials))


def test_scores_are_those_of_plain_loops(potentials, brute_force):
    all_paths = chains.paths(STATES, NODES)
    assert [tuple(path) for path in all_paths.tolist()] == list(brute_force)
    np.testing.assert_allclose(
        chains.scores(potentials, all_paths), list(brute_force.values()), atol=1e-14
    )  # sums of four


def test_soft_gradient_has_the_marginals(masses, brute_force):
    total = math.fsum(math.exp(score) for score in brute_force.values())
    expected = np.zeros((NODES, STATES, STATES))
    for path, score in brute_force.items():
        expected[0, 0, path[0]] += math.exp(score) / total
        for k in range(1, NODES):
            expected[k, path[k - 1], path[k]] += math.exp(score) / total
    np.testing.assert_allclose(masses["soft"], expected, atol=1e-14)  # 81 terms
    enumerated = chains.enumerated_transitions(
        np.exp(list(brute_force.values())) / total, chains.paths(STATES, NODES), STATES
    )
    np.testing.assert_allclose(enumerated, expected, atol=1e-14)


def test_hard_gradient_marks_the_best_path(masses, brute_force):
    best = max(brute_force, key=brute_force.__getitem__)
    expected = np.zeros((NODES, STATES, STATES))
    expected[0, 0, best[0]] = 1
    for k in range(1, NODES):
        expected[k, best[k - 1], best[k]] = 1
    assert (masses["hard"] == expected).all()


@pytest.mark.parametrize("name", RELAXATIONS)
def test_gradients_are_backtracked_flows_of_mass_one(potentials, masses, name):
    found = masses[name]
    backtracked = chains.backtracked(jnp.asarray(potentials), RELAXATIONS[name])
    np.testing.assert_allclose(found, backtracked, atol=1e-14)
    np.testing.assert_allclose(found[1].sum(axis=1), found[0, 0], atol=1e-14)  # what enters a state leaves it
    for k in range(2, NODES):
        np.testing.assert_allclose(found[k].sum(axis=1), found[k - 1].sum(axis=0), atol=1e-14)
    probabilities = chains.path_probabilities(found, chains.paths(STATES, NODES))
    assert probabilities.sum() == pytest.approx(1, abs=1e-13)


def test_soft_chain_is_the_gibbs_distribution_and_its_entropy_the_identity_s(potentials, masses, brute_force):
    scores = np.array(list(brute_force.values()))
    gibbs = np.exp(scores - np.log(np.exp(scores).sum()))
    found = chains.path_probabilities(masses["soft"], chains.paths(STATES, NODES))
    np.testing.assert_allclose(found, gibbs, rtol=1e-12)
    value = float(chains.value(jnp.asarray(potentials), logsumexp))
    assert chains.entropy(gibbs) == pytest.approx(value - np.sum(masses["soft"] * potentials), abs=1e-13)


def test_parallel_recursion_is_the_sequential_one_for_associative_maxima_only(potentials):
    def difference(theta, maximum):
        return jnp.abs(chains.value_in_parallel(theta, maximum) - chains.value(theta, maximum))

    maxima = {name: one.maximum for name, one in RELAXATIONS.items()}
    differences = jax.jit(lambda theta: {name: difference(theta, one) for name, one in maxima.items()})(potentials)
    assert max(differences["soft"], differences["hard"]) < 1e-13
    assert differences["sparse"] > 1e-3


def test_chains_are_measured_drawn_and_repeatable(tmp_path):
    settings = ChainSettings(states=3, length=4)
    contents = []
    for run in ("one", "other"):
        paths = {name: tmp_path / f"{run}_{name}.csv" for name in ("transitions", "temperatures", "measures")}
        measure_chains(settings=settings, seed=0, **paths)
        contents.append([path.read_bytes() for path in paths.values()])
    assert contents[0] == contents[1]
    measures = read_measures(paths["measures"])
    assert all(math.isfinite(measure.value) for measure in measures.values())
    for claim in CLAIMS:
        table, quantity = claim.quantity.split(":")
        if table == "chains":
            assert claim.criterion.holds(measures[quantity].value), claim.id
    assert measures["sparse_paths_of_projection"].value < measures["paths"].value == 81
    figure = {kind: tmp_path / f"figure.{kind}" for kind in ("png", "pdf", "csv")}
    plot_chains(transitions=paths["transitions"], temperatures=paths["temperatures"], **figure)
    assert all(path.stat().st_size > 1000 for path in figure.values())
    heated = pd.read_csv(paths["temperatures"]).query("recursion == 'soft'")
    assert heated["entropy"].is_monotonic_increasing
    assert heated["entropy"].iloc[-1] == pytest.approx(4 * math.log(3), rel=0.01)
