"""Measure what smoothing by optimization rests on: duality, Danskin's theorem, bounds, envelopes, biconjugates."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float, Key
from scipy.special import expit

from perspectives.elements import conjugates, entropies, envelopes
from perspectives.elements.relaxed_maxima import RELAXATIONS, SOFT, SPARSE, fenchel_young_loss, sparse_maximum
from perspectives.numerics.streams import stream
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

SCORES, VECTORS = 5, 500
"""Scores in a vector, and random vectors; their scales run from a tenth to ten."""
SLOPES = (-2.0, 1.0)
"""Slopes of the tangents. **Source**: companion, plot_convex_conjugate."""
CELLS = (100, 101, 1_000, 1_001, 9_999, 10_000)
"""Cells of the envelopes' grids over [-5, 5]: with zero, where the step jumps, on the grid and between its points."""
SMOOTHINGS = (0.1, 0.01, 0.001)
COMPANION_SMOOTHING, COMPANION_POINTS = 0.01, 500
WINDOW = 1.2
"""|x| up to which biconjugates are compared: beyond, the companion's slopes, up to 3, do not suffice for the hull."""


def measure_relaxation(
    *,
    seed: int,
    conjugate_curves: Output,
    envelope_curves: Output,
    entropy_lattice: Output,
    relaxed_maxima: Output,
    excess: Output,
    biconjugate: Output,
    measures: Output,
) -> None:
    """Write the curves and surfaces of the chapter, and how far its identities and bounds are from holding."""
    rows = []
    for path, table in (
        (conjugate_curves, _conjugates),
        (envelope_curves, _envelopes),
        (entropy_lattice, _entropies),
        (biconjugate, _biconjugates),
    ):
        frame, found = table()
        frame.to_csv(path, index=False, float_format="%.10g")
        rows += found
    _surfaces().to_csv(relaxed_maxima, index=False, float_format="%.6g")
    frame, found = _random_scores(stream(seed, "elements.relaxation.scores"))
    frame.to_csv(excess, index=False, float_format="%.10g")
    write_measures(measures, [*rows, *found])


def _curve(panel: str, series: str | float, x: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"panel": panel, "series": series, "x": x, "y": y})


def _conjugates() -> tuple[pd.DataFrame, list[Measure]]:
    """Return tangents, the conjugate, affine bounds of one slope, and the gap of Fenchel and Young."""
    u, v = np.linspace(0, 1, 201), np.linspace(*SLOPES, 201)
    f, slopes = conjugates.negative_binary_entropy(u), np.linspace(*SLOPES, 8)[1:-1]
    at = conjugates.softplus(slopes)
    frames = [_curve("function", "", u, f), _curve("conjugate", "", v, conjugates.softplus(v))]
    for slope, value in zip(slopes, at, strict=True):
        frames.append(_curve("tangent", slope, u, u * slope - value))
        frames.append(_curve("gap", slope, u, f + value - u * slope))
    for lowered in np.linspace(0, 0.5, 4):
        frames.append(_curve("bound", lowered, u, 0.7 * u - conjugates.softplus(np.array([0.7])) - lowered))
    touching = expit(slopes)
    equality = conjugates.negative_binary_entropy(touching) + at - touching * slopes
    away = np.abs(u - touching[:, None]) > 0.05
    gaps = (f + at[:, None] - u * slopes[:, None])[away]
    return pd.concat(frames), [
        Measure(quantity="fenchel_young_equality", value=float(np.max(np.abs(equality)))),
        Measure(quantity="smallest_gap_away_from_equality", value=float(np.min(gaps))),
    ]


def _envelopes() -> tuple[pd.DataFrame, list[Measure]]:
    """Return envelopes on a grid and in closed form, their error against the spacing, and Huber losses."""
    centres = np.linspace(-3, 3, 1001)
    frames, furthest = [], dict.fromkeys(envelopes.ENVELOPES, 0.0)
    for cells in CELLS:
        grid, spacing = np.linspace(-5, 5, cells + 1), 10 / cells
        for name, (function, envelope) in envelopes.ENVELOPES.items():
            found = envelopes.moreau_envelope(grid, function(grid), centres)
            error = float(np.max(np.abs(found - envelope(centres))))
            furthest[name] = max(furthest[name], error / spacing)
            frames.append(_curve("error", name, np.array([spacing]), np.array([error])))
            if cells == CELLS[0]:
                frames += [
                    _curve(name, "function", centres, function(centres)),
                    _curve(name, "closed form", centres, envelope(centres)),
                    _curve(name, "on a grid", centres[::25], found[::25]),
                ]
    forms = []
    for width in (0.3, 1.0, 2.0):
        closed = envelopes.huber(centres, width)
        frames.append(_curve("Huber", width, centres, closed))
        library = np.asarray(optax.losses.huber_loss(jnp.asarray(centres), delta=width)) / width
        others = (
            envelopes.huber_by_proximal_point(centres, width),
            envelopes.huber_by_conjugate(centres, width),
            library,
        )
        forms += [np.max(np.abs(other - closed)) for other in others]
    frames.append(_curve("Huber", "absolute", centres, np.abs(centres)))
    rows = [Measure(quantity=f"envelope_error_over_spacing_{name}", value=value) for name, value in furthest.items()]
    rows.append(Measure(quantity="envelope_error_over_spacing", value=max(furthest.values())))
    rows.append(Measure(quantity="huber_forms_difference", value=float(max(forms))))
    return pd.concat(frames), rows


def _entropies() -> tuple[pd.DataFrame, list[Measure]]:
    """Return three entropies on a lattice of the simplex; its edge p3 = 0 has those of two outcomes."""
    lattice = entropies.simplex_lattice(90)
    uniform = np.flatnonzero(np.all(np.isclose(lattice, 1 / 3), axis=1))[0]

    @jax.jit
    def evaluate(p: Float[Array, "points 3"]) -> dict[str, Float[Array, "points"]]:
        return {name: entropies.tsallis(p, exponent) for name, exponent in entropies.EXPONENTS.items()}

    columns = {name: np.asarray(column) for name, column in evaluate(jnp.asarray(lattice)).items()}
    over = max(float(np.max(column) - column[uniform]) for column in columns.values())
    return pd.DataFrame({**_columns("p", lattice), **columns}), [
        Measure(quantity="companion_gini_at_uniform", value=float(columns["Tsallis 1.5"][uniform])),
        Measure(quantity="gini_at_uniform", value=float(columns["Gini"][uniform])),
        Measure(quantity="largest_entropy_over_uniform", value=over),
    ]


def _biconjugates() -> tuple[pd.DataFrame, list[Measure]]:
    """Return smoothed biconjugates of a wavy parabola, and the companion's beside the right one on its grid."""
    x, slopes = np.linspace(-3, 3, 3001), np.linspace(-6, 6, 3001)
    f = conjugates.wavy_parabola(x)
    hull, window = conjugates.convex_hull(x, f), np.abs(x) <= WINDOW
    shown = slice(None, None, 5)
    frames = [_smoothed(x[shown], 0.0, "function", f[shown]), _smoothed(x[shown], 0.0, "convex_hull", hull[shown])]
    rows, gaps, curvatures = [], [], []
    for smoothing in SMOOTHINGS:
        conjugate = conjugates.smoothed_conjugate(x, f, slopes, smoothing)
        found = np.asarray(conjugates.smoothed_conjugate(slopes, conjugate, x, smoothing))
        gaps.append(float(np.max(np.abs(found - hull)[window])))
        curvatures.append(float(np.min(np.diff(found, 2)) / (x[1] - x[0]) ** 2))
        rows.append(Measure(quantity=f"biconjugate_gap_{smoothing:g}", value=gaps[-1]))
        frames.append(_smoothed(x[shown], smoothing, "biconjugate", found[shown]))

    def twice(conjugate: Callable[[np.ndarray, np.ndarray], np.ndarray], points: int) -> np.ndarray:
        grid = np.linspace(-3, 3, points)
        return conjugate(grid, conjugate(grid, conjugates.wavy_parabola(grid)))

    def right(grid: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.asarray(conjugates.smoothed_conjugate(grid, values, grid, COMPANION_SMOOTHING))

    def written(grid: np.ndarray, values: np.ndarray) -> np.ndarray:
        return conjugates.companion_conjugate(grid, values, COMPANION_SMOOTHING)

    for suffix, points in (("shift", COMPANION_POINTS), ("difference_odd_length", COMPANION_POINTS + 1)):
        grid = np.linspace(-3, 3, points)
        difference = np.abs(twice(written, points) - twice(right, points))[np.abs(grid) <= WINDOW]
        rows.append(Measure(quantity=f"companion_biconjugate_{suffix}", value=float(np.max(difference))))
    grid = np.linspace(-3, 3, COMPANION_POINTS)
    frames.append(_smoothed(grid, COMPANION_SMOOTHING, "companion", twice(written, COMPANION_POINTS)))
    frames.append(_smoothed(grid, COMPANION_SMOOTHING, "companion_corrected", twice(right, COMPANION_POINTS)))
    drops = np.divide(gaps[:-1], gaps[1:])
    rows.append(Measure(quantity="smallest_biconjugate_drop", value=float(np.min(drops))))
    rows.append(Measure(quantity="smallest_biconjugate_curvature", value=min(curvatures)))
    return pd.concat(frames), rows


def _smoothed(x: np.ndarray, smoothing: float, series: str, value: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"x": x, "smoothing": smoothing, "series": series, "value": value})


def _surfaces() -> pd.DataFrame:
    """Return relaxed maxima and arguments: of (x, 0), of pairs, of (u1, u2, 0) and on the plane of sum zero."""
    line, corner, side = np.linspace(-3, 3, 121), np.arange(0, 5.1, 0.25), np.linspace(-4, 4, 65)
    zeros = np.zeros_like
    pairs, plane = (np.stack([one.ravel() for one in np.meshgrid(axis, axis)], 1) for axis in (corner, side))
    domains = {
        "line": np.stack([line, zeros(line)], 1),
        "pairs": pairs,
        "plane": np.append(plane, np.zeros((len(plane), 1)), axis=1),
        # the companion's triangle of side 4: scores are projections on the directions of its corners
        "simplex": 8 * (entropies.simplex_lattice(48) - 1 / 3),
    }

    @jax.jit
    def evaluate(scores: Float[Array, "points n"]) -> dict[str, tuple[Array, Array]]:
        return {
            name: (jax.vmap(relaxation.maximum)(scores), jax.vmap(relaxation.argument)(scores))
            for name, relaxation in RELAXATIONS.items()
        }

    frames = []
    for together in (("plane", "simplex"), ("line", "pairs")):  # as many scores in a vector: compiled once
        scores = np.concatenate([domains[domain] for domain in together])
        named = np.repeat(together, [len(domains[domain]) for domain in together])
        frame = pd.DataFrame({"domain": named, **_columns("u", scores)})
        for name, (maxima, arguments) in evaluate(jnp.asarray(scores)).items():
            columns = _columns(f"{name}_argument_", np.asarray(arguments))
            frame = frame.assign(**{f"{name}_maximum": np.asarray(maxima)}, **columns)
        frames.append(frame)
    return pd.concat(frames)


def _columns(name: str, array: np.ndarray) -> dict[str, np.ndarray]:
    return {f"{name}{i + 1}": column for i, column in enumerate(array.T)}


def _random_scores(key: Key[Array, ""]) -> tuple[pd.DataFrame, list[Measure]]:
    """Return excesses of the relaxed maxima by margin, and the distances from Danskin's theorem, bounds and losses."""
    of_scores, of_labels, of_targets = jax.random.split(key, 3)
    scales = jnp.logspace(-1, 1, VECTORS)[:, None]
    scores = scales * jax.random.normal(of_scores, (VECTORS, SCORES))
    labels = jax.random.randint(of_labels, (VECTORS,), 0, SCORES)
    targets = jax.nn.softmax(jax.random.normal(of_targets, (VECTORS, SCORES)), axis=1)
    libraries = {
        "soft": (logsumexp, optax.losses.softmax_cross_entropy_with_integer_labels),
        "sparse": (sparse_maximum, optax.losses.multiclass_sparsemax_loss),
    }

    @jax.jit
    def evaluate(scores: Float[Array, "vectors scores"]) -> dict[str, dict[str, Array]]:
        corners, found = jax.nn.one_hot(labels, SCORES, dtype=scores.dtype), {}
        for name, relaxation in (("soft", SOFT), ("sparse", SPARSE)):
            maximum, library = libraries[name]

            def loss(u: Array, target: Array, relaxation=relaxation) -> Array:
                return fenchel_young_loss(relaxation, u, target)

            arguments = jax.vmap(relaxation.argument)(scores)
            losses, slopes = jax.vmap(jax.value_and_grad(loss))(scores, targets)
            generated = optax.losses.make_fenchel_young_loss(maximum)(scores, corners)
            expected = library(scores, labels)
            # with all scores equal the bound is met
            level = jax.vmap(relaxation.maximum)(jnp.zeros((1, SCORES)))
            found[name] = {
                "gradient_difference": jnp.max(jnp.abs(jax.vmap(jax.grad(relaxation.maximum))(scores) - arguments)),
                "loss_difference": jnp.maximum(
                    jnp.max(jnp.abs(generated - expected)),
                    jnp.max(jnp.abs(jax.vmap(loss)(scores, corners) - expected)),
                ),
                "excess": jnp.append(jax.vmap(relaxation.maximum)(scores) - jnp.max(scores, axis=1), level),
                "loss_gradient_difference": jnp.max(jnp.abs(slopes - (arguments - targets))),
                "smallest_loss": jnp.min(losses),
                "loss_at_argument": jnp.max(jnp.abs(jax.vmap(loss)(scores, arguments))),
                "support": jnp.mean(jnp.sum(arguments > 0, axis=1)),
            }
        return found

    found = jax.tree.map(np.asarray, evaluate(scores))
    ordered = np.sort(np.asarray(scores), axis=1)
    frame = pd.DataFrame({"margin": np.append(ordered[:, -1] - ordered[:, -2], 0.0)})
    rows, violations = [], []
    for name, values in found.items():
        excess, bound = values.pop("excess"), RELAXATIONS[name].largest_excess(SCORES)
        frame = frame.assign(**{name: excess, f"{name}_bound": bound})
        violations.append(max(float(-excess.min()), float(excess.max()) - bound) + 0.0)  # no negative zero
        rows += [Measure(quantity=f"{quantity}_{name}", value=float(value)) for quantity, value in values.items()]
        rows.append(Measure(quantity=f"largest_excess_{name}", value=float(excess.max())))
    for quantity in ("gradient_difference", "loss_difference"):
        largest = max(float(values[quantity]) for values in found.values())
        rows.append(Measure(quantity=f"largest_{quantity}", value=largest))
    rows.append(Measure(quantity="largest_bound_violation", value=max(violations)))
    return frame, rows
