"""How far samples are from data: Wasserstein distances, exact on the line and averaged over lines in the plane."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


def wasserstein(x: Float[Array, "n"], y: Float[Array, "n"], *, power: float = 1.0) -> Float[Array, ""]:
    """Return the Wasserstein distance W_p between two samples of equal size on the line.

    **Source**: sorted samples are matched in order; (mean |x_(i) - y_(i)|^p)^(1/p).
    """
    return jnp.mean(jnp.abs(jnp.sort(x) - jnp.sort(y)) ** power) ** (1 / power)


def sliced_wasserstein(
    x: Float[Array, "n dim"], y: Float[Array, "n dim"], *, directions: int = 128, key: Key[Array, ""]
) -> Float[Array, ""]:
    """Return the sliced W2 between two samples of equal size: the root of the mean of W2^2 over random lines.

    **Source**: Bonneel et al. 2015. Distances with one `key` use the same lines.
    """
    lines = jax.random.normal(key, (directions, x.shape[1]), x.dtype)
    lines = lines / jnp.linalg.norm(lines, axis=1, keepdims=True)
    squares = jax.lax.map(lambda line: wasserstein(x @ line, y @ line, power=2.0) ** 2, lines)
    return jnp.sqrt(squares.mean())
