"""What a solver of the likelihood's ODE costs, and gradients of the likelihood by the weights by several adjoints."""

from typing import Any

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from perspectives.diffusion.networks import DriftScore
from perspectives.diffusion.sde import END, InferenceSde
from perspectives.numerics.divergence import value_and_divergence


def evaluations(solver: diffrax.AbstractSolver, steps: float) -> float:
    """Return evaluations of the field in `steps` steps, rejected ones included, of Euler's or an explicit method.

    A method whose last stage is the next step's first ("first same as last") saves one in each step. The choice of the
    first step costs none: diffrax 0.7 tries 0.01 on a term that it has wrapped.
    """
    if not isinstance(solver, diffrax.AbstractERK):
        return steps
    tableau: Any = solver.tableau
    saved = int(tableau.fsal)
    return (tableau.num_stages - saved) * steps + saved


class PowerSteps(diffrax.AbstractStepSizeController):
    """Steps to the times (k / number)^power from 0 to 1: with powers above 1 dense at the data.

    As `diffrax.StepTo`, but both are traced, so that one compiled program serves all grids.
    """

    number: Int[Array, ""]
    power: Float[Array, ""]

    def _time(self, k: Int[Array, ""]) -> Float[Array, ""]:
        return END * (k / self.number) ** self.power

    def wrap(self, direction: Any) -> "PowerSteps":
        """Return itself: time only runs forward here."""
        return self

    def init(self, terms: Any, t0: Any, t1: Any, y0: Any, dt0: Any, args: Any, func: Any, error_order: Any) -> Any:
        """Return the end of the first step, and which is next."""
        return self._time(jnp.asarray(1)), jnp.asarray(2)

    def adapt_step_size(
        self, t0: Any, t1: Any, y0: Any, y1_candidate: Any, args: Any, y_error: Any, error_order: Any,
        controller_state: Any,
    ) -> Any:  # fmt: skip
        """Return that the step is kept, where the next begins and ends, and which is next."""
        return True, t1, self._time(controller_state), False, controller_state + 1, diffrax.RESULTS.successful


def mean_log_likelihood(
    drift: Any,
    sde: InferenceSde,
    x: Float[Array, "n dim"],
    *,
    solver: diffrax.AbstractSolver,
    controller: diffrax.AbstractStepSizeController,
    adjoint: diffrax.AbstractAdjoint,
    max_steps: int = 4096,
) -> Float[Array, ""]:
    """Return the mean of log p(x) of the flow in nats, all points solved as one equation.

    **Source**: as `likelihood.flow_log_likelihood`. **Departs**: the network is an argument of the field and not closed
    over, as the backsolve adjoint asks, and one solve of all points integrates one gradient by the weights and not one
    a point.
    """

    def field(s: Any, state: Any, drift: Any) -> Any:
        half = 0.5 * sde.diffusion(s) ** 2
        score = DriftScore(drift, sde)
        value, divergence = jax.vmap(lambda y: value_and_divergence(lambda y: score(y, s), y))(state[0])
        return sde.drift(s, state[0]) - half * value, -half * divergence

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        solver,
        t0=0.0,
        t1=END,
        dt0=None,
        y0=(x, jnp.zeros(len(x), x.dtype)),
        args=drift,
        stepsize_controller=controller,
        adjoint=adjoint,
        max_steps=max_steps,
    )
    assert solution.ys is not None
    end, integral = (leaf[-1] for leaf in solution.ys)
    return (jax.vmap(sde.log_prior)(end) + integral).mean() + x.shape[1] * jnp.log(sde.mean_factor(END))
