"""Laws of aligning many networks: planted permutations, monotone spread, invariance."""

import numpy as np
import pytest

from perspectives.alignment.barycentre import match_many
from perspectives.alignment.gaussians import Gaussians, barycentre, permuted, squared_distance
from perspectives.alignment.matching import match
from perspectives.alignment.permutations import Factor, Symmetries, drawn

H1, H2, INPUTS = Factor("h1", 10), Factor("h2", 12), Factor(None, 6)
SYMMETRIES = Symmetries({"w0": ((H1,), (INPUTS,)), "b0": ((H1,),), "w1": ((H2,), (H1,)), "w2": ((INPUTS,), (H2,))})
SHAPES = {"w0": (10, 6), "b0": (10,), "w1": (12, 10), "w2": (6, 12)}


def posterior(seed: int) -> Gaussians:
    generator = np.random.default_rng(seed)
    return Gaussians(
        {name: generator.normal(size=shape) for name, shape in SHAPES.items()},
        {name: np.exp(generator.normal(-1, 0.5, size=shape)) for name, shape in SHAPES.items()},
    )


def spread(posteriors: list[Gaussians]) -> float:
    centre = barycentre(posteriors)
    return sum(squared_distance(centre, one) for one in posteriors)


def test_planted_permutations_are_recovered():
    first, generator = posterior(0), np.random.default_rng(1)
    planted = [drawn(SYMMETRIES, generator) for _ in range(4)]
    copies = [permuted(first, permutations, SYMMETRIES) for permutations in planted]
    found = match_many(copies, SYMMETRIES, restarts=5)
    assert found.settled
    assert found.objective == pytest.approx(0, abs=1e-20 * found.before)  # the rounding of a mean of equal numbers
    for one, permutations in zip(planted, found.permutations, strict=True):
        for group in SYMMETRIES.sizes:
            np.testing.assert_array_equal(one[group][permutations[group]], planted[0][group])


@pytest.mark.parametrize("seed", range(4))
def test_spread_never_rises_and_is_that_of_the_result(seed):
    posteriors = [posterior(10 * seed + number) for number in range(5)]
    found = match_many(posteriors, SYMMETRIES, seed=seed)
    assert found.settled
    assert np.all(np.diff(found.history) <= 1e-12 * found.before)  # the rounding of sums
    assert found.objective < found.before
    moved = [permuted(one, p, SYMMETRIES) for one, p in zip(posteriors, found.permutations, strict=True)]
    assert found.before == pytest.approx(spread(posteriors), rel=1e-12)
    assert found.objective == pytest.approx(spread(moved), rel=1e-12)
    assert squared_distance(found.barycentre, barycentre(moved)) == pytest.approx(0, abs=1e-20)
    for number, group in enumerate(SYMMETRIES.sizes):
        np.testing.assert_array_equal(found.permutations[0][group], np.arange([10, 12][number]))


def test_settled_means_that_no_network_gains_by_moving():
    posteriors = [posterior(number) for number in range(4)]
    found = match_many(posteriors, SYMMETRIES)
    moved = [permuted(one, p, SYMMETRIES) for one, p in zip(posteriors, found.permutations, strict=True)]
    for number, one in enumerate(moved):
        others = barycentre(moved[:number] + moved[number + 1 :])
        assert len(match(others, one, SYMMETRIES, restarts=1).history) == 1


def test_two_networks_lie_at_half_their_distance_from_the_barycentre():
    first, second = posterior(0), posterior(1)
    found = match_many([first, second], SYMMETRIES)
    moved = permuted(second, found.permutations[1], SYMMETRIES)
    assert found.objective == pytest.approx(squared_distance(first, moved) / 2, rel=1e-12)


def test_says_when_the_sweeps_were_too_few():
    found = match_many([posterior(number) for number in range(6)], SYMMETRIES, sweeps=0)
    assert not found.settled
    assert len(found.history) == 1


def test_one_network_is_refused():
    with pytest.raises(ValueError, match="at least two"):
        match_many([posterior(0)], SYMMETRIES)
