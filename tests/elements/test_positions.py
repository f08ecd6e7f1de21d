import jax
import numpy as np

from perspectives.elements.positions import identity_differences, shift, sinusoidal_encoding


def test_encoding_is_the_formula_entry_by_entry():
    length, width, base = 7, 5, 30.0
    expected = [
        [np.sin(i / base ** (j / width)) if j % 2 == 0 else np.cos(i / base ** ((j - 1) / width)) for j in range(width)]
        for i in range(length)
    ]
    np.testing.assert_allclose(sinusoidal_encoding(np.arange(length), width, base), expected, atol=1e-15)


def test_identities_hold_at_other_sizes():
    found = jax.jit(lambda: identity_differences(40, 12, 1e4, 5))()
    assert max(map(float, found.values())) < 1e-13  # arguments up to 45


def test_shifts_are_rotations_that_add_up():
    one, two, sum_ = (np.asarray(shift(k, 8, 30.0)) for k in (2.5, 4.0, 6.5))
    np.testing.assert_allclose(one @ two, sum_, atol=1e-14)
    np.testing.assert_allclose(one @ one.T, np.eye(8), atol=1e-15)
    assert not np.allclose(one, np.eye(8))


def test_a_wrong_base_breaks_the_shift():
    """So that the identity is one of the encoding and its matrix together."""
    first = sinusoidal_encoding(np.arange(10.0), 8, 30.0)
    moved = sinusoidal_encoding(np.arange(10.0) + 3, 8, 30.0)
    assert np.max(np.abs(first @ shift(3, 8, 30.0).T - moved)) < 1e-14
    assert np.max(np.abs(first @ shift(3, 8, 31.0).T - moved)) > 1e-3
