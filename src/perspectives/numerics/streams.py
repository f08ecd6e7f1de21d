"""Named random streams from one root seed."""

import hashlib

import jax
from jaxtyping import Array, Key


def stream(seed: int, name: str) -> Key[Array, ""]:
    """Return the key of the stream `name` under the root `seed`.

    The name is hashed with SHA-256, never with Python's `hash`, which is salted per process. Arms of a comparison
    that should be paired ask for the same name.
    """
    tag = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    return jax.random.fold_in(jax.random.key(seed), tag)
