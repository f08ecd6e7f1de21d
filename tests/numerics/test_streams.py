import subprocess
import sys

import jax
import numpy as np

from perspectives.numerics.streams import stream


def draws(seed, name):
    return np.asarray(jax.random.normal(stream(seed, name), (4,)))


def test_streams_differ_by_name_and_seed_and_repeat():
    np.testing.assert_array_equal(draws(0, "a"), draws(0, "a"))
    assert not np.array_equal(draws(0, "a"), draws(0, "b"))
    assert not np.array_equal(draws(0, "a"), draws(1, "a"))


def test_a_stream_is_the_same_in_another_process():
    """Python's own hash of a string is salted per process."""
    code = "import jax; from perspectives.numerics.streams import stream; print(jax.random.key_data(stream(3, 'x')))"
    printed = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout for _ in range(2)}
    assert printed == {f"{jax.random.key_data(stream(3, 'x'))}\n"}
