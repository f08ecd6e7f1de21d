"""The exact log likelihood of the probability-flow ODE, the member lambda = 1 of the plug-in family."""

from typing import Any, NamedTuple

import diffrax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from perspectives.diffusion.score_matching import Score, like
from perspectives.diffusion.sde import END, InferenceSde
from perspectives.numerics.divergence import value_and_divergence, value_and_probed_divergence

TOLERANCE = 1e-5


class Likelihood(NamedTuple):
    """A log likelihood in nats and the steps that the solver took."""

    log_likelihood: Float[Array, ""]
    steps: Int[Array, ""]


def flow_log_likelihood(
    sde: InferenceSde,
    score: Score,
    x: Float[Array, "*event"],
    *,
    probe: Float[Array, "*event"] | None = None,
    solver: diffrax.AbstractSolver | None = None,
    controller: diffrax.AbstractStepSizeController | None = None,
    first_step: float | None = None,
    adjoint: diffrax.AbstractAdjoint | None = None,
    max_steps: int = 4096,
) -> Likelihood:
    """Return log p(x) of the flow in nats; `probe` makes the divergence Hutchinson's, fixed during the solve.

    **Source**: instantaneous change of variables, Chen et al. 2018: with dY/ds = f - g^2 score / 2 from Y_0 = x,
    log p(x) = log p_0(Y_T) + int div(f - g^2 score / 2) ds, where int div f ds = d log m(T) in closed form.

    By default Tsitouras' method of order 5 at tolerance `TOLERANCE`. **Raises**: a runtime error when `max_steps` do
    not suffice.
    """

    def field(s: Any, state: Any, args: Any) -> Any:
        y, _ = state
        s = jnp.asarray(s, y.dtype)  # a solver's time is in float64 even when the network is not
        half = 0.5 * sde.diffusion(s) ** 2

        def at(y: Any) -> Any:
            return like(score(y, s), y)

        value, divergence = value_and_divergence(at, y) if probe is None else value_and_probed_divergence(at, y, probe)
        return sde.drift(s, y) - half * value, -half * divergence

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        solver or diffrax.Tsit5(),
        t0=jnp.zeros((), x.dtype),
        t1=jnp.full((), END, x.dtype),
        dt0=first_step,
        y0=(x, jnp.zeros((), x.dtype)),
        stepsize_controller=controller or diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE),
        adjoint=adjoint or diffrax.RecursiveCheckpointAdjoint(),
        max_steps=max_steps,
    )
    assert solution.ys is not None
    end, integral = (leaf[-1] for leaf in solution.ys)
    value = sde.log_prior(end) + integral + x.size * jnp.log(sde.mean_factor(END))
    return Likelihood(value, solution.stats["num_steps"])
