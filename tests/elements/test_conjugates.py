"""Laws of conjugates: Fenchel and Young's inequality, convexity, the hull as the limit, the companion's half cell."""

import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.elements.conjugates import (
    companion_conjugate,
    convex_hull,
    negative_binary_entropy,
    smoothed_conjugate,
    softplus,
    wavy_parabola,
)

GRID = np.linspace(-3, 3, 601)


def test_fenchel_young_inequality_is_an_equality_at_the_logistic_function_only():
    u, v = np.linspace(0, 1, 101), np.linspace(-4, 4, 33)[:, None]
    gap = negative_binary_entropy(u) + softplus(v) - u * v
    assert gap.min() >= -1e-15  # the slope zero touches at 1/2, which is on the grid
    assert np.sum(gap < 1e-15) == 1
    touching = 1 / (1 + np.exp(-v))
    at = negative_binary_entropy(touching) + softplus(v) - touching * v
    np.testing.assert_allclose(at, 0, atol=1e-15 * 8)  # rounding of terms up to 4


def test_conjugate_of_the_entropy_on_a_grid_is_the_softplus():
    u, v = np.linspace(0, 1, 4001), np.linspace(-2, 2, 21)
    found = np.max(u * v[:, None] - negative_binary_entropy(u), axis=1)
    np.testing.assert_allclose(found, softplus(v), atol=1e-6)  # curvature at least 4, spacing 2.5e-4


def test_smoothed_conjugate_of_a_parabola_is_gaussian_integration():
    """For f = u^2 / 2 the integral is Gaussian: f* = v^2 / 2 + (eps / 2) log(2 pi eps)."""
    grid, slopes = np.linspace(-8, 8, 1601), np.linspace(-2, 2, 9)
    found = smoothed_conjugate(grid, grid**2 / 2, slopes, 0.1)
    expected = slopes**2 / 2 + 0.05 * np.log(2 * np.pi * 0.1)
    np.testing.assert_allclose(found, expected, atol=1e-13)  # the trapezoid's rule converges beyond all orders


def test_smoothed_conjugate_of_a_box_weighs_the_ends_by_half():
    """For f = 0 on [0, 1] the integral is eps (exp(v / eps) - 1) / v; whole weights at the ends would be 1e-3 off."""
    found = smoothed_conjugate(np.linspace(0, 1, 1001), np.zeros(1001), np.array([1.0, 2.0]), 1.0)
    np.testing.assert_allclose(found, np.log(np.expm1([1.0, 2.0]) / [1.0, 2.0]), atol=1e-6)  # spacing^2 / 12 times v^2


def test_smoothed_biconjugate_of_a_parabola_is_the_parabola():
    """The constants of both integrals cancel, whatever the smoothing."""
    grid = np.linspace(-8, 8, 1601)
    conjugate = smoothed_conjugate(grid, grid**2 / 2, grid, 0.05)
    found = np.asarray(smoothed_conjugate(grid, conjugate, grid, 0.05))
    inside = np.abs(grid) < 4  # beyond, the integral over slopes is cut off
    np.testing.assert_allclose(found[inside], (grid**2 / 2)[inside], atol=1e-12)


def test_hull_is_convex_below_the_function_and_touches_it():
    f = wavy_parabola(GRID)
    hull = convex_hull(GRID, f)
    assert np.all(hull <= f + 1e-15)
    assert np.diff(hull, 2).min() > -1e-14  # rounding of interpolation, of values up to 9
    assert np.sum(hull == f) > 20
    np.testing.assert_allclose(convex_hull(GRID, GRID**2), GRID**2, atol=1e-14)


def test_biconjugate_tends_to_the_hull_and_is_convex():
    f = wavy_parabola(GRID)
    slopes, window = np.linspace(-6, 6, 601), np.abs(GRID) <= 1.2
    hull, gaps = convex_hull(GRID, f), []
    for smoothing in (0.1, 0.01):
        conjugate = smoothed_conjugate(GRID, f, slopes, smoothing)
        found = np.asarray(smoothed_conjugate(slopes, conjugate, GRID, smoothing))
        assert np.diff(found, 2).min() > 0
        gaps.append(np.abs(found - hull)[window].max())
    assert gaps[1] < gaps[0] / 4


@pytest.mark.parametrize("points", [500, 501])
def test_companion_convolution_is_half_a_cell_aside_just_when_its_length_is_even(points):
    grid = np.linspace(-3, 3, points)
    cell, eps = grid[1] - grid[0], 0.01
    f = wavy_parabola(grid)
    aside = cell / 2 if points % 2 == 0 else 0.0
    found = companion_conjugate(grid, f, eps)
    # its kernel is centred half a cell aside, and the quadratic is added at the slope itself
    shifted = grid - aside
    expected = np.asarray(smoothed_conjugate(grid, f, jnp.asarray(shifted), eps)) - shifted**2 / 2 + grid**2 / 2
    inside = np.abs(grid) < 2
    # the trapezoid's ends have half weight, which is far below rounding here; the constant is eps log of the cell
    np.testing.assert_allclose((found - expected)[inside], -eps * np.log(cell), atol=1e-12)
