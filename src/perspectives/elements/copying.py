"""The task of copying: random symbols, a separator, the same symbols again."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key

Model = Callable[[Int[Array, "tokens"]], Float[Array, "tokens vocabulary"]]


def copy_sequences(symbols: Int[Array, "batch length"], separator: int) -> Int[Array, "batch tokens"]:
    """Return each row of `symbols`, `separator`, and the row again: 2 length + 1 tokens."""
    middle = jnp.full((len(symbols), 1), separator)
    return jnp.concatenate([symbols, middle, symbols], axis=1)


class CopyBatches(eqx.Module):
    """Fresh sequences at every step; the last token of the vocabulary is the separator and is never a symbol."""

    vocabulary: int = eqx.field(static=True)
    length: int = eqx.field(static=True)
    size: int = eqx.field(static=True)
    steps: int = eqx.field(static=True)

    def draw(self, key: Key[Array, ""]) -> Int[Array, "steps size length"]:
        """Return the symbols of each batch of a round."""
        return jax.random.randint(key, (self.steps, self.size, self.length), 0, self.vocabulary - 1)

    def take(self, drawn: Int[Array, "size length"]) -> Int[Array, "size tokens"]:
        """Return the sequences of one batch."""
        return copy_sequences(drawn, self.vocabulary - 1)


def copy_losses(model: Model, sequences: Int[Array, "batch tokens"]) -> Float[Array, "batch length"]:
    """Return the cross-entropy of each token of the second half, given all before it, in nats.

    The first half is random: nothing can be learned from its loss, which is left out.
    """
    length = sequences.shape[1] // 2
    logits = jax.vmap(model)(sequences[:, :-1])[:, length:]
    return optax.losses.softmax_cross_entropy_with_integer_labels(logits, sequences[:, length + 1 :])


def mean_copy_loss(model: Model, sequences: Int[Array, "batch tokens"], key: object) -> Float[Array, ""]:
    """Return the mean of `copy_losses`, in nats a token: what training minimises. Nothing in it is random."""
    return copy_losses(model, sequences).mean()
