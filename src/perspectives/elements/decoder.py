"""A small causal decoder of tokens."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int, Key

from perspectives.elements.positions import sinusoidal_encoding

HEADS = 4
LAYERS = 2
EXPANSION = 2
"""Hidden units of a block's perceptron over its width."""
BASE = 30.0
"""Base of the encoding; the companion code's, which suits short sequences."""

Tokens = Int[Array, "length"]


class Block(eqx.Module):
    """Causal self-attention and a perceptron, each normalised before and added after."""

    attention_norm: eqx.nn.LayerNorm
    attention: eqx.nn.MultiheadAttention
    perceptron_norm: eqx.nn.LayerNorm
    perceptron: eqx.nn.MLP

    def __init__(self, width: int, dtype: DTypeLike, *, key: Key[Array, ""]):
        """Draw the weights of one block."""
        of_attention, of_perceptron = jax.random.split(key)
        self.attention_norm = eqx.nn.LayerNorm(width, dtype=dtype)
        self.attention = eqx.nn.MultiheadAttention(HEADS, width, dtype=dtype, key=of_attention)
        self.perceptron_norm = eqx.nn.LayerNorm(width, dtype=dtype)
        self.perceptron = eqx.nn.MLP(
            width, width, EXPANSION * width, 1, activation=jax.nn.gelu, dtype=dtype, key=of_perceptron
        )

    def __call__(self, x: Float[Array, "length width"]) -> Float[Array, "length width"]:
        """Return the features of each token, to which only tokens before it and itself contributed."""
        causal = jnp.tri(len(x), dtype=bool)
        normed = jax.vmap(self.attention_norm)(x)
        x = x + self.attention(normed, normed, normed, mask=causal)
        return x + jax.vmap(self.perceptron)(jax.vmap(self.perceptron_norm)(x))


class Decoder(eqx.Module):
    """Logits of the next token after each token.

    **Source**: Vaswani et al. 2017; normalised before each part, and logits by the embedding's own table, as in the
    companion code (transformers/decoder_transformer).
    **Departs**: its attention has an output projection, which the companion's lacks; encodings are sinusoids.
    """

    embedding: eqx.nn.Embedding
    blocks: Block
    norm: eqx.nn.LayerNorm

    def __init__(self, vocabulary: int, width: int, dtype: DTypeLike, *, key: Key[Array, ""]):
        """Draw all weights."""
        of_embedding, of_blocks = jax.random.split(key)
        # Rows of about unit norm, as the encodings have; logits, products with them, start near the loss of guessing.
        table = jax.random.normal(of_embedding, (vocabulary, width), dtype) / width**0.5
        self.embedding = eqx.nn.Embedding(weight=table)
        # All blocks in one, with a leading axis: they are compiled once.
        self.blocks = eqx.filter_vmap(lambda key: Block(width, dtype, key=key))(jax.random.split(of_blocks, LAYERS))
        self.norm = eqx.nn.LayerNorm(width, dtype=dtype)

    def embedded(self, tokens: Tokens) -> Float[Array, "length width"]:
        """Return each token's row of the table plus the encoding of its position."""
        table = self.embedding.weight
        width = table.shape[1]
        positions = sinusoidal_encoding(np.arange(len(tokens)), width, BASE) / np.sqrt(width / 2)  # of unit norm
        return table[tokens] + positions.astype(table.dtype)

    def logits(self, x: Float[Array, "length width"]) -> Float[Array, "length vocabulary"]:
        """Return the logits of the token that follows each of the embedded ones."""
        weights, static = eqx.partition(self.blocks, eqx.is_array)
        x, _ = jax.lax.scan(lambda x, block: (eqx.combine(block, static)(x), None), x, weights)
        return jax.vmap(self.norm)(x) @ self.embedding.weight.T

    def __call__(self, tokens: Tokens) -> Float[Array, "length vocabulary"]:
        """Return the logits of the token that follows each of `tokens`."""
        return self.logits(self.embedded(tokens))


def dependence(decoder: Decoder, tokens: Tokens) -> Float[Array, "length length"]:
    """Return the norm of the derivative of each position's logits (row) by each position's embedding (column)."""
    jacobian = jax.jacrev(decoder.logits)(decoder.embedded(tokens))
    return jnp.sqrt(jnp.sum(jacobian**2, axis=(1, 3)))
