"""Least-squares fits of Lotka-Volterra parameters to a trajectory, over all observations or over growing windows."""

from typing import NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import optimistix as optx
from jaxtyping import Array, Bool, Float, Int

from perspectives.elements.lotka_volterra import Parameters, adaptive_states

SOLVER_TOLERANCE = 1e-8
"""Of the ODE solver: far below the noise of any observation."""
FIT_TOLERANCE = 1e-8
"""Relative and absolute, of parameters and of the sum of squares, at which a fit stops."""
MAX_FIT_STEPS = 256


class Fit(NamedTuple):
    """Parameters, their standard errors, the mean square residual over the window, and how the fit went."""

    parameters: Float[Array, "4"]
    standard_errors: Float[Array, "4"]
    mean_square: Float[Array, ""]
    steps: Int[Array, ""]
    converged: Bool[Array, ""]


def residuals(
    parameters: Parameters,
    times: Float[Array, "times"],
    observations: Float[Array, "times 2"],
    weights: Float[Array, "times"],
) -> Float[Array, "times 2"]:
    """Return model less observation, times the weight: 1 inside the window of a fit and 0 outside.

    A window by weights has the shape of the whole, so that all windows share one compilation. By forward mode, since
    Levenberg and Marquardt's method wants the Jacobian, of four columns.
    """
    states = adaptive_states(parameters, times, SOLVER_TOLERANCE, diffrax.ForwardMode())
    return weights[:, None] * (states - observations)


@eqx.filter_jit
def fit(
    start: Parameters,
    logarithmic: Bool[Array, ""],
    times: Float[Array, "times"],
    observations: Float[Array, "times 2"],
    weights: Float[Array, "times"],
) -> Fit:
    """Return the least-squares fit from `start`, in the parameters or in their logarithms, which keep them positive.

    Standard errors are those of Gauss and Newton's method, of the parameters themselves: the roots of the diagonal of
    s^2 (J^T J)^-1 with J the Jacobian of the residuals and s^2 their sum of squares over their number less four.

    **Source**: Levenberg 1944, Marquardt 1963, as in optimistix.
    """

    def natural(free: Float[Array, "4"]) -> Parameters:
        return jnp.where(logarithmic, jnp.exp(free), free)

    def weighted(parameters: Parameters) -> Float[Array, "numbers"]:
        return residuals(parameters, times, observations, weights).ravel()

    solution = optx.least_squares(
        lambda free, _: weighted(natural(free)),
        optx.LevenbergMarquardt(FIT_TOLERANCE, FIT_TOLERANCE),
        jnp.where(logarithmic, jnp.log(start), start),
        max_steps=MAX_FIT_STEPS,
        throw=False,
    )
    parameters = natural(solution.value)
    jacobian = jax.jacfwd(weighted)(parameters)
    squares = jnp.sum(weighted(parameters) ** 2)
    numbers = 2 * jnp.sum(weights)
    covariance = squares / (numbers - 4) * jnp.linalg.inv(jacobian.T @ jacobian)
    return Fit(
        parameters,
        jnp.sqrt(jnp.diag(covariance)),
        squares / numbers,
        solution.stats["num_steps"],
        solution.result == optx.RESULTS.successful,
    )
