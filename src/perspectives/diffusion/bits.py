"""Between pixels of finitely many levels and unbounded numbers: dequantisation, the logit, and bits per dimension.

A density of the unbounded numbers gives, with the logarithm of the map's determinant, one of dequantised pixels; its
mean over the dequantising noise bounds the logarithm of the pixels' probability from below (Jensen). So bits per
dimension of a bound are an upper bound of the bits per dimension of the pixels themselves.
"""

from math import log, log2

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

MARGIN = 0.05
"""What the logit keeps clear of at either end of [0, 1]; the released code's `alpha`."""
_SCALE = 1 - 2 * MARGIN


def dequantised(x: Float[Array, "*shape"], levels: int, noise: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Return pixels spread over the cells of their levels: in [0, 1), uniform in each cell when `noise` is in [0, 1).

    `x` in [0, 1] has the `levels` values k / (levels - 1).

    **Source**: released code, `train_img.py`, x 255 / 256 + noise / 256. **Departs**: for any number of levels.
    """
    return (x * (levels - 1) + noise) / levels


def to_logit(x: Float[Array, "*shape"]) -> tuple[Float[Array, "*shape"], Float[Array, ""]]:
    """Return the logit of u = .05 + .9 x for x in [0, 1], and the logarithm of the map's determinant over all entries.

    **Source**: released code, `LogitTransform`: log .9 - log u (1 - u), summed.
    """
    u = MARGIN + _SCALE * x
    return jnp.log(u) - jnp.log1p(-u), jnp.sum(log(_SCALE) - jnp.log(u) - jnp.log1p(-u))


def from_logit(y: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Return the inverse of `to_logit`: in [0, 1] where `y` came from there, as a sample need not have."""
    return (jax.nn.sigmoid(y) - MARGIN) / _SCALE


def bits_per_dim(
    log_density: Float[Array, "*batch"], log_determinant: Float[Array, "*batch"], dim: int, levels: int
) -> Float[Array, "*batch"]:
    """Return the bits that a dimension of the quantised pixels costs, given a log density of their logit in nats.

    **Source**: released code, `train_img.py`: 8 - (log density + log determinant) / (dim log 2). **Departs**: 8 is
    log2 of the levels.
    """
    return log2(levels) - (log_density + log_determinant) / (dim * log(2))
