import numpy as np
import pytest

from perspectives.alignment.gaussians import Gaussians, geodesic, squared_distance
from perspectives.alignment.plane import plane

SHAPES = {"matrix": (20, 6), "vector": (20,)}


def posterior(seed):
    rng = np.random.default_rng(seed)
    return Gaussians(
        {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()},
        {name: rng.uniform(0.5, 1, size=shape).astype(np.float32) for name, shape in SHAPES.items()},
    )


@pytest.fixture(scope="module")
def three():
    return [posterior(seed) for seed in range(3)]


def test_corners_give_back_the_posteriors(three):
    surface = plane(*three)
    for (x, y), expected in zip(surface.points, three, strict=True):
        found = surface.at(float(x), float(y))
        for name in SHAPES:
            np.testing.assert_allclose(found.mean[name], expected.mean[name], atol=1e-5)  # single precision
            np.testing.assert_allclose(found.deviation[name], expected.deviation[name], atol=1e-5)
            assert found.mean[name].dtype == np.float32


def test_distances_of_the_corners_are_w2_distances(three):
    points = plane(*three).points
    for i, j in ((0, 1), (0, 2), (1, 2)):
        w2 = np.sqrt(squared_distance(three[i], three[j]))
        assert np.linalg.norm(points[i] - points[j]) == pytest.approx(w2, rel=1e-5)
    np.testing.assert_array_equal(points[0], 0)
    assert points[1, 1] == 0
    assert points[2, 1] > 0


def test_distances_within_the_triangle_are_w2_distances(three):
    surface = plane(*three)
    shares = np.random.default_rng(0).dirichlet(np.ones(3), size=8)
    places = shares @ surface.points
    found = [surface.at(float(x), float(y)) for x, y in places]
    for i in range(7):
        w2 = np.sqrt(squared_distance(found[i], found[i + 1]))
        assert w2 == pytest.approx(np.linalg.norm(places[i] - places[i + 1]), rel=1e-4)  # differences of floats


def test_a_side_of_the_triangle_is_the_geodesic(three):
    surface = plane(*three)
    x, y = 0.3 * surface.points[1] + 0.7 * surface.points[2]
    assert squared_distance(surface.at(float(x), float(y)), geodesic(three[1], three[2], 0.7)) < 1e-8


def test_far_from_the_triangle_there_are_posteriors_still(three):
    surface = plane(*three)
    found = surface.at(*(float(place) for place in 50 * surface.points[2]))
    assert min(values.min() for values in found.deviation.values()) >= 0


def test_three_on_a_line_make_no_plane(three):
    first, second, _ = three
    with pytest.raises(ValueError, match="the first two posteriors are the same"):
        plane(first, first, second)
    for third in (first, second, geodesic(first, second, 0.4)):
        with pytest.raises(ValueError, match="lie on one line"):
            plane(first, second, third)
