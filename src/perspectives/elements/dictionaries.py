"""Soft dictionaries: look-ups of a query that mix the values of all keys, differentiable in everything."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Queries = Float[Array, "queries dim"]
Keys = Float[Array, "pairs dim"]
Values = Float[Array, "pairs features"]
Found = Float[Array, "queries features"]
Scalar = Float[Array, ""] | float


def soft_lookup(queries: Queries, keys: Keys, values: Values, temperature: Scalar) -> Found:
    """Return the values, weighted by the softmax of <query, key> / `temperature`.

    **Source**: Blondel and Roulet, chapter Data structures (not checked). With temperature sqrt(dim) it is the scaled
    dot-product attention of Vaswani et al. 2017, equation (1).
    """
    return jax.nn.softmax(queries @ keys.T / temperature, axis=1) @ values


def kernel_lookup(queries: Queries, keys: Keys, values: Values, width: Scalar) -> Found:
    """Return the values, weighted by a Gaussian kernel of standard deviation `width` between query and key.

    Weights are normalised in logarithms: far from all keys they are those of the nearest, where the plain ratio of
    sums would be 0 / 0.

    **Source**: Nadaraya 1964, Watson 1964: sum_i k(q - k_i) v_i / sum_i k(q - k_i).
    """
    squared_distances = jnp.sum((queries[:, None] - keys) ** 2, axis=-1)
    return jax.nn.softmax(-squared_distances / (2 * width**2), axis=1) @ values


def attention(
    queries: Queries, keys: Keys, values: Float[Array, "pairs dim"], scale: float, bias: Float[Array, "pairs"]
) -> Float[Array, "queries dim"]:
    """Return the attention of one head, softmax(`scale` <query, key> + `bias`) values, by JAX's own function.

    Its softmax is taken in float32 whatever the arguments are, so that weights carry an error of about 6e-8 times the
    largest logit. It wants values of as many features as keys.
    """
    heads = [one[None, :, None] for one in (queries, keys, values)]  # (batch, length, heads, features)
    found = jax.nn.dot_product_attention(*heads, bias=bias[None, None, None, :], scale=scale)
    return found[0, :, 0]


def key_norm_bias(keys: Keys, width: Scalar) -> Float[Array, "pairs"]:
    """Return the logits' bias that makes attention at scale 1 / width^2 the look-up by a Gaussian kernel.

    -|q - k|^2 / (2 width^2) = <q, k> / width^2 - |k|^2 / (2 width^2) - |q|^2 / (2 width^2), and softmax does not see
    the last term, which is one number a query. With keys of one norm the bias is not needed either.
    """
    return -jnp.sum(keys**2, axis=1) / (2 * width**2)
