"""Where the batches of a training come from."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, PyTree, Shaped


@runtime_checkable
class Batches(Protocol):
    """Where batches come from: all draws of a round are made at its beginning, each becomes a batch when it is due."""

    @property
    def steps(self) -> int:
        """Return the number of batches in a round."""
        ...

    def draw(self, key: Key[Array, ""]) -> PyTree:
        """Return what decides the batches of one round, with a leading axis of `steps`."""
        ...

    def take(self, drawn: PyTree) -> PyTree:
        """Return the batch of one draw."""
        ...


class Epochs(eqx.Module):
    """Batches of `size` rows without replacement, all data shuffled anew each epoch.

    **Departs**: rows beyond the last whole batch are left out of that epoch (16 of CIFAR-10's 50,000 at size 64), other
    rows each time, so that all batches have one shape.
    """

    data: PyTree[Shaped[Array, "rows ..."]]
    size: int = eqx.field(static=True)

    def __check_init__(self) -> None:
        """Refuse batches larger than the data. JAX makes trees of things that are no arrays: those pass."""
        leaves = [leaf for leaf in jax.tree.leaves(self.data) if hasattr(leaf, "shape")]
        if leaves and not 0 < self.size <= self._rows:
            raise ValueError(f"batches of {self.size} cannot be taken from {self._rows} rows")

    @property
    def _rows(self) -> int:
        return jax.tree.leaves(self.data)[0].shape[0]

    @property
    def steps(self) -> int:
        """Return the number of whole batches in the data."""
        return self._rows // self.size

    def draw(self, key: Key[Array, ""]) -> Int[Array, "steps size"]:
        """Return the rows of each batch of an epoch."""
        rows = jax.random.permutation(key, self._rows)
        return rows[: self.steps * self.size].reshape(self.steps, self.size)

    def take(self, drawn: Int[Array, "size"]) -> PyTree:
        """Return the rows `drawn`."""
        return _taken(self.data, drawn)


class Passes(eqx.Module):
    """Batches of `size` rows, `steps` a round: passes over all rows, shuffled anew each, one after another.

    **Departs**: a batch goes on into the next pass where others' code has a smaller one, so that all have one shape,
    and a round begins a pass.
    """

    data: PyTree[Shaped[Array, "rows ..."]]
    size: int = eqx.field(static=True)
    steps: int = eqx.field(static=True)

    def draw(self, key: Key[Array, ""]) -> Int[Array, "steps size"]:
        """Return the rows of each batch of a round."""
        wanted, rows = self.steps * self.size, len(jax.tree.leaves(self.data)[0])
        passes = jax.vmap(lambda key: jax.random.permutation(key, rows))(jax.random.split(key, -(-wanted // rows)))
        return passes.ravel()[:wanted].reshape(self.steps, self.size)

    def take(self, drawn: Int[Array, "size"]) -> PyTree:
        """Return the rows `drawn`."""
        return _taken(self.data, drawn)


class WithReplacement(eqx.Module):
    """Batches of `size` rows, each drawn from all alike; `steps` of them make a round."""

    data: PyTree[Shaped[Array, "rows ..."]]
    size: int = eqx.field(static=True)
    steps: int = eqx.field(static=True)

    def draw(self, key: Key[Array, ""]) -> Int[Array, "steps size"]:
        """Return the rows of each batch of a round."""
        rows = len(jax.tree.leaves(self.data)[0])
        return jax.random.randint(key, (self.steps, self.size), 0, rows, jnp.int32)

    def take(self, drawn: Int[Array, "size"]) -> PyTree:
        """Return the rows `drawn`."""
        return _taken(self.data, drawn)


class Weighted(eqx.Module):
    """Batches of `size` rows drawn with replacement, with the probabilities `likely`; `steps` of them make a round."""

    data: PyTree[Shaped[Array, "rows ..."]]
    likely: Float[Array, "rows"]
    size: int = eqx.field(static=True)
    steps: int = eqx.field(static=True)

    def draw(self, key: Key[Array, ""]) -> Int[Array, "steps size"]:
        """Return the rows of each batch of a round."""
        return jax.random.choice(key, len(self.likely), (self.steps, self.size), p=self.likely)

    def take(self, drawn: Int[Array, "size"]) -> PyTree:
        """Return the rows `drawn`."""
        return _taken(self.data, drawn)


class Fresh(eqx.Module):
    """Batches of fresh draws, `sample(size, key=key)`, where data are a distribution; `steps` of them make a round."""

    sample: Callable[..., PyTree]
    size: int = eqx.field(static=True)
    steps: int = eqx.field(static=True)

    def draw(self, key: Key[Array, ""]) -> Key[Array, "steps"]:
        """Return a key a batch."""
        return jax.random.split(key, self.steps)

    def take(self, drawn: Key[Array, ""]) -> PyTree:
        """Return the batch of one key."""
        return self.sample(self.size, key=drawn)


def _taken(data: PyTree[Shaped[Array, "rows ..."]], drawn: Int[Array, "size"]) -> PyTree:
    return jax.tree.map(lambda leaf: leaf[drawn], data)
