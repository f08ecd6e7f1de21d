"""Convex conjugates: in closed form, and on a grid with a log-sum-exp in place of the maximum."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float
from numpy import ndarray
from scipy.spatial import ConvexHull
from scipy.special import xlogy

AnyArray = Array | ndarray


def negative_binary_entropy(u: Float[ndarray, "..."]) -> Float[ndarray, "..."]:
    """Return f(u) = u log u + (1 - u) log(1 - u) in nats, for u in [0, 1].

    Its conjugate is f*(v) = sup_u (u v - f(u)) = log(1 + exp v), met at u = 1 / (1 + exp(-v)).
    """
    return xlogy(u, u) + xlogy(1 - u, 1 - u)


def softplus(v: Float[ndarray, "..."]) -> Float[ndarray, "..."]:
    """Return log(1 + exp v), the conjugate of the negative binary entropy, in nats."""
    return np.logaddexp(0.0, v)


def wavy_parabola(x: Float[ndarray, "..."]) -> Float[ndarray, "..."]:
    """Return x^2 + 0.3 sin(6 pi x), which is not convex. **Source**: companion, plot_smoothed_biconjugate."""
    return x**2 + 0.3 * np.sin(6 * np.pi * x)


def convex_hull(grid: Float[ndarray, "points"], values: Float[ndarray, "points"]) -> Float[ndarray, "points"]:
    """Return on `grid` the greatest convex function below `values`: the biconjugate of the sampled function."""
    hull = ConvexHull(np.stack([grid, values], axis=1))
    lower = np.unique(hull.simplices[hull.equations[:, 1] < 0])  # the outward normal points down
    return np.interp(grid, grid[lower], values[lower])


@jax.jit
def smoothed_conjugate(
    grid: Float[AnyArray, "points"],
    values: Float[AnyArray, "points"],
    slopes: Float[AnyArray, "slopes"],
    smoothing: Float[Array, ""] | float,
) -> Float[Array, "slopes"]:
    """Return f*_eps(v) = eps log int exp((u v - f(u)) / eps) du at `slopes`, by the trapezoid's rule.

    It is convex in v, as a log-sum-exp of linear functions, and tends to the conjugate as eps falls.

    **Source**: Blondel and Roulet, chapter Smoothing by integration (not checked).
    **Departs**: the companion multiplies exp((u^2 / 2 - f) / eps) by a Gaussian kernel, which underflows for small eps;
    completing the square in the exponent, after the logarithm, does not.
    """
    weights = jnp.full_like(values, grid[1] - grid[0]).at[jnp.array([0, -1])].multiply(0.5)
    return smoothing * logsumexp((slopes[:, None] * grid - values) / smoothing, b=weights, axis=1)


def companion_conjugate(
    grid: Float[ndarray, "points"], values: Float[ndarray, "points"], smoothing: float
) -> Float[ndarray, "points"]:
    """Return the smoothed conjugate, at slopes on `grid`, as the companion's convolution computes it.

    The kernel is sampled on the same grid as the function. With an even number of points no sample of it is at zero,
    and the result is that of slopes half a cell aside; with an odd number it is right, up to eps log of the cell's
    width, which a second conjugation takes back.

    **Source**: companion, smoothing_by_integration/plot_smoothed_biconjugate.
    """
    kernel = np.exp(-(grid**2) / (2 * smoothing))
    smoothed = np.convolve(kernel, np.exp((grid**2 / 2 - values) / smoothing), mode="same")
    return smoothing * np.log(smoothed) + grid**2 / 2
