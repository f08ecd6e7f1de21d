"""Initial value problems in float64, solved so accurately that the solver is never what one sees."""

from collections.abc import Callable
from typing import Any, NamedTuple

import diffrax
import equinox as eqx
from jaxtyping import Array, Float, Int, PyTree

RELATIVE_TOLERANCE = 1e-9
"""Three decades below the tightest criterion that is applied to a trajectory."""
ABSOLUTE_TOLERANCE = 1e-11
MAX_STEPS = 16_384
"""A trajectory of the studies takes a few hundred steps; more means that the problem is stiff, which is an error."""


class Trajectory(NamedTuple):
    """The states at the asked times, stacked along a leading axis, and the steps that the solver took."""

    states: PyTree[Float[Array, "times ..."]]
    steps: Int[Array, ""]


@eqx.filter_jit
def trajectory(
    field: Callable[..., Any],
    start: PyTree[Float[Array, "..."]],
    times: Float[Array, "times"],
    args: PyTree,
    *,
    since: float | Float[Array, ""],
) -> Trajectory:
    """Return the solution of y' = field(t, y, args), y(since) = start, at `times`, which must not decrease.

    The end time is the last of `times` itself, so that no rounding puts an asked time beyond it. All that varies in a
    sweep belongs into `args`, as arrays: then `field` stays the same function and nothing is compiled twice.

    **Source**: Dormand and Prince's method of order 8 with dense output, as in diffrax.

    **Raises**: a runtime error when the solver needs more than `MAX_STEPS` steps.
    """
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        diffrax.Dopri8(),
        t0=since,
        t1=times[-1],
        dt0=None,
        y0=start,
        args=args,
        saveat=diffrax.SaveAt(ts=times),
        # For whoever differentiates through it: the gradient of what was computed, at any tolerance (docs/elements.md).
        adjoint=diffrax.RecursiveCheckpointAdjoint(),
        stepsize_controller=diffrax.PIDController(rtol=RELATIVE_TOLERANCE, atol=ABSOLUTE_TOLERANCE),
        max_steps=MAX_STEPS,
    )
    return Trajectory(solution.ys, solution.stats["num_steps"])
