"""Measure ELBOs with the true score and with wrong ones: in depth, by the score's error, along the family."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float, Key
from scipy.special import roots_legendre

from perspectives.diffusion.bounds import elbo
from perspectives.diffusion.family_bounds import family_bounds
from perspectives.diffusion.hierarchical import layered_bound
from perspectives.diffusion.likelihood import flow_log_likelihood
from perspectives.diffusion.mixtures import ExactScore, GaussianMixture, marginal, three_modes, two_modes
from perspectives.diffusion.path_weights import ScaledShift, path_weights
from perspectives.diffusion.perturbed import PerturbedScore, squared_error
from perspectives.diffusion.plug_in import PlugIn
from perspectives.diffusion.sde import END, VariancePreserving
from perspectives.diffusion.settings import LaboratorySettings
from perspectives.numerics.statistics import order
from perspectives.numerics.streams import stream
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

Values = Float[np.ndarray, "points"] | Float[Array, "points"]

FAMILY = (-1.0, 0.0, 0.5, 0.9, 1.0)
SIZES = (0.1, 0.2, 0.3, 0.5)
"""Of the perturbation that makes the score wrong."""
DRAWS = 16
"""Of all layers' noise for each point: the gap of the deepest VAE is far below the deviation of a draw."""
ORDER_FROM = 100
"""Fewest layers behind the order, where so many are asked for."""
TOLERANCE = 1e-6
CHUNK = 250
TIME_NODES = 64


class MatchedPrior(VariancePreserving):
    """The VP equation with the data's own marginal q_T as prior: what is left of an error is the solver's."""

    mixture: GaussianMixture = eqx.field(kw_only=True)

    def log_prior(self, y: Float[Array, "dim"]) -> Float[Array, ""]:
        """Return log q_T(y) in nats."""
        return marginal(self.mixture, VariancePreserving(), END).log_density(y)


def measure_bounds(
    *,
    settings: LaboratorySettings,
    seed: int,
    layers: Output,
    drops: Output,
    family: Output,
    shifts: Output,
    flow: Output,
    measures: Output,
) -> None:
    """Write gaps of bounds by layers, by the score's error, by lambda and by shift, and errors of the flow."""
    sde = VariancePreserving()
    line, plane = two_modes(), three_modes()
    x_line = line.sample(settings.points, key=stream(seed, "diffusion/bounds/line"))
    x_plane = plane.sample(settings.points, key=stream(seed, "diffusion/bounds/plane"))
    truth_line, truth_plane = jax.vmap(line.log_density)(x_line), jax.vmap(plane.log_density)(x_plane)
    of_line, of_plane = ExactScore(line, sde), ExactScore(plane, sde)

    by_layers = _by_layers(settings.layers, PlugIn(sde, of_line), x_line, truth_line,
                           key=stream(seed, "diffusion/bounds/layers"))  # fmt: skip
    by_size = _by_size(settings.times, of_plane, x_plane, truth_plane, key=stream(seed, "diffusion/bounds/elbo"))
    by_lambda = _by_lambda(settings.bound_steps, of_line, x_line, truth_line,
                           key=stream(seed, "diffusion/bounds/family"))  # fmt: skip
    by_shift = _by_shift(settings.bound_steps, of_plane, x_plane, truth_plane,
                         key=stream(seed, "diffusion/bounds/shifts"))  # fmt: skip
    likelihood, matched = (_flow(prior, of_plane, x_plane) for prior in (sde, MatchedPrior(mixture=plane)))
    error, solver_error = (np.asarray(found["log_likelihood"] - truth_plane) for found in (likelihood, matched))
    of_flow = {
        "y_1": x_plane[:, 0], "y_2": x_plane[:, 1], "log_density": truth_plane, "error": error,
        "solver_error": solver_error,
    }  # fmt: skip
    for path, columns in (
        (layers, by_layers), (drops, by_size), (family, by_lambda), (shifts, by_shift), (flow, of_flow),
    ):  # fmt: skip
        pd.DataFrame(columns).to_csv(path, index=False, float_format="%.9g")

    deep = by_layers["layers"] >= (ORDER_FROM if sum(by_layers["layers"] >= ORDER_FROM) > 1 else 0)
    wrong = by_size["size"] > 0
    drop_z = np.abs(by_size["drop"] - by_size["predicted"])[wrong] / by_size["drop_error"][wrong]
    noisy = by_lambda["lambda"] < 1
    family_z = np.abs(by_lambda["gap"] / by_lambda["gap_error"])
    deviation = by_lambda["deviation"]
    write_measures(
        measures,
        [
            Measure(quantity="smallest_perturbed_gap_z", value=float(np.min(by_shift["gap"] / by_shift["gap_error"]))),
            Measure(quantity="flow_mean_error", value=abs(float(error.mean()))),
            Measure(quantity="flow_largest_error", value=float(np.abs(error).max())),
            Measure(quantity="flow_solver_mean_error", value=abs(float(solver_error.mean()))),
            Measure(quantity="flow_solver_largest_error", value=float(np.abs(solver_error).max())),
            Measure(quantity="flow_mean_steps", value=float(likelihood["steps"].mean())),
            Measure(
                quantity="layers_order",
                value=order(by_layers["layers"][deep].astype(float), by_layers["gap"][deep]),
            ),
            Measure(quantity="layers_last_gap", value=float(by_layers["gap"][-1])),
            Measure(quantity="layers_last_gap_error", value=float(by_layers["gap_error"][-1])),
            Measure(quantity="largest_drop_z", value=float(drop_z.max())),
            Measure(quantity="exact_gap", value=-float(by_size["gap"][0])),
            Measure(quantity="exact_gap_error", value=float(by_size["gap_error"][0])),
            Measure(quantity="largest_family_z", value=float(family_z[noisy].max())),
            Measure(quantity="largest_deviation_ratio", value=float((deviation[1:] / deviation[:-1]).max())),
            *(
                Measure(quantity=f"family_{name}_{lmbda:g}", value=float(value))
                for name in ("deviation", "gap", "gap_error", "weight_gap", "weight_gap_error")
                for lmbda, value in zip(FAMILY, by_lambda[name], strict=True)
            ),
        ],
    )


def _mean(values: Values) -> tuple[float, float]:
    """Return the mean and its standard error."""
    values = np.asarray(values)
    return float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5)


def _columns(rows: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _by_layers(
    layers: tuple[int, ...], plug_in: PlugIn, x: Array, truth: Array, *, key: Key[Array, ""]
) -> dict[str, np.ndarray]:
    """Return log density less ELBO by layers: over points, each the mean of its draws."""
    repeated = jnp.repeat(x, DRAWS, axis=0)
    rows = []
    for number in layers:
        bound = layered_bound(plug_in, repeated, layers=number, key=jax.random.fold_in(key, number))
        gap, error = _mean(truth - bound.reshape(len(x), DRAWS).mean(1))
        rows.append({"layers": number, "gap": gap, "gap_error": error})
    return _columns(rows)


def _by_size(times: int, exact: ExactScore, x: Array, truth: Array, *, key: Key[Array, ""]) -> dict[str, np.ndarray]:
    """Return gap and drop in ELBO by size of the score's perturbation, with common times and noise.

    What is predicted has no noise: the perturbation's mean square is known in closed form.
    """
    keys = jax.random.split(key, len(x))
    sizes = jnp.array([0.0, *SIZES])

    @jax.jit
    def bounds(x: Array, keys: Array) -> Array:
        def of_point(pair: tuple[Array, Array]) -> Array:
            x, key = pair
            return jax.vmap(lambda size: elbo(exact.sde, PerturbedScore(exact, size), x, times=times, key=key))(sizes)

        return jax.lax.map(of_point, (x, keys), batch_size=CHUNK)

    found = bounds(x, keys)
    u, weight = (jnp.asarray(values) for values in roots_legendre(TIME_NODES))
    s = 0.5 * END * (u + 1)

    @jax.jit
    def predicted(size: Array) -> Array:
        squares = jax.vmap(lambda s: squared_error(exact.mixture, exact.sde, size, s))(s)
        return 0.5 * (0.5 * END * weight) @ (exact.sde.diffusion(s) ** 2 * squares)

    rows = []
    for number, size in enumerate(sizes):
        gap, gap_error = _mean(truth - found[:, number])
        drop, drop_error = _mean(found[:, 0] - found[:, number])
        rows.append({
            "size": float(size), "gap": gap, "gap_error": gap_error, "drop": drop, "drop_error": drop_error,
            "predicted": float(predicted(size)),
        })  # fmt: skip
    return _columns(rows)


def _by_lambda(steps: int, score: ExactScore, x: Array, truth: Array, *, key: Key[Array, ""]) -> dict[str, np.ndarray]:
    """Return bound less log density by lambda; of the log weight too, whose small noise shows the solver's bias."""
    rows = []
    for lmbda in FAMILY:
        found = family_bounds(PlugIn(score.sde, score, jnp.asarray(lmbda)), x, steps=steps, key=key)
        gap, gap_error = _mean(found.bound - truth)
        weight_gap, weight_gap_error = _mean(found.log_weight - truth)
        rows.append({
            "lambda": lmbda, "gap": gap, "gap_error": gap_error, "deviation": gap_error * len(x) ** 0.5,
            "weight_gap": weight_gap, "weight_gap_error": weight_gap_error,
            "weight_deviation": weight_gap_error * len(x) ** 0.5,
        })  # fmt: skip
    return _columns(rows)


def _by_shift(steps: int, score: ExactScore, x: Array, truth: Array, *, key: Key[Array, ""]) -> dict[str, np.ndarray]:
    """Return log density less mean log weight under the reverse SDE, for shifts other than the best.

    The martingale is left in: it changes no mean and takes away most of the noise. Times are dense near 0.
    """
    grid = END * jnp.linspace(0.0, 1.0, steps + 1) ** 2
    normal = ExactScore(_one_normal(score.mixture), score.sde)
    shifts = {
        "0.8 of the optimal": ScaledShift(score.sde, score, 0.8),
        "of a wavy score": ScaledShift(score.sde, PerturbedScore(score, 0.3)),
        "of one normal distribution": ScaledShift(score.sde, normal),
    }
    rows = []
    for name, shift in shifts.items():
        weights = path_weights(PlugIn(score.sde, score), shift, x, grid, key=key)
        gap, error = _mean(truth - weights.log_weight)
        bound_gap, bound_error = _mean(truth - weights.bound)
        rows.append({
            "shift": name, "gap": gap, "gap_error": error, "bound_gap": bound_gap, "bound_gap_error": bound_error,
        })  # fmt: skip
    return _columns(rows)


def _one_normal(mixture: GaussianMixture) -> GaussianMixture:
    """Return the normal distribution, alike in all directions, of the mixture's mean and mean variance."""
    mean = mixture.weights @ mixture.means
    squares = jnp.square(mixture.means - mean).mean(1) + mixture.deviations**2
    return GaussianMixture(jnp.ones(1), mean[None], jnp.sqrt(mixture.weights @ squares)[None])


def _flow(sde: VariancePreserving, score: ExactScore, x: Array) -> dict[str, np.ndarray]:
    """Return log likelihoods of the flow and the steps that they took."""
    controller = diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE)

    @jax.jit
    def likelihoods(x: Array) -> Any:
        return jax.lax.map(lambda x: flow_log_likelihood(sde, score, x, controller=controller), x, batch_size=CHUNK)

    return {name: np.asarray(value) for name, value in likelihoods(x)._asdict().items()}
