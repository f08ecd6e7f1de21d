"""The Lotka-Volterra equations with a small source: prey x, predators y, and noisy observations of both.

Everything is dimensionless.
"""

from collections.abc import Callable

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from perspectives.numerics import ode

Parameters = Float[Array, "4"]
Number = float | Float[Array, ""]
States = Callable[[Parameters, Float[Array, "times"], Number, diffrax.AbstractAdjoint], Float[Array, "times 2"]]

NAMES = ("a", "b", "c", "d")
TRUTH = (1 / 3, 4 / 3, 1.0, 1.0)
"""Growth of the prey, loss of prey to a predator, death of predators, growth of predators by prey."""
STARTS = {"w1": (1.5 / 3, 4 / 3, 1.0, 1.0), "w2": (0.5 / 3, 4 / 3, 1.0, 1.0)}
"""The companion code's two wrong sets of parameters: growth of the prey half again as large, and half."""
SOURCE = 0.01
FIRST_STATE = (1.0, 1.0)
MAX_ADAPTIVE_STEPS = 4096
"""A horizon of some tens takes 80 steps at a tolerance of 1e-6, and 1400 at 1e-13; a fit that wants more is lost."""
MAX_EULER_STEPS = 65_536
"""A step of 1e-3 takes half of them."""


def field(t: Number, state: Float[Array, "2"], parameters: Parameters) -> Float[Array, "2"]:
    """Return (x', y') = (a x - b x y + 0.01, d x y - c y + 0.01).

    **Source**: companion, differentiating_integration/plot_ode_regression; Lotka 1925 and Volterra 1926 but for the
    source, which keeps both from dying out.
    """
    a, b, c, d = parameters
    x, y = state
    return jnp.stack([a * x - b * x * y + SOURCE, d * x * y - c * y + SOURCE])


def trajectory(parameters: Parameters, times: Float[Array, "times"]) -> Float[Array, "times 2"]:
    """Return the states at `times`, solved for data and drawings: to a tolerance of 1e-9, not differentiable."""
    return ode.trajectory(field, jnp.asarray(FIRST_STATE), times, parameters, since=0.0).states


def observation_times(horizon: float, count: int) -> Float[Array, "count"]:
    """Return `count` times from 0 on, `horizon` / `count` apart: as the companion's, the last is before the horizon."""
    return horizon / count * jnp.arange(count)


def observed(times: Float[Array, "times"], noise: float, *, key: Key[Array, ""]) -> Float[Array, "times 2"]:
    """Return the true trajectory with independent normal noise of standard deviation `noise`."""
    states = trajectory(jnp.asarray(TRUTH), times)
    return states + noise * jax.random.normal(key, states.shape)


def adaptive_states(
    parameters: Parameters, times: Float[Array, "times"], tolerance: Number, adjoint: diffrax.AbstractAdjoint
) -> Float[Array, "times 2"]:
    """Return the states by Tsitouras' method of order 5, both tolerances equal; infinite after a failure."""
    controller = diffrax.PIDController(rtol=tolerance, atol=tolerance)
    return _states(parameters, times, diffrax.Tsit5(), controller, None, adjoint, MAX_ADAPTIVE_STEPS)


def euler_states(
    parameters: Parameters, times: Float[Array, "times"], step: Number, adjoint: diffrax.AbstractAdjoint
) -> Float[Array, "times 2"]:
    """Return the states by explicit Euler steps, linear in between."""
    return _states(parameters, times, diffrax.Euler(), diffrax.ConstantStepSize(), step, adjoint, MAX_EULER_STEPS)


def _states(
    parameters: Parameters,
    times: Float[Array, "times"],
    solver: diffrax.AbstractSolver,
    controller: diffrax.AbstractStepSizeController,
    step: Number | None,
    adjoint: diffrax.AbstractAdjoint,
    max_steps: int,
) -> Float[Array, "times 2"]:
    states = diffrax.diffeqsolve(
        diffrax.ODETerm(field),  # pyright: ignore[reportArgumentType]
        solver,
        t0=0.0,
        t1=times[-1],
        dt0=step,
        y0=jnp.asarray(FIRST_STATE),
        args=parameters,
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=controller,
        max_steps=max_steps,
        adjoint=adjoint,
        throw=False,
    ).ys
    assert states is not None  # it is None only when nothing is saved
    return states
