import numpy as np
import pytest

from perspectives.highres import published
from perspectives.highres.bounds import (
    laborde_gap_bound,
    modified_gap_bound,
    modified_gradient_bound,
    nnag_gap_bound,
    smallest_consistent_start,
)

K = np.array(published.BOUND_ITERATIONS)


@pytest.mark.parametrize("smoothness", [100.0, 1000.0])
def test_bounds_pass_through_the_digitised_points(smoothness):
    c = smoothness**-0.5
    initial = published.INITIAL_LYAPUNOV[smoothness]
    ours = {
        published.BOUND_30: nnag_gap_bound(K, initial=initial, smoothness=smoothness, beta=smoothness, c=c),
        published.BOUND_32: modified_gap_bound(K, initial=published.INITIAL_DISTANCE / 2, c=c),
        published.BOUND_LABORDE: laborde_gap_bound(K, distance=published.INITIAL_DISTANCE, c=c),
    }
    for curve, bound in ours.items():
        # the reading error of the digitised curves and, for (30), the fitted initial value: the claim's tolerance
        np.testing.assert_allclose(bound, published.BOUNDS[smoothness, curve], rtol=0.03)


def test_bound_30_for_larger_alpha_tends_to_its_form_for_three_quarters():
    arguments = {"initial": 2.0, "smoothness": 50.0, "beta": 5.0, "c": 0.1, "k0": 3}
    limit = nnag_gap_bound(K, **arguments, alpha=0.75)
    near = nnag_gap_bound(K, **arguments, alpha=0.75 + 1e-7)
    np.testing.assert_allclose(near, limit, rtol=1e-5)  # first order in 1e-7, times log k and 1 / (1 - alpha)


def test_bound_30_is_the_telescoped_lyapunov_sum_from_above():
    """The closed form must dominate the sum that the proof bounds by integrals."""
    smoothness, beta, k0, last = 10.0, 2.0, 2, 5000
    c = smoothness**-0.5
    i = np.arange(1, last + 1)
    s = c / i**0.75
    t = np.cumsum(s)
    growth = ((t + 2 * beta / smoothness**0.5) * s) ** 2 / 8
    exact = (1.0 + growth[k0:].sum()) / (t[-1] ** 2 / 4 + t[-1] * beta / (2 * smoothness**0.5))
    closed = nnag_gap_bound(np.array([float(last)]), initial=1.0, smoothness=smoothness, beta=beta, c=c, k0=k0)[0]
    assert exact <= closed <= 2 * exact


def test_modified_bounds_match_hand_computed_values():
    k = np.array([16.0])
    # k^(1/4) = 2: (3 + 1/8 (16 (1 + log 16) + 38)) / (2 (2 + 1/8)) with c = 1
    expected = (3 + (16 * (1 + np.log(16)) + 38) / 8) / (2 * (2 + 1 / 8))
    np.testing.assert_allclose(modified_gap_bound(k, initial=3.0, c=1.0), expected, rtol=1e-14)
    # k^(3/4) = 8, k^(1/2) = 4: 16 (7/3 + 2 - 3/2 + 4)
    expected = (2 * 3 + 2 * (2 * np.log(16) + 6.75)) / (16 * (7 / 3 + 4.5))
    found = modified_gradient_bound(k, initial=3.0, smoothness=1.0, c=1.0)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_modified_bound_for_larger_alpha_is_finite_and_falls():
    bound = modified_gap_bound(K, initial=1.0, c=0.1, alpha=0.8)
    assert np.all(np.diff(bound) < 0)
    assert np.all(bound > 0)


def test_bounds_say_nothing_before_their_start():
    k = np.array([1.0, 2.0, 3.0])
    bound = nnag_gap_bound(k, initial=1.0, smoothness=1.0, beta=2.0, c=1.0, k0=3)
    assert list(np.isinf(bound)) == [True, True, False]
    assert np.isinf(modified_gap_bound(k, initial=1.0, c=1.0)[0])


def test_smallest_consistent_start_is_the_first_k_that_satisfies_the_condition():
    assert [smallest_consistent_start(beta) for beta in (2.0, 100.0, 1000.0)] == [2, 39, 208]
    # without the gain of c = 1 / sqrt(L): beta <= k^(3/4), 100^(4/3) = 464.2
    assert smallest_consistent_start(100.0, c_is_largest=False) == 465
