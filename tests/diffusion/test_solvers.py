from collections import Counter

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from perspectives.diffusion.likelihood import flow_log_likelihood
from perspectives.diffusion.networks import DriftScore, TimePerceptron
from perspectives.diffusion.sde import VariancePreserving
from perspectives.diffusion.solvers import PowerSteps, evaluations, mean_log_likelihood
from perspectives.diffusion.swiss_roll import sample

SDE = VariancePreserving()


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_steps_go_to_powers_of_an_even_grid(power):
    """Euler's method on y' = t, by hand on the same grid."""
    times = np.linspace(0, 1, 9) ** power
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: t), diffrax.Euler(), 0.0, 1.0, None, jnp.zeros(()),
        stepsize_controller=PowerSteps(jnp.asarray(8), jnp.asarray(power)),
    )  # fmt: skip
    assert solution.stats["num_steps"] == 8
    assert solution.ys is not None
    assert float(solution.ys[-1]) == pytest.approx(np.sum(times[:-1] * np.diff(times)), abs=1e-15)


ESTIMATING = [diffrax.Heun(), diffrax.Tsit5(), diffrax.Dopri8()]
"""Solvers that estimate their error, and so can adapt their step."""


@pytest.mark.parametrize(
    ("solver", "adaptive"),
    [(diffrax.Euler(), False), *((solver, adaptive) for solver in ESTIMATING for adaptive in (False, True))],
)
def test_evaluations_are_those_that_the_solver_makes(solver, adaptive):
    made = Counter()

    def field(t, y, args):
        jax.debug.callback(lambda: made.update(all=1))
        return -40 * (y - jnp.cos(9 * t))  # rough enough for rejected steps

    controller = diffrax.PIDController(rtol=1e-4, atol=1e-4)
    if not adaptive:
        controller = PowerSteps(jnp.asarray(32), jnp.asarray(1.0))
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field), solver, 0.0, 1.0, None, jnp.ones(()), stepsize_controller=controller
    )
    jax.effects_barrier()
    assert made["all"] == evaluations(solver, float(solution.stats["num_steps"]))


@pytest.fixture(scope="module")
def drift():
    network = TimePerceptron(2, width=6, depth=1, dtype=jnp.float64, key=jax.random.key(0))
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float64), network)


def solved(drift, x, adjoint, tolerance):
    controller = diffrax.PIDController(rtol=tolerance, atol=tolerance)
    return mean_log_likelihood(drift, SDE, x, solver=diffrax.Tsit5(), controller=controller, adjoint=adjoint)


def test_mean_likelihood_is_the_mean_of_the_likelihoods(drift):
    x = sample(4, dtype=jnp.float64, key=jax.random.key(1))
    tight = diffrax.PIDController(rtol=1e-9, atol=1e-9)
    single = jax.vmap(lambda x: flow_log_likelihood(SDE, DriftScore(drift, SDE), x, controller=tight))(x)
    mean = solved(drift, x, diffrax.RecursiveCheckpointAdjoint(), 1e-9)
    assert float(mean) == pytest.approx(float(single.log_likelihood.mean()), abs=1e-7)


def test_both_adjoints_tend_to_one_gradient(drift):
    x = sample(4, dtype=jnp.float64, key=jax.random.key(1))
    checkpoints, backsolve = (
        ravel_pytree(jax.grad(lambda drift, adjoint=adjoint: solved(drift, x, adjoint, 1e-9))(drift))[0]
        for adjoint in (diffrax.RecursiveCheckpointAdjoint(), diffrax.BacksolveAdjoint())
    )
    # The backsolve's own error, a hundred times the tolerance.
    assert jnp.linalg.norm(backsolve - checkpoints) < 1e-7 * jnp.linalg.norm(checkpoints)
