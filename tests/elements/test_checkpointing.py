from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.elements import checkpointing


@cache
def fewest_advances(length, checkpoints):
    """The least number of forward steps by dynamic programming over the place of the next checkpoint."""
    if length == 1:
        return 0
    if checkpoints == 1:
        return length * (length - 1) // 2
    return min(
        place + fewest_advances(length - place, checkpoints - 1) + fewest_advances(place, checkpoints)
        for place in range(1, length)
    )


@pytest.mark.parametrize("checkpoints", [1, 2, 3, 5, 20])
def test_fewest_evaluations_are_those_of_dynamic_programming(checkpoints):
    for length in range(1, 16):
        expected = fewest_advances(length, checkpoints) + length
        assert checkpointing.fewest_evaluations(length, checkpoints) == expected


def test_no_schedule_changes_the_gradient():
    start, coupling = jax.random.normal(jax.random.key(0), (2, 5))
    tape, *others = (
        np.concatenate(jax.jit(checkpointing.ring_gradient, static_argnums=(2, 3))(coupling, start, 12, schedule))
        for schedule in ("tape", "blocks", 3)
    )
    for other in others:
        np.testing.assert_allclose(other, tape, rtol=1e-13)  # rounding: XLA may fuse otherwise
    expected = jax.grad(lambda start: jnp.sum(_by_hand(coupling, start, 12) ** 2) / 2)(start)
    np.testing.assert_allclose(tape[5:], expected, rtol=1e-13)


def _by_hand(coupling, state, length):
    for _ in range(length):
        state = state + 0.01 * (jnp.tanh(coupling * jnp.roll(state, 1)) - state)
    return state


def test_evaluations_are_counted():
    assert checkpointing.evaluations(36, "tape") == 36
    assert checkpointing.evaluations(36, "blocks") == 2 * 36
    counted = checkpointing.evaluations(36, 4)
    assert checkpointing.fewest_evaluations(36, 4) <= counted < 6 * 36


@pytest.mark.parametrize(("length", "size"), [(36, 6), (48, 6), (7, 1), (4096, 64)])
def test_blocks_divide_the_length(length, size):
    assert checkpointing.block_size(length) == size


def test_there_must_be_a_checkpoint():
    with pytest.raises(ValueError, match="at least 1 checkpoint, got 0"):
        checkpointing.iterate(jnp.sin, jnp.ones(()), 4, 0)
