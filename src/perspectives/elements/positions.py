"""Sinusoidal encodings of positions, and the three identities that they were chosen for."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Real

Positions = Real[Array, "length"] | Real[np.ndarray, "length"]


def frequencies(width: int, base: float) -> Float[np.ndarray, "pairs"]:
    """Return the angle by which each pair of features turns from one position to the next, in radians."""
    return base ** (-np.arange(0, width, 2) / width)


def sinusoidal_encoding(positions: Positions, width: int, base: float) -> Float[Array, "length width"]:
    """Return one row a position: sines in the even columns, cosines in the odd ones.

    **Source**: Vaswani et al. 2017, section 3.5: P[i, 2j] = sin(i / base^(2j / width)), P[i, 2j + 1] the cosine.
    """
    angles = jnp.asarray(positions)[:, None] * frequencies(width, base)
    pairs = jnp.stack([jnp.sin(angles), jnp.cos(angles)], axis=-1)
    return pairs.reshape(len(positions), 2 * len(angles[0]))[:, :width]


def shift(offset: float | int, width: int, base: float) -> Float[Array, "width width"]:
    """Return the matrix that takes the encoding of any position i to that of i + `offset`: a rotation of each pair.

    `width` is even here; an odd one leaves a sine without its cosine.
    """
    angles = offset * frequencies(width, base)
    blocks = jnp.array([[jnp.cos(angles), jnp.sin(angles)], [-jnp.sin(angles), jnp.cos(angles)]])
    return jax.scipy.linalg.block_diag(*jnp.moveaxis(blocks, -1, 0))


def identity_differences(length: int, width: int, base: float, offset: int) -> dict[str, Float[Array, ""]]:
    """Return how far the encodings are from one norm, from inner products of the offset alone, and from `shift`.

    sin^2 + cos^2 = 1 gives |P_i|^2 = width / 2; the cosine of a difference gives <P_i, P_j> = sum over pairs of
    cos((i - j) frequency); the sine and cosine of a sum give P_(i + k) = shift(k) P_i.
    """
    encoding = sinusoidal_encoding(np.arange(length + offset), width, base)
    first = encoding[:length]
    gram = first @ first.T
    offsets = np.arange(length)[:, None] - np.arange(length)
    by_offset = jnp.cos(np.arange(length)[:, None] * frequencies(width, base)).sum(1)
    shifted = first @ shift(offset, width, base).T
    return {
        "norm": jnp.max(jnp.abs(jnp.linalg.norm(first, axis=1) - np.sqrt(width / 2))),
        "inner_product": jnp.max(jnp.abs(gram - by_offset[np.abs(offsets)])),
        "shift": jnp.max(jnp.abs(shifted - encoding[offset:])),
    }
