"""Measure inference on chains by soft, hard and sparse recursions, against sums over all paths."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax.scipy.special import logsumexp
from jaxtyping import Array
from optax.projections import projection_simplex
from scipy.special import logsumexp as sum_of_exponentials

from perspectives.elements import chains
from perspectives.elements.relaxed_maxima import RELAXATIONS
from perspectives.elements.settings import ChainSettings
from perspectives.numerics.streams import stream
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

CHAINS = 8
"""Chains, of independent standard normal potentials as the companion's tests have them; the first is drawn."""
TEMPERATURES = np.geomspace(0.01, 30, 81)
"""Much colder, probabilities of the soft recursion would underflow to zeros."""
ASSOCIATIVE = {"soft": logsumexp, "hard": jnp.max}


def measure_chains(
    *, settings: ChainSettings, seed: int, transitions: Output, temperatures: Output, measures: Output
) -> None:
    """Write the first chain's transitions by recursion and by enumeration, what its temperature does, and distances."""
    shape = (CHAINS, settings.length, settings.states, settings.states)
    potentials = jax.random.normal(stream(seed, "elements.chains.potentials"), shape)
    hotter = potentials[0] / jnp.asarray(TEMPERATURES)[:, None, None, None]

    @jax.jit
    def inferred(potentials: Array) -> dict[str, dict[str, Array]]:
        return {
            name: {
                "value": jax.vmap(partial(chains.value, maximum=relaxation.maximum))(potentials),
                "masses": jax.vmap(partial(chains.transitions, maximum=relaxation.maximum))(potentials),
                "backtracked": jax.vmap(partial(chains.backtracked, relaxation=relaxation))(potentials),
            }
            for name, relaxation in RELAXATIONS.items()
        }

    # all chains and all temperatures in one batch: compiled once
    together = jax.tree.map(np.asarray, inferred(jnp.concatenate([potentials, hotter])))
    found = jax.tree.map(lambda array: array[:CHAINS], together)
    at_temperatures = {name: values["masses"][CHAINS:] for name, values in together.items()}
    parallel = {
        name: np.asarray(jax.jit(jax.vmap(partial(chains.value_in_parallel, maximum=maximum)))(potentials))
        for name, maximum in ASSOCIATIVE.items()
    }

    table = np.asarray(potentials)
    all_paths = chains.paths(settings.states, settings.length)
    rows: dict[str, list[float]] = {}

    def note(quantity: str, number: float | np.floating | np.integer) -> None:
        rows.setdefault(quantity, []).append(float(number))

    enumerated = []
    for chain in range(CHAINS):
        scores = chains.scores(table[chain], all_paths)
        log_partition = sum_of_exponentials(scores)
        probabilities = np.exp(scores - log_partition)
        over_paths = np.asarray(projection_simplex(jnp.asarray(scores)))
        weights = {"soft": probabilities, "hard": (scores == scores.max()) * 1.0, "sparse": over_paths}
        exact = {
            name: chains.enumerated_transitions(weight, all_paths, settings.states) for name, weight in weights.items()
        }
        enumerated.append(exact)
        masses = {name: values["masses"][chain] for name, values in found.items()}
        soft, hard, sparse = masses["soft"], masses["hard"], masses["sparse"]
        note("largest_marginal_difference", np.abs(soft - exact["soft"]).max())
        note("value_difference", abs(found["soft"]["value"][chain] - log_partition))
        note("best_score_difference", abs(found["hard"]["value"][chain] - scores.max()))
        best = np.concatenate([hard[:1, 0].argmax(axis=1), hard[1:].sum(axis=1).argmax(axis=1)])
        note("wrong_path_states", np.sum(best != all_paths[scores.argmax()]))
        by_identity = found["soft"]["value"][chain] - np.sum(soft * table[chain])
        note("entropy_difference", abs(by_identity - chains.entropy(probabilities)))
        note("sparse_mass_difference", np.abs(sparse.sum(axis=(1, 2)) - 1).max())
        note("sparse_zeros", np.sum(sparse[1:] == 0))
        note("soft_zeros", np.sum(soft[1:] == 0))
        note("sparse_paths", np.count_nonzero(chains.path_probabilities(sparse, all_paths)))
        note("sparse_paths_of_projection", np.count_nonzero(over_paths))
        note("sparse_masses_minus_projection", np.abs(exact["sparse"] - sparse).max())
        note("backtracked_difference", max(np.abs(one["masses"][chain] - one["backtracked"][chain]).max()
                                           for one in found.values()))  # fmt: skip
        note("parallel_difference", max(abs(parallel[name][chain] - found[name]["value"][chain]) for name in parallel))
    totals = {"wrong_path_states", "sparse_zeros", "soft_zeros"}
    means = {"sparse_paths", "sparse_paths_of_projection"}
    reduced = {
        name: sum(values) if name in totals else np.mean(values) if name in means else max(values)
        for name, values in rows.items()
    }
    number = CHAINS * (settings.length - 1) * settings.states**2
    write_measures(measures, [
        *(Measure(quantity=name, value=float(one)) for name, one in reduced.items()),
        Measure(quantity="transitions", value=float(number)),
        Measure(quantity="paths", value=float(len(all_paths))),
    ])  # fmt: skip

    frames = []
    for name, values in found.items():
        node, before, after = np.indices(values["masses"][0].shape).reshape(3, -1)
        columns = {"recursion": name, "node": node + 1, "before": before + 1, "after": after + 1}
        masses, exact = values["masses"][0].ravel(), enumerated[0][name].ravel()
        frames.append(pd.DataFrame({**columns, "mass": masses, "enumerated": exact}))
    # before the first node there is no state: its distribution lies in the first row
    pd.concat(frames).query("node > 1 or before == 1").to_csv(transitions, index=False)

    frames = []
    for name, masses in at_temperatures.items():
        entropies = [chains.entropy(chains.path_probabilities(one, all_paths)) for one in masses]
        support = np.mean(np.sum(masses[:, 1:] > 0, axis=(2, 3)), axis=1)
        score = np.sum(masses * table[0], axis=(1, 2, 3))
        columns = {"entropy": entropies, "transitions": support, "score": score}
        frames.append(pd.DataFrame({"recursion": name, "temperature": TEMPERATURES, **columns}))
    pd.concat(frames).to_csv(temperatures, index=False)
