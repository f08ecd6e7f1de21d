import numpy as np
import pytest
from scipy.linalg import sqrtm

from perspectives.alignment.gaussians import (
    Gaussians,
    barycentre,
    divergence,
    geodesic,
    permuted,
    squared_distance,
)
from perspectives.alignment.permutations import Factor, Symmetries, drawn

SHAPES = {"matrix": (3, 2), "vector": (3,), "scale": (1,)}
UNITS = Factor("units", 3)
SYMMETRIES = Symmetries(
    {"matrix": ((UNITS,), (Factor(None, 2),)), "vector": ((UNITS,),), "scale": ((Factor(None, 1),),)}
)


def posterior(seed, dtype: type = np.float64):
    rng = np.random.default_rng(seed)
    return Gaussians(
        {name: np.asarray(rng.normal(size=shape), dtype) for name, shape in SHAPES.items()},
        {name: np.asarray(rng.uniform(0.1, 2, size=shape), dtype) for name, shape in SHAPES.items()},
    )


def flat(arrays):
    return np.concatenate([np.ravel(array) for array in arrays.values()])


def test_distance_is_that_of_gaussians_with_any_covariance():
    first, second = posterior(0), posterior(1)
    a, b = (np.diag(flat(one.deviation) ** 2) for one in (first, second))
    root = np.real(sqrtm(a))
    bures = np.trace(a + b - 2 * np.real(sqrtm(root @ b @ root)))
    means = np.sum((flat(first.mean) - flat(second.mean)) ** 2)
    assert squared_distance(first, second) == pytest.approx(means + bures, rel=1e-10)  # matrix roots


def test_divergence_is_that_of_gaussians_with_any_covariance():
    first, second = posterior(0), posterior(1)
    a, b = (np.diag(flat(one.deviation) ** 2) for one in (first, second))
    gap = flat(second.mean) - flat(first.mean)
    inverse = np.linalg.inv(b)
    logs = np.linalg.slogdet(b)[1] - np.linalg.slogdet(a)[1]
    expected = 0.5 * (np.trace(inverse @ a) + gap @ inverse @ gap - len(gap) + logs)
    assert divergence(first, second) == pytest.approx(expected, rel=1e-12)
    assert divergence(first, second) != pytest.approx(divergence(second, first), rel=0.01)


def test_both_are_zero_only_from_a_posterior_to_itself():
    first, second = posterior(0), posterior(1)
    assert squared_distance(first, first) == 0
    assert abs(divergence(first, first)) < 1e-14
    assert divergence(first, second) > 0
    assert squared_distance(first, second) == squared_distance(second, first) > 0


def test_reordering_both_alike_changes_neither():
    first, second = posterior(0), posterior(1)
    order = drawn(SYMMETRIES, np.random.default_rng(2))
    moved = [permuted(one, order, SYMMETRIES) for one in (first, second)]
    assert squared_distance(*moved) == pytest.approx(squared_distance(first, second), rel=1e-14)
    assert divergence(*moved) == pytest.approx(divergence(first, second), rel=1e-14)
    np.testing.assert_array_equal(moved[0].deviation["vector"], first.deviation["vector"][order["units"]])


def test_distances_of_single_precision_arrays_are_summed_in_double():
    one = Gaussians({"x": np.zeros(10_000_000, np.float32)}, {"x": np.zeros(10_000_000, np.float32)})
    other = Gaussians({"x": np.full(10_000_000, 0.1, np.float32)}, {"x": np.zeros(10_000_000, np.float32)})
    assert squared_distance(one, other) == pytest.approx(1e7 * float(np.float32(0.1)) ** 2, rel=1e-12)


def test_geodesic_has_the_posteriors_at_its_ends():
    first, second = posterior(0, np.float32), posterior(1, np.float32)
    for end, expected in ((0.0, first), (1.0, second)):
        found = geodesic(first, second, end)
        np.testing.assert_equal(found.mean, expected.mean)
        np.testing.assert_equal(found.deviation, expected.deviation)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_geodesic_has_constant_speed_in_w2(dtype):
    first, second = posterior(0, dtype), posterior(1, dtype)
    whole = np.sqrt(squared_distance(first, second))
    tolerance = 1e-6 if dtype == np.float32 else 1e-13
    for start, end in ((0.0, 0.25), (0.25, 0.5), (0.1, 0.9)):
        way = squared_distance(geodesic(first, second, start), geodesic(first, second, end))
        assert np.sqrt(way) == pytest.approx((end - start) * whole, rel=tolerance)
    assert geodesic(first, second, 0.5).mean["matrix"].dtype == dtype


@pytest.mark.parametrize("time", [-0.01, 1.01, np.nan])
def test_times_beyond_the_ends_are_refused(time):
    with pytest.raises(ValueError, match="lies outside \\[0, 1\\]"):
        geodesic(posterior(0), posterior(1), time)


def test_barycentre_has_the_least_sum_of_squared_distances():
    three = [posterior(seed) for seed in range(3)]
    centre = barycentre(three)
    least = sum(squared_distance(centre, one) for one in three)
    rng = np.random.default_rng(0)
    for _ in range(20):
        aside = Gaussians(
            {name: mean + 1e-3 * rng.normal(size=mean.shape) for name, mean in centre.mean.items()},
            {name: np.abs(s + 1e-3 * rng.normal(size=s.shape)) for name, s in centre.deviation.items()},
        )
        # exactly n times the squared distance from the barycentre higher
        higher = sum(squared_distance(aside, one) for one in three)
        assert higher - least == pytest.approx(3 * squared_distance(aside, centre), rel=1e-6)


def test_barycentre_of_two_is_the_middle_of_their_geodesic():
    first, second = posterior(0), posterior(1)
    assert squared_distance(barycentre([first, second]), geodesic(first, second, 0.5)) < 1e-30


def test_a_point_is_sure_of_its_arrays():
    point = Gaussians.point(posterior(0).mean)
    assert squared_distance(point, posterior(0)) == pytest.approx(np.sum(flat(posterior(0).deviation) ** 2))
    with pytest.raises(ValueError, match="needs positive standard deviations; array matrix has zeros"):
        divergence(point, posterior(0))
    with pytest.raises(ValueError, match="needs positive standard deviations; array matrix has zeros"):
        divergence(posterior(0), point)


X = np.ones(3)


@pytest.mark.parametrize(
    ("mean", "deviation", "message"),
    [
        pytest.param({"x": X}, {"y": X}, "of different arrays", id="names"),
        pytest.param({"x": X}, {}, "of different arrays", id="missing"),
        pytest.param({"x": X}, {"x": np.ones(1)}, r"array x has means \(3,\) and deviations \(1,\)", id="shapes"),
        pytest.param({"x": X * np.nan}, {"x": X}, "3 of 3 means of array x are not finite", id="NaN mean"),
        pytest.param({"x": X}, {"x": X / [1, 1, np.nan]}, "1 of 3 deviations of array x are not finite", id="NaN"),
        pytest.param({"x": X}, {"x": np.array([1, 2, np.inf])}, "1 of 3 deviations of array x", id="infinite"),
        pytest.param({"x": X}, {"x": np.array([1, -0.5, 0])}, "negative standard deviations, down to -0.5", id="sign"),
    ],
)
def test_what_is_no_posterior_is_refused(mean, deviation, message):
    with pytest.raises(ValueError, match=message):
        Gaussians(mean, deviation)
