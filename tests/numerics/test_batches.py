import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.numerics.batches import Epochs, Passes, Weighted, WithReplacement


def test_batches_larger_than_the_data_are_refused():
    with pytest.raises(ValueError, match="batches of 5 cannot be taken from 4 rows"):
        Epochs(jnp.zeros((4, 2)), 5)


def test_passes_take_all_rows_before_any_comes_again():
    drawn = np.asarray(Passes(jnp.arange(5), 3, 10).draw(jax.random.key(0))).ravel()
    assert drawn.size == 30
    for start in range(0, 30, 5):
        assert sorted(drawn[start : start + 5]) == list(range(5))
    assert len({tuple(drawn[start : start + 5]) for start in range(0, 30, 5)}) > 1


@pytest.mark.parametrize(
    ("batches", "likely"),
    [
        pytest.param(lambda data: WithReplacement(data, 3, 2), [0.25] * 4, id="alike"),
        pytest.param(
            lambda data: Weighted(data, jnp.array([0, 0.5, 0.3, 0.2]), 3, 2), [0, 0.5, 0.3, 0.2], id="weighted"
        ),
    ],
)
def test_rows_are_drawn_as_often_as_they_are_likely(batches, likely):
    one = batches({"row": jnp.arange(4), "double": 2 * jnp.arange(4)})
    draws = jax.jit(jax.vmap(one.draw))(jax.random.split(jax.random.key(0), 5000))
    assert draws.shape == (5000, 2, 3)
    counts, expected = np.bincount(np.asarray(draws).ravel(), minlength=4), 30_000 * np.array(likely)
    # Four deviations of a count of 30,000 draws.
    assert np.all(np.abs(counts - expected) <= 4 * np.sqrt(expected * (1 - np.array(likely))))
    taken = one.take(draws[0, 0])
    np.testing.assert_array_equal(taken["double"], 2 * np.asarray(draws[0, 0]))
