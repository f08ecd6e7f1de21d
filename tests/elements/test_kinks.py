import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.elements import kinks

AT = jnp.array([kink.at for kink in kinks.KINKS])


@pytest.mark.parametrize("aside", [-0.25, 0.25])
def test_beside_the_kink_all_three_derivatives_agree(aside):
    left, right, automatic = kinks.derivatives(AT + aside)
    np.testing.assert_allclose(left, right, atol=1e-9)  # quotients of values rounded at 1, over 2^-20
    np.testing.assert_allclose(automatic, right, atol=1e-9)


def test_one_sided_derivatives_at_the_kinks_are_those_read_off_the_formulas():
    found = kinks.derivatives(AT)
    by_name = {
        kink.name: (float(left), float(right)) for kink, left, right in zip(kinks.KINKS, *found[:2], strict=True)
    }
    assert by_name["relu(x)"] == (0, 1)
    assert by_name["abs(x)"] == (-1, 1)
    assert by_name["sqrt(x²)"] == (-1, 1)
    assert by_name["sparse sigmoid"] == (0, 0.5)
    assert by_name["clip(x, -1, 1)"] == (1, 0)
    assert by_name["where(x = 0, 0, x)"] == (1, 1)


def test_single_kinks_get_a_subderivative_and_roots_and_disguised_lines_do_not():
    missed = kinks.outside(kinks.derivatives(AT))
    assert not missed[:9].any()
    assert missed[9:].all()


def test_outside_is_neither_end_nor_between():
    left, right = jnp.array([0.0] * 5), jnp.array([1.0] * 5)
    found = kinks.Derivatives(left, right, jnp.array([0.0, 0.5, 1.0, 1.5, jnp.nan]))
    np.testing.assert_array_equal(kinks.outside(found), [False, False, False, True, True])
    swapped = kinks.Derivatives(right, left, found.automatic)
    np.testing.assert_array_equal(kinks.outside(swapped), kinks.outside(found))


def test_sparse_sigmoid_is_a_clipped_line():
    x = jnp.linspace(-2, 2, 41)
    np.testing.assert_allclose(kinks.sparse_sigmoid(x), np.clip((x + 1) / 2, 0, 1), atol=1e-15)  # one rounding
    np.testing.assert_array_equal(kinks.unit_step(jnp.array([-1e-9, 0.0, 1e-9])), [0, 1, 1])
