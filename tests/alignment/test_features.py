"""Feature kernels against the divergences themselves."""

import numpy as np
import pytest

from perspectives.alignment import gaussians
from perspectives.alignment.features import features, value
from perspectives.alignment.gaussians import Gaussians, permuted
from perspectives.alignment.permutations import Factor, Symmetries, drawn, identity

HIDDEN, INPUTS = Factor("hidden", 7), Factor(None, 4)
SYMMETRIES = Symmetries({"in": ((HIDDEN,), (INPUTS,)), "bias": ((HIDDEN,),), "out": ((INPUTS,), (HIDDEN,)), "gain": ()})


def posterior(seed: int, dtype: type = np.float64) -> Gaussians:
    generator = np.random.default_rng(seed)
    shapes = {"in": (7, 4), "bias": (7,), "out": (4, 7), "gain": ()}
    return Gaussians(
        {name: np.asarray(generator.normal(size=shape), dtype) for name, shape in shapes.items()},
        {name: np.asarray(np.exp(generator.normal(-1, 0.5, size=shape)), dtype) for name, shape in shapes.items()},
    )


def direct(first: Gaussians, second: Gaussians, divergence: str) -> float:
    if divergence == "kl":
        return gaussians.divergence(first, second)
    zeros = {name: np.zeros_like(mean) for name, mean in first.mean.items()}
    if divergence == "mean":
        first, second = Gaussians(first.mean, zeros), Gaussians(second.mean, zeros)
    if divergence == "deviation":
        first, second = Gaussians(zeros, first.deviation), Gaussians(zeros, second.deviation)
    return gaussians.squared_distance(first, second)


@pytest.mark.parametrize("divergence", ["w2", "kl", "mean", "deviation"])
# single precision: sums of some 70 terms, each of about the size of the result
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-5)])
def test_constant_less_gain_is_the_divergence(divergence, dtype, tolerance):
    generator = np.random.default_rng(0)
    for seed in range(10):
        first, second = posterior(2 * seed, dtype), posterior(2 * seed + 1, dtype)
        kernel = features(first, second, SYMMETRIES, divergence)
        for permutations in (identity(SYMMETRIES), drawn(SYMMETRIES, generator)):
            moved = permuted(second, permutations, SYMMETRIES)
            expected = direct(first, moved, divergence)
            assert kernel.divergence(permutations, SYMMETRIES) == pytest.approx(expected, rel=tolerance)
            assert value(first, moved, SYMMETRIES, divergence) == pytest.approx(expected, rel=tolerance)
        assert all(ours.dtype == dtype for pairs in kernel.pairs.values() for pair in pairs for ours in pair)


@pytest.mark.parametrize("divergence", ["w2", "kl", "mean", "deviation"])
def test_gain_never_exceeds_its_limits(divergence):
    kernel = features(posterior(0), posterior(1), SYMMETRIES, divergence)
    assert abs(kernel.gain(identity(SYMMETRIES), SYMMETRIES)) <= sum(kernel.limits.values())


def test_divergence_of_itself_is_zero():
    for divergence in ("w2", "kl", "mean", "deviation"):
        assert value(posterior(0), posterior(0), SYMMETRIES, divergence) == 0


def test_deviations_of_point_estimates_are_no_feature():
    first, second = (Gaussians.point(posterior(seed).mean) for seed in (0, 1))
    w2, mean = (features(first, second, SYMMETRIES, divergence) for divergence in ("w2", "mean"))
    assert {name: len(pairs) for name, pairs in w2.pairs.items()} == dict.fromkeys(first.mean, 1)
    assert w2.constant == mean.constant


def test_kl_of_point_estimates_is_refused():
    with pytest.raises(ValueError, match="positive standard deviations; array in"):
        features(posterior(0), Gaussians.point(posterior(1).mean), SYMMETRIES, "kl")


def test_another_network_is_refused():
    other = posterior(1)
    less = Gaussians(
        {name: other.mean[name] for name in ("in", "bias", "out")},
        {name: other.deviation[name] for name in ("in", "bias", "out")},
    )
    with pytest.raises(ValueError, match="another network: missing \\['gain'\\]"):
        features(posterior(0), less, SYMMETRIES, "w2")


def test_unknown_divergence_is_refused():
    with pytest.raises((ValueError, TypeError)):  # TypeError where types are checked, as in the tests
        features(posterior(0), posterior(1), SYMMETRIES, "hellinger")  # pyright: ignore
