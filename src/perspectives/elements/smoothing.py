"""Smoothing a function by convolution with a Gaussian: closed forms, and filters on a grid."""

import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Array, Float
from scipy.ndimage import gaussian_filter1d

Points = Float[Array, "*points"]
Scalar = Float[Array, ""] | float
Grid = Float[np.ndarray, "points"]

TRUNCATION = 8.0
"""Standard deviations at which the filter's kernel ends; the rest of a Gaussian is below 1e-15."""
COMPANION_KERNEL = (-5.0, 5.0, 1000)
"""Ends and number of points of the companion code's kernel, whatever the signal's grid is."""


def quantile_levels(count: int) -> Grid:
    """Return the levels (k + 1/2) / `count`: quantiles of noise at these levels are `count` values of equal weight.

    The mean of f(x + sigma z) over them is the midpoint rule in the probability. Each jump of f by one costs it at most
    1 / (2 `count`), wherever the jump is; Gauss-Hermite quadrature has no such bound for a program with branches.
    """
    return (np.arange(count) + 0.5) / count


def smoothed_step(x: Points, sigma: Scalar) -> Points:
    """Return E[1 if x + sigma Z >= 0 else 0] = P(Z >= -x / sigma)."""
    return norm.cdf(x / sigma)


def smoothed_relu(x: Points, sigma: Scalar) -> Points:
    """Return E[max(x + sigma Z, 0)] = x cdf(x / sigma) + sigma pdf(x / sigma), with the smoothed step as derivative."""
    return x * norm.cdf(x / sigma) + sigma * norm.pdf(x / sigma)


def smoothed_wavy_parabola(x: Grid, sigma: float) -> Grid:
    """Return E f(x + sigma Z) of `conjugates.wavy_parabola`: it rises by sigma^2, and its wave all but vanishes."""
    return x**2 + sigma**2 + 0.3 * np.exp(-((6 * np.pi * sigma) ** 2) / 2) * np.sin(6 * np.pi * x)


def gaussian_filter(values: Grid, spacing: float, sigma: float) -> Grid:
    """Return `values`, given every `spacing`, smoothed with a Gaussian of deviation `sigma`, in the same unit."""
    return gaussian_filter1d(values, sigma / spacing, mode="nearest", truncate=TRUNCATION)


def companion_filter(values: Grid, sigma: float) -> Grid:
    """Return what the companion code makes of `values`, whose spacing it does not ask for.

    **Source**: plot_denoising: a kernel at 1000 points of [-5, 5], its own spacing, convolved with a signal at 1000
    points of [-4, 4]. Point meets point, so that the kernel shrinks by the ratio of spacings, 8 / 10. Beyond the ends
    the signal counts as 0.
    """
    kernel = np.exp(-0.5 * (np.linspace(*COMPANION_KERNEL) / sigma) ** 2)
    return np.convolve(values, kernel / kernel.sum(), mode="same")


def effective_width(response: Grid, spacing: float) -> float:
    """Return the standard deviation of a filter's `response` to a unit impulse, in the unit of `spacing`."""
    at = spacing * np.arange(len(response))
    mean = response @ at / response.sum()
    return float(np.sqrt(response @ (at - mean) ** 2 / response.sum()))
