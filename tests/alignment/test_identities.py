"""Each law within its bound, and a mistake planted into what it checks, which it must see."""

from typing import get_args

import numpy as np
import pytest

from perspectives.alignment import identities, matching
from perspectives.alignment import permutations as units
from perspectives.alignment.claims import LEDGER
from perspectives.alignment.features import Divergence, value
from perspectives.alignment.gaussians import Gaussians
from perspectives.alignment.steps.check_identities import check_identities
from perspectives.workbench.measures import read_measures

CRITERIA = {law.quantity.removeprefix("identities:"): law.criterion for law in LEDGER.laws}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    file = tmp_path_factory.mktemp("identities") / "identities_measures.csv"
    check_identities(seed=0, measures=file)
    return {name: measure.value for name, measure in read_measures(file).items()}


@pytest.mark.parametrize("law", LEDGER.laws, ids=lambda law: law.id)
def test_law_holds(law, measured):
    assert law.criterion.holds(measured[law.quantity.removeprefix("identities:")])


def test_nothing_is_measured_that_is_no_law(measured):
    assert set(measured) == set(CRITERIA)


@pytest.fixture
def generator():
    return np.random.default_rng(1)


def unaligned(first, second, symmetries, *, divergence: Divergence = "w2", start=None, **_):
    """Stand in for `match`: leave all units in the order in which they came."""
    order = start or units.identity(symmetries)
    end = value(first, second, symmetries, divergence, order)
    return matching.Matching(order, end, end, (end,), (end,), 0)


def nearly_aligned(first, second, symmetries, **options):
    """Stand in for `match`: two units of one group are exchanged in what it finds."""
    found = matching.match(first, second, symmetries, **options)
    group, order = next(iter(found.permutations.items()))
    wrong = {**found.permutations, group: order[[1, 0, *range(2, len(order))]]}
    end = value(first, second, symmetries, options.get("divergence", "w2"), wrong)
    return matching.Matching(wrong, found.before, end, found.history, found.objectives, found.solves)


@pytest.mark.parametrize("wrong", [unaligned, nearly_aligned])
def test_a_planted_permutation_that_is_not_found_is_seen(wrong, generator, monkeypatch):
    monkeypatch.setattr(identities, "match", wrong)
    distance, barrier = identities.planted(generator)
    assert not CRITERIA["planted_distance"].holds(distance)
    assert not CRITERIA["planted_barrier"].holds(barrier)


@pytest.mark.parametrize("wrong", [unaligned, nearly_aligned])
def test_an_alignment_that_is_not_the_best_is_seen(wrong, generator, monkeypatch):
    monkeypatch.setattr(identities, "match", wrong)
    monkeypatch.setattr(identities, "BRUTE_CASES", 2)
    assert identities.brute_force_disagreements(generator) == 4


def test_an_alignment_that_stops_short_is_seen(generator, monkeypatch):
    def stopping(first, second, symmetries, *, start=None, **options):
        return (nearly_aligned if start is None else matching.match)(
            first, second, symmetries, **options | ({"start": start} if start else {})
        )

    monkeypatch.setattr(identities, "match", stopping)
    assert identities.descent_violations(generator) >= len(get_args(Divergence))


def test_variances_that_are_linear_in_time_are_seen(generator, monkeypatch):
    def linear_in_variance(first, second, time):
        true = identities_geodesic(first, second, time)
        deviation = {
            name: np.sqrt((1 - time) * first.deviation[name] ** 2 + time * second.deviation[name] ** 2)
            for name in first.deviation
        }
        return Gaussians(true.mean, deviation)

    identities_geodesic = identities.geodesic
    monkeypatch.setattr(identities, "geodesic", linear_in_variance)
    assert not CRITERIA["geodesic"].holds(identities.geodesic_error(generator))


def test_the_kernel_of_another_divergence_is_seen(generator, monkeypatch):
    kernel = identities.features
    monkeypatch.setattr(
        identities, "features", lambda first, second, spec, divergence: kernel(second, first, spec, divergence)
    )
    assert not CRITERIA["kl_kernel"].holds(identities.kl_kernel_error(generator))


def test_a_path_that_is_not_the_mixture_is_seen(generator, monkeypatch):
    def intersection(first, second, times):
        inner = -np.mean(np.minimum(first, second))
        return np.array([-first.mean(), *[inner] * (len(times) - 2), -second.mean()])

    monkeypatch.setattr(identities, "mixture_losses", intersection)
    assert not CRITERIA["mixture_barrier"].holds(identities.mixture_barrier(generator))


def test_deviations_that_are_not_permuted_are_seen_by_the_bound_of_the_law_itself(measured):
    assert measured["invariance_of_mutant"] > 1e9 * CRITERIA["invariance"].high


def test_symmetries_that_are_not_those_written_by_hand_are_counted(monkeypatch):
    monkeypatch.setattr(identities, "infer_symmetries", lambda *_: units.Symmetries({}))
    assert identities.partition_disagreements() == 3
