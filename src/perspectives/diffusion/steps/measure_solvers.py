"""Measure solvers and adjoints of the swiss roll's likelihood by the ODE: errors against evaluations and tolerances."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from perspectives.diffusion.likelihood import flow_log_likelihood
from perspectives.diffusion.networks import DriftScore
from perspectives.diffusion.sde import VariancePreserving
from perspectives.diffusion.settings import SolverSettings, SwissRollSettings
from perspectives.diffusion.solvers import PowerSteps, evaluations, mean_log_likelihood
from perspectives.diffusion.swiss_roll import network, sample
from perspectives.numerics.streams import stream
from perspectives.numerics.trees import with_arrays
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import write_rows

REFERENCE = 1e-10
"""Tolerance of the reference likelihoods, by Dormand and Prince's method of order 8."""
GRADIENT_REFERENCE = 1e-9
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
STEPS = (8, 16, 32, 64, 128, 256, 512)
POWERS = {"uniform": 1.0, "quadratic": 2.0}
ADAPTIVE = {
    "tsit5": (diffrax.Tsit5(), TOLERANCES),
    "dopri8": (diffrax.Dopri8(), TOLERANCES),
    "heun": (diffrax.Heun(), TOLERANCES[:4]),
}
"""Heun's method, of order 2, would take ten thousands of steps at the tighter tolerances."""
FIXED = {"euler": diffrax.Euler(), "heun": diffrax.Heun(), "tsit5": diffrax.Tsit5()}
GRADIENT_TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6)
ENOUGH = 1e-3
"""Nats, mean absolute error: an error that no standard error over points would show."""


def measure_solvers(
    *,
    settings: SolverSettings,
    training: SwissRollSettings,
    seed: int,
    weights: Input,
    solvers: Output,
    adjoints: Output,
    measures: Output,
) -> None:
    """Write errors of log likelihoods by solver, control and evaluations; errors of gradients by adjoint and tolerance.

    The drift is that of the first seed after debiased training, its weights averaged, in float64.
    """
    sde = VariancePreserving()
    template = jax.eval_shape(lambda key: network(training, key=key), jax.random.key(0))
    arrays = {name: array[0].astype(np.float64) for name, array in read_groups(weights)["average"].items()}
    drift = with_arrays(template, arrays)
    x = sample(settings.points, dtype=jnp.float64, key=stream(seed, "diffusion/solvers/points"))

    rows = _errors(DriftScore(drift, sde), sde, x)
    write_rows(solvers, rows, digits=9)
    gradients = _gradient_errors(drift, sde, x[: settings.gradient_points])
    write_rows(adjoints, gradients, digits=9)

    enough = [row["evaluations"] for row in rows if row["mean_error"] <= ENOUGH]
    at = {(row["adjoint"], row["tolerance"]): row["relative_error"] for row in gradients}
    write_measures(
        measures,
        [
            Measure(quantity="fewest_evaluations", value=min(enough, default=np.inf)),
            Measure(quantity="backsolve_gradient_error", value=at["backsolve", 1e-3]),
            Measure(quantity="checkpoint_gradient_error", value=at["checkpoints", 1e-3]),
        ],
    )


def _errors(score: DriftScore, sde: VariancePreserving, x: Float[Array, "n 2"]) -> list[dict[str, Any]]:
    @eqx.filter_jit
    def solve(solver: Any, controller: Any, max_steps: int) -> Any:
        one = lambda x: flow_log_likelihood(  # noqa: E731
            sde, score, x, solver=solver, controller=controller, max_steps=max_steps
        )
        return jax.vmap(one)(x)

    def adaptive(solver: Any, tolerance: float) -> Any:
        traced: Any = jnp.asarray(tolerance)
        return solve(solver, diffrax.PIDController(rtol=traced, atol=traced), 65_536)

    truth = np.asarray(adaptive(diffrax.Dopri8(), REFERENCE).log_likelihood)
    rows = []

    def add(name: str, control: str, size: float, solver: Any, found: Any) -> None:
        error = np.abs(np.asarray(found.log_likelihood) - truth)
        cost = evaluations(solver, float(np.mean(found.steps)))
        rows.append(
            {
                "solver": name,
                "control": control,
                "size": float(size),
                "evaluations": cost,
                "mean_error": float(error.mean()),
                "largest_error": float(error.max()),
            }
        )

    for name, (solver, tolerances) in ADAPTIVE.items():
        for tolerance in tolerances:
            add(name, "adaptive", tolerance, solver, adaptive(solver, tolerance))
    for name, solver in FIXED.items():
        for control, power in POWERS.items():
            for number in STEPS:
                controller = PowerSteps(jnp.asarray(number), jnp.asarray(power))
                add(name, control, float(number), solver, solve(solver, controller, max(STEPS)))
    return rows


def _gradient_errors(drift: Any, sde: VariancePreserving, x: Float[Array, "n 2"]) -> list[dict[str, Any]]:
    @eqx.filter_jit
    def gradient(solver: Any, adjoint: Any, tolerance: Float[Array, ""]) -> Float[Array, "weights"]:
        controller = diffrax.PIDController(rtol=tolerance, atol=tolerance)
        loss = lambda drift: mean_log_likelihood(  # noqa: E731
            drift, sde, x, solver=solver, controller=controller, adjoint=adjoint
        )
        return ravel_pytree(jax.grad(loss)(drift))[0]

    by_name = {
        "checkpoints": diffrax.RecursiveCheckpointAdjoint(),
        "backsolve": diffrax.BacksolveAdjoint(),
    }
    true = gradient(diffrax.Dopri8(), by_name["checkpoints"], jnp.asarray(GRADIENT_REFERENCE))
    return [
        {
            "adjoint": name,
            "tolerance": tolerance,
            "relative_error": float(jnp.linalg.norm(found - true) / jnp.linalg.norm(true)),
        }
        for name, adjoint in by_name.items()
        for tolerance in GRADIENT_TOLERANCES
        for found in (gradient(diffrax.Tsit5(), adjoint, jnp.asarray(tolerance)),)
    ]
