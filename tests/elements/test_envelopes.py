"""Laws of Moreau envelopes: below the function, closed forms on fine grids, one Huber loss in four forms."""

import numpy as np
import optax
import pytest

from perspectives.elements.envelopes import (
    ENVELOPES,
    huber,
    huber_by_conjugate,
    huber_by_proximal_point,
    moreau_envelope,
)

CENTRES = np.linspace(-3, 3, 241)


@pytest.mark.parametrize("cells", [400, 401, 4000])
@pytest.mark.parametrize("name", ENVELOPES)
def test_grid_envelope_is_the_closed_form_up_to_the_spacing(name, cells):
    function, envelope = ENVELOPES[name]
    grid = np.linspace(-5, 5, cells + 1)
    error = moreau_envelope(grid, function(grid), CENTRES) - envelope(CENTRES)
    assert error.min() > -1e-14  # a minimum over fewer points is no smaller
    # at the kink sqrt 2 of the step's envelope the last point before the jump is up to one spacing off
    assert error.max() < 1.5 * 10 / cells


@pytest.mark.parametrize("name", ENVELOPES)
def test_envelope_is_below_its_function_with_the_same_minimum(name):
    function, envelope = ENVELOPES[name]
    assert np.all(envelope(CENTRES) <= function(CENTRES))
    assert envelope(CENTRES).min() == function(CENTRES).min()


@pytest.mark.parametrize("width", [0.3, 1.0, 2.5])
def test_four_forms_of_the_huber_loss_are_one(width):
    u = np.linspace(-4, 4, 201)
    closed = huber(u, width)
    for other in (
        huber_by_proximal_point(u, width),
        huber_by_conjugate(u, width),
        np.asarray(optax.losses.huber_loss(u, delta=width)) / width,
    ):
        np.testing.assert_allclose(closed, other, atol=1e-14)  # rounding of values up to 4


def test_huber_is_the_envelope_of_the_absolute_value():
    grid = np.linspace(-5, 5, 5001)
    np.testing.assert_allclose(moreau_envelope(grid, np.abs(grid), CENTRES), huber(CENTRES), atol=1e-6)  # spacing^2 / 2
