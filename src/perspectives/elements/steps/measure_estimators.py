"""Measure estimators of a smoothed derivative, the Gumbel-perturbed maximum, and Gaussian smoothing on a grid."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float
from scipy.special import ndtri

from perspectives.elements import gradient_estimators, perturbations, smoothing
from perspectives.elements.conjugates import wavy_parabola
from perspectives.elements.gradient_estimators import ESTIMATORS, PATHWISE
from perspectives.elements.settings import EstimatorSettings
from perspectives.numerics.statistics import slope
from perspectives.numerics.streams import stream
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

MEAN, SIGMA = 3.5, 0.1
"""Where the companion code differentiates u^3, and its smoothing."""
SIGMAS = (1e-3, 10.0, 33)
DIMENSIONS = (1.0, 1e5, 26)
"""First, last and number of the smoothings, and of the numbers of coordinates, at equal ratios."""
SMALLEST_DRAWS, SIZES = 10, 7
SCORES = (1.0, 0.5, 0.0, -0.5, -1.5)
"""Of five classes, all with a fair chance."""
BATCHES = 100
"""Batches of Gumbel noise, by whose spread the derivatives' standard errors are found."""
HISTOGRAM_DRAWS = 10_000
"""Draws of the companion's figure of the Gumbel density."""
NOISE_VALUES = 2**15
"""Noisy arguments that closed forms are compared with: a jump costs 1.5e-5."""
SIGMOID_WIDTHS = (0.5, 1.0, 2.0)
DENOISING_WIDTHS = (0.25, 0.5, 1.0)


def cube(u: gradient_estimators.Number) -> gradient_estimators.Number:
    """Return u^3."""
    return u**3


def measure_estimators(
    *,
    settings: EstimatorSettings,
    seed: int,
    errors: Output,
    moments: Output,
    gumbel: Output,
    curves: Output,
    measures: Output,
) -> None:
    """Write errors by draws, moments by smoothing and dimension, Gumbel estimates, and curves of smoothed functions."""
    moment_table = _moments()
    moment_table.to_csv(moments, index=False)
    here = moment_table.query("sigma == @SIGMA and dimension == 1")
    mean, deviation = (dict(zip(here["estimator"], here[name], strict=True)) for name in ("mean", "deviation"))
    derivative, offset = 3 * MEAN**2, 3 * SIGMA**2
    biases = np.array([mean[name] - derivative for name in ESTIMATORS])

    error_table = _errors(settings, seed, mean, derivative)
    error_table.to_csv(errors, index=False)
    slopes = {
        name: slope(np.log(rows["draws"].to_numpy()), np.log(rows["error"].to_numpy()))
        for name, rows in error_table.groupby("estimator")
    }

    gumbel_table = _gumbel(settings, seed)
    gumbel_table.to_csv(gumbel, index=False)
    exact, estimate, error = gumbel_table[["exact", "estimate", "standard_error"]].to_numpy().T
    z = np.abs(estimate - exact) / error
    of_values = gumbel_table["quantity"].isin(["argmax", "maximum"]).to_numpy()

    found = _curves(seed)
    found.table.to_csv(curves, index=False, float_format="%.9g")

    widest = moment_table.query("dimension == dimension.max()")
    largest_dimension = dict(zip(widest["estimator"], widest["deviation"], strict=True))
    rows = [
        Measure(quantity="largest_bias_difference", value=float(np.max(np.abs(biases - offset)))),
        Measure(quantity="deviation_plain_over_forward", value=deviation["plain"] / deviation["forward"]),
        Measure(quantity="deviation_forward_over_pathwise", value=deviation["forward"] / deviation[PATHWISE]),
        Measure(quantity="furthest_slope", value=max(slopes.values(), key=lambda value: abs(value + 0.5))),
        Measure(quantity="gumbel_largest_z", value=float(z[of_values].max())),
        Measure(quantity="gumbel_derivatives_largest_z", value=float(z[~of_values].max())),
        Measure(quantity="companion_denoising_width", value=found.companion_width),
        Measure(quantity="denoising_width", value=found.width),
        Measure(quantity="companion_floor", value=float(np.max(np.abs(biases)))),
        Measure(quantity="sigmoids_minus_quadrature", value=found.sigmoid_difference),
        Measure(quantity="gumbel_density_mass", value=found.mass),
        Measure(quantity="gumbel_density_mean", value=found.mean),
    ]
    for name in ESTIMATORS:
        rows.append(Measure(quantity=f"deviation_{name}", value=deviation[name]))
        rows.append(Measure(quantity=f"deviation_{name}_largest_dimension", value=largest_dimension[name]))
        rows.append(Measure(quantity=f"slope_{name}", value=slopes[name]))
    write_measures(measures, rows)


def _moments() -> pd.DataFrame:
    """Return mean and deviation of each estimator, by the smoothing, and by the number of coordinates."""
    sigmas, dimensions = np.unique([*np.geomspace(*SIGMAS), SIGMA]), np.geomspace(*DIMENSIONS)

    @jax.jit
    def by_quadrature() -> tuple[dict, dict]:
        def of(name: str) -> gradient_estimators.Moments:
            return jax.vmap(lambda sigma: gradient_estimators.moments(name, cube, MEAN, sigma))(jnp.asarray(sigmas))

        def by_dimension(name: str) -> Float[Array, "sizes"]:
            sizes = jnp.asarray(dimensions)
            return gradient_estimators.deviation_in_dimensions(name, cube, MEAN, SIGMA, sizes)

        return {name: of(name) for name in ESTIMATORS}, {name: by_dimension(name) for name in ESTIMATORS}

    by_sigma, by_dimension = by_quadrature()
    parts = []
    for name in ESTIMATORS:
        mean, deviation = map(np.asarray, by_sigma[name])
        at = {"estimator": name, "sigma": sigmas, "dimension": 1.0, "mean": mean, "deviation": deviation}
        parts.append(pd.DataFrame(at))
        at = {"estimator": name, "sigma": SIGMA, "dimension": dimensions[1:], "mean": mean[sigmas == SIGMA][0]}
        parts.append(pd.DataFrame({**at, "deviation": np.asarray(by_dimension[name])[1:]}))
    return pd.concat(parts)


def _errors(settings: EstimatorSettings, seed: int, targets: dict[str, float], derivative: float) -> pd.DataFrame:
    """Return root mean square errors about the smoothed derivative, and about f' as in the companion code."""
    sizes = np.unique(np.geomspace(SMALLEST_DRAWS, settings.largest_draws, SIZES).round().astype(int)).tolist()
    key = stream(seed, "elements.estimators.normal")
    means = gradient_estimators.sample_means(cube, MEAN, SIGMA, sizes, settings.repetitions, key=key)

    def root_mean_square(errors: Float[np.ndarray, "sizes repetitions"]) -> Float[np.ndarray, "sizes"]:
        return np.sqrt(np.mean(errors**2, axis=1))

    return pd.concat(
        pd.DataFrame(
            {
                "estimator": name,
                "draws": sizes,
                "error": root_mean_square(found - targets[name]),
                "error_from_derivative": root_mean_square(found - derivative),
            }
        )
        for name, found in zip(ESTIMATORS, means, strict=True)
    )


def _gumbel(settings: EstimatorSettings, seed: int) -> pd.DataFrame:
    """Return exact values, estimates and standard errors: exact ones for the values, by batches for derivatives."""
    scores = jnp.asarray(np.array(SCORES))
    draws = settings.gumbel_draws // BATCHES * BATCHES
    exact = jax.tree.map(np.asarray, jax.jit(perturbations.exact)(scores))
    key = stream(seed, "elements.estimators.gumbel")
    found = jax.tree.map(np.asarray, perturbations.estimated(scores, draws=draws, batches=BATCHES, key=key))
    errors = perturbations.Perturbed(
        np.sqrt(exact.argmax * (1 - exact.argmax) / draws),
        np.pi / np.sqrt(6 * draws),  # the maximum is a Gumbel variable itself, of variance pi^2 / 6
        *(one.std(axis=0, ddof=1) / np.sqrt(BATCHES) for one in (found.argmax_jacobian, found.maximum_gradient)),
    )
    return pd.concat(
        pd.DataFrame(
            {
                "quantity": name,
                "index": range(np.size(expected)),
                "exact": np.ravel(expected),
                "estimate": np.ravel(estimates.mean(axis=0)),
                "standard_error": np.ravel(error),
            }
        )
        for name, expected, estimates, error in zip(exact._fields, exact, found, errors, strict=True)
    )


class _Curves(NamedTuple):
    """What is drawn, and what was found on the way."""

    table: pd.DataFrame
    width: float
    companion_width: float
    sigmoid_difference: float
    mass: float
    mean: float


def _curves(seed: int) -> _Curves:
    """Return smoothed functions as curves, the Gumbel density, and how far filters and closed forms are off."""
    parts = []

    def draw(panel: str, series: str, x: Float[np.ndarray, "points"], y: Float[np.ndarray, "points"]) -> None:
        parts.append(pd.DataFrame({"panel": panel, "series": series, "x": x, "y": y}))

    x = np.linspace(-3, 3, 241)
    draw("relu", "hard", x, np.maximum(x, 0))
    draw("step", "hard", x, np.where(x >= 0, 1.0, 0.0))
    smoothed_relu, smoothed_step = jax.jit(smoothing.smoothed_relu), jax.jit(smoothing.smoothed_step)
    noise, few = ndtri(smoothing.quantile_levels(NOISE_VALUES)), x[::20]
    differences = []
    for sigma in SIGMOID_WIDTHS:
        noisy = few[:, None] + sigma * noise
        for panel, smoothed, values in (
            ("relu", smoothed_relu, np.maximum(noisy, 0)),
            ("step", smoothed_step, np.where(noisy >= 0, 1.0, 0.0)),
        ):
            form, mean = np.asarray(smoothed(x, sigma)), values.mean(axis=1)
            draw(panel, f"{sigma:g}", x, form)
            draw(panel, f"{sigma:g} mean", few, mean)
            differences.append(np.max(np.abs(form[::20] - mean)))

    x = np.linspace(-4, 4, 1000)
    spacing = x[1] - x[0]
    margin = int(np.ceil(smoothing.TRUNCATION * max(DENOISING_WIDTHS) / spacing))
    wide = x[0] + spacing * np.arange(-margin, len(x) + margin)
    draw("denoising", "signal", x, wavy_parabola(x))
    for sigma in DENOISING_WIDTHS:
        filtered = smoothing.gaussian_filter(wavy_parabola(wide), spacing, sigma)[margin:-margin]
        draw("denoising", f"{sigma:g}", x, filtered)
        draw("denoising", f"{sigma:g} companion", x, smoothing.companion_filter(wavy_parabola(x), sigma))
        draw("denoising", f"{sigma:g} closed form", x, smoothing.smoothed_wavy_parabola(x, sigma))
    impulse = np.zeros(len(x))
    impulse[len(x) // 2] = 1
    sigma = DENOISING_WIDTHS[1]
    responses = {
        "filter": smoothing.gaussian_filter(impulse, spacing, sigma),
        "companion": smoothing.companion_filter(impulse, sigma),
    }
    for name, response in responses.items():
        draw("impulse", name, x[::5], response[::5] / spacing)
    widths = [smoothing.effective_width(response, spacing) / sigma for response in responses.values()]

    z = np.linspace(-4, 20, 4801)
    density = perturbations.density(z)
    shown = z <= 4
    draw("gumbel", "density", z[shown][::10], density[shown][::10])
    noise = np.asarray(jax.random.gumbel(stream(seed, "elements.estimators.histogram"), (HISTOGRAM_DRAWS,)))
    noise = noise - np.euler_gamma
    heights, edges = np.histogram(noise, bins=40, range=(-4, 4))
    draw("gumbel", "histogram", (edges[1:] + edges[:-1]) / 2, heights / HISTOGRAM_DRAWS / (edges[1] - edges[0]))
    for name, at in (("mean", 0.0), ("mode", -np.euler_gamma), ("sample mean", float(noise.mean()))):
        draw("gumbel", name, np.array([at]), perturbations.density(np.array([at])))
    width, companion_width = widths
    mass, mean = (float(np.trapezoid(density * z**k, z)) for k in (0, 1))
    return _Curves(pd.concat(parts), width, companion_width, float(max(differences)), mass, mean)
