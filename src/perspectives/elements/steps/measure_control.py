"""Measure soft comparisons, soft logic and soft branches, ours and the companion code's."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax.scipy.stats import norm
from jaxtyping import Array, Float
from scipy.special import logit, ndtri

from perspectives.elements import branches, comparisons
from perspectives.elements.logic import LOGICS, violations
from perspectives.elements.smoothing import quantile_levels
from perspectives.numerics.streams import stream
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

Points = Float[Array, "points"] | Float[np.ndarray, "points"]

LOGIC_POINTS = 21
"""Truth values in [0, 1] at which the laws of logic are checked."""
CLAIMED_LAWS = ("corners", "associativity", "de_morgan")
WIDTHS = (1.0, 0.5, 0.1)
"""Standard deviations of the companion code's plot_global_vs_local_smoothing."""
NOISE_VALUES = 2**15
"""Noises behind an expectation: the indicator's two jumps cost at most 1 / 32768 = 3.1e-5."""
THRESHOLD = 1.0
PROBE = 2.0
"""Where the findings about soft thresholding are read off: one of the points that are drawn."""
SMALLEST_GAP = -6
"""Of the means of two Gaussian variables: that of the companion code's, 3 and 9. The largest gap is 0."""
DRAWS = 500_000
SURFACE_POINTS = 41


def measure_control(*, seed: int, curves: Output, surfaces: Output, measures: Output) -> None:
    """Write curves by panel, comparisons and connectives over the plane, and distances from laws and expectations."""
    compared = _comparisons()
    smoothed = _smoothed()
    thresholded = _thresholded()
    ordered = _ordered(seed)
    pd.concat([compared, smoothed, thresholded, ordered]).to_csv(curves, index=False, float_format="%.9g")
    _surfaces().to_csv(surfaces, index=False, float_format="%.9g")

    grid = np.linspace(0.0, 1.0, LOGIC_POINTS)
    broken = jax.jit(lambda grid: {name: violations(logic, grid) for name, logic in LOGICS.items()})(grid)
    laws = {law: max(float(of[law]) for of in broken.values()) for law in broken["extremum"]}
    distances = {
        (noise, kind, sigma): _largest_gap(smoothed, f"{noise} {sigma:g}", kind, "expectation")
        for noise in ("gaussian", "logistic")
        for kind in ("global", "local")
        for sigma in WIDTHS
    }
    whole, parts = (max(distances["gaussian", kind, sigma] for sigma in WIDTHS) for kind in ("global", "local"))

    probed = thresholded.query("x == @PROBE").set_index(["panel", "series"])["y"].to_dict()
    variance, companion_variance = (probed[panel, "deviation"] ** 2 for panel in ("argmax", "argmax, companion"))
    order = {str(name): rows["y"].to_numpy() for name, rows in ordered.groupby("series")}
    z = np.abs(order["frequency"] - order["probability"]) / order["standard error"]
    write_measures(
        measures,
        [
            Measure(quantity="largest_logic_violation", value=max(laws[law] for law in CLAIMED_LAWS)),
            *(Measure(quantity=f"largest_{law}_violation", value=value) for law, value in laws.items()),
            Measure(quantity="global_minus_expectation", value=whole),
            Measure(quantity="local_minus_expectation", value=parts),
            Measure(quantity="global_over_local_error", value=whole / parts),
            *(
                Measure(quantity=f"{kind}_minus_expectation_{noise}_{sigma:g}", value=value)
                for (noise, kind, sigma), value in distances.items()
            ),
            Measure(quantity="companion_equality_gap", value=_largest_gap(compared, "equal", "companion", "logistic")),
            Measure(
                quantity="logistic_minus_gaussian_equality",
                value=_largest_gap(compared, "equal", "gaussian", "logistic"),
            ),
            Measure(quantity="companion_variance_over_true", value=companion_variance / variance),
            Measure(quantity="companion_variance", value=companion_variance),
            Measure(quantity="true_variance", value=variance),
            Measure(quantity="companion_weight_sum", value=probed["steps, companion", "sum of weights"]),
            Measure(quantity="weight_sum", value=probed["steps", "sum of weights"]),
            Measure(quantity="order_probability", value=float(order["probability"][0])),
            Measure(quantity="order_largest_z", value=float(z.max())),
        ],
    )


def _curve(panel: str, series: str, x: Points, y: Points) -> pd.DataFrame:
    return pd.DataFrame({"panel": panel, "series": series, "x": np.asarray(x), "y": np.asarray(y)})


def _largest_gap(curves: pd.DataFrame, panel: str, one: str, other: str) -> float:
    series = {name: rows["y"].to_numpy() for name, rows in curves.query("panel == @panel").groupby("series")}
    return float(np.max(np.abs(series[one] - series[other])))


def _comparisons() -> pd.DataFrame:
    """Return greater and equal than zero, soft and hard, along a line."""
    x = np.linspace(-3.0, 3.0, 601)
    operators = {
        ("greater", "hard"): comparisons.hard_greater,
        ("greater", "logistic"): comparisons.logistic_greater,
        ("greater", "gaussian"): comparisons.gaussian_greater,
        ("equal", "hard"): comparisons.hard_equal,
        ("equal", "logistic"): comparisons.logistic_equal,
        ("equal", "gaussian"): comparisons.gaussian_equal,
        ("equal", "companion"): comparisons.companion_logistic_equal,
    }
    found = jax.jit(lambda u, v: [operator(u, v) for operator in operators.values()])(x, np.zeros_like(x))
    return pd.concat(_curve(panel, series, x, y) for (panel, series), y in zip(operators, found, strict=True))


def _surfaces() -> pd.DataFrame:
    """Return comparisons on [0, 4]^2 and connectives on the unit square."""
    operators: dict[str, tuple[float, Callable]] = {
        "hard greater": (4.0, comparisons.hard_greater),
        "hard equal": (4.0, comparisons.hard_equal),
        "logistic greater": (4.0, comparisons.logistic_greater),
        "logistic equal": (4.0, comparisons.logistic_equal),
    }
    for name, logic in LOGICS.items():
        operators |= {f"{name} and": (1.0, logic.conjunction), f"{name} or": (1.0, logic.disjunction)}
    unit = np.linspace(0.0, 1.0, SURFACE_POINTS)
    grids = {name: np.meshgrid(side * unit, side * unit, indexing="ij") for name, (side, _) in operators.items()}
    found = jax.jit(lambda grids: {name: operator(*grids[name]) for name, (_, operator) in operators.items()})(grids)
    return pd.concat(
        pd.DataFrame({"operator": name, "u": np.ravel(u), "v": np.ravel(v), "value": np.ravel(found[name])})
        for name, (u, v) in grids.items()
    )


def _smoothed() -> pd.DataFrame:
    """Return the indicator of [-1, 1) smoothed as a whole and in parts, beside its expectation, by noise and width."""
    points = np.linspace(-3.0, 3.0, 121)
    levels = quantile_levels(NOISE_VALUES)
    noises = {"gaussian": (norm.cdf, ndtri(levels)), "logistic": (jax.nn.sigmoid, logit(levels))}

    @jax.jit
    def of(x: Float[Array, "points"], sigma: Float[Array, ""]) -> dict[str, dict[str, Float[Array, "points"]]]:
        return {
            name: {
                "hard": branches.indicator(x),
                "local": branches.local_smoothing(sigmoid, x, sigma),
                "global": branches.global_smoothing(sigmoid, x, sigma),
                "expectation": branches.expected_indicator(x, sigma, jnp.asarray(noise)),
            }
            for name, (sigmoid, noise) in noises.items()
        }

    return pd.concat(
        _curve(f"{noise} {sigma:g}", series, points, y)
        for sigma in WIDTHS
        for noise, by_series in of(points, sigma).items()
        for series, y in by_series.items()
    )


def _thresholded() -> pd.DataFrame:
    """Return mean, deviation and sum of weights of soft thresholding, ours and the companion code's."""
    points = np.linspace(-5.0, 5.0, 201)

    @jax.jit
    def of(x: Float[Array, "points"]) -> dict[str, dict[str, Float[Array, "points"]]]:
        found = {}
        for panel, mixture, moments in (
            ("argmax", branches.threshold_by_argmax, branches.moments),
            ("argmax, companion", branches.threshold_by_argmax, branches.companion_moments),
            ("steps", branches.threshold_by_steps, branches.moments),
            ("steps, companion", branches.companion_threshold_by_steps, branches.companion_moments),
        ):
            by_branch = mixture(x, THRESHOLD)
            mean, variance = moments(by_branch)
            weights = by_branch.probabilities.sum(axis=0)
            found[panel] = {"mean": mean, "deviation": jnp.sqrt(variance), "sum of weights": weights}
            found[panel]["hard"] = branches.soft_threshold(x, THRESHOLD)
        return found

    return pd.concat(
        _curve(panel, series, points, y) for panel, by_series in of(points).items() for series, y in by_series.items()
    )


def _ordered(seed: int) -> pd.DataFrame:
    """Return P(U > V) by the gap of the means, exactly and by frequency."""
    gaps = np.arange(SMALLEST_GAP, 1.0)
    noise = np.asarray(jax.random.normal(stream(seed, "elements.control.order"), (DRAWS, 2)))
    probability = np.asarray(jax.jit(comparisons.gaussian_order)(gaps, np.zeros_like(gaps)))
    frequency = branches.order_frequencies(gaps, noise)
    error = np.sqrt(probability * (1 - probability) / DRAWS)
    columns = {"probability": probability, "frequency": frequency, "standard error": error}
    return pd.concat(_curve("order", name, gaps, y) for name, y in columns.items())
