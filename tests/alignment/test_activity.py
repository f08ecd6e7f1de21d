import numpy as np
import pytest

from perspectives.alignment.activity import ACTIVE_NATS, active_units, effective_units, unit_divergences
from perspectives.alignment.gaussians import Gaussians, permuted
from perspectives.alignment.permutations import Factor, Symmetries, drawn

FIRST, SECOND = Factor("first", 6), Factor("second", 5)
SYMMETRIES = Symmetries(
    {
        "w0": ((FIRST,), (Factor(None, 4),)),
        "b0": ((FIRST,),),
        "w1": ((SECOND,), (FIRST,), (Factor(None, 2),)),
        "scale": ((SECOND,), (Factor(None, 1),)),
        "head": ((Factor(None, 3),), (SECOND,)),
        "offset": (),
    }
)
PRIOR = {"w0": 0.7, "b0": 1.4, "w1": 0.5, "scale": 1.0, "head": 0.3, "offset": 2.0}


@pytest.fixture
def untrained():
    """A posterior equal to its prior."""
    shapes = {
        name: tuple(int(np.prod([factor.size for factor in axis])) for axis in axes)
        for name, axes in SYMMETRIES.axes.items()
    }
    return Gaussians(
        {name: np.zeros(shape, np.float32) for name, shape in shapes.items()},
        {name: np.full(shape, PRIOR[name], np.float32) for name, shape in shapes.items()},
    )


def test_a_posterior_equal_to_its_prior_has_no_active_unit(untrained):
    for each in unit_divergences(untrained, PRIOR, SYMMETRIES).values():
        np.testing.assert_allclose(each, 0, atol=1e-6)  # deviations in single precision
    assert active_units(untrained, PRIOR, SYMMETRIES) == 0


def test_planted_active_units_are_counted(untrained):
    # A shift by m costs m^2 / (2 p^2) nats: just above and just below the threshold.
    untrained.mean["w0"][[1, 3], 2] = PRIOR["w0"] * np.sqrt(2 * 1.1 * ACTIVE_NATS)
    untrained.mean["w0"][4, 0] = PRIOR["w0"] * np.sqrt(2 * 0.9 * ACTIVE_NATS)
    untrained.mean["scale"][2] = -PRIOR["scale"] * np.sqrt(2 * 1.1 * ACTIVE_NATS)
    assert active_units(untrained, PRIOR, SYMMETRIES) == 3
    # what two arrays of a unit say adds up
    untrained.mean["b0"][4] = PRIOR["b0"] * np.sqrt(2 * 0.2 * ACTIVE_NATS)
    assert active_units(untrained, PRIOR, SYMMETRIES) == 4
    moved = permuted(untrained, drawn(SYMMETRIES, np.random.default_rng(0)), SYMMETRIES)
    assert active_units(moved, PRIOR, SYMMETRIES) == 4


def test_what_leaves_a_unit_says_nothing_of_it(untrained):
    untrained.mean["head"][:] = 100
    untrained.mean["offset"][...] = 100
    assert active_units(untrained, PRIOR, SYMMETRIES) == 0
    untrained.mean["w1"][:] = 100  # enters the second group, leaves the first
    divergences = unit_divergences(untrained, PRIOR, SYMMETRIES)
    assert np.all(divergences["second"] > ACTIVE_NATS)
    np.testing.assert_allclose(divergences["first"], 0, atol=1e-6)


def test_divergence_is_summed_over_the_numbers_that_enter_a_unit(untrained):
    rng = np.random.default_rng(1)
    for name in ("w1", "scale"):
        untrained.mean[name][:] = rng.normal(size=untrained.mean[name].shape)
        untrained.deviation[name][:] = rng.uniform(0.1, 2, size=untrained.mean[name].shape)
    found = unit_divergences(untrained, PRIOR, SYMMETRIES)["second"]
    for unit in range(5):
        expected = 0.0
        for name in ("w1", "scale"):
            for m, s in zip(untrained.mean[name][unit].ravel(), untrained.deviation[name][unit].ravel(), strict=True):
                ratio = float(s) / PRIOR[name]
                expected += 0.5 * (ratio**2 + (float(m) / PRIOR[name]) ** 2 - 1) - np.log(ratio)
        assert found[unit] == pytest.approx(expected, rel=1e-6)


def test_every_unit_of_a_point_estimate_is_active(untrained):
    assert active_units(Gaussians.point(untrained.mean), PRIOR, SYMMETRIES) == 11


def test_effective_units_are_all_when_all_learn_alike_and_few_when_few_have(untrained):
    untrained.mean["b0"][:] = 3.0
    untrained.mean["scale"][2] = 5.0
    assert effective_units(untrained, PRIOR, SYMMETRIES) == pytest.approx(6 + 1, rel=1e-5)
    assert np.isnan(effective_units(Gaussians.point(untrained.mean), PRIOR, SYMMETRIES))
