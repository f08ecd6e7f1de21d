"""The plug-in family: generative equations that undo an inference SDE with a score put in for the unknown one.

Generative time t runs against inference time, s = 1 - t. With the true score every member has the marginals of the
inference SDE; lambda = 0 is the reverse SDE of Song et al. and lambda = 1 the probability-flow ODE.
"""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax
from jaxtyping import Array, Float, Key

from perspectives.diffusion.score_matching import Score, like
from perspectives.diffusion.sde import END, InferenceSde, Time

RELEASED_MEMBERS = (-10.0, -0.99, -0.9, -0.5, 0.0, 0.5, 0.9, 0.99, 1.0)
"""Values of lambda in the released code, those of Fig. 5."""


class PlugIn(eqx.Module):
    """The member `lmbda` <= 1 of the family, dX = mu dt + sigma dB.

    **Source**: released code, `PluginReverseSDE`, and Appendix C: mu = (1 - lambda / 2) g^2 score - f,
    sigma = sqrt(1 - lambda) g, all at s = 1 - t.
    """

    sde: InferenceSde
    score: Score
    lmbda: Float[Array, ""] | float = 0.0

    def __check_init__(self) -> None:
        """Refuse what has no real noise."""
        if isinstance(self.lmbda, int | float) and self.lmbda > 1:
            raise ValueError(f"lambda = {self.lmbda} must be at most 1, or sigma = sqrt(1 - lambda) g is not real")

    def drift(self, t: Time, x: Float[Array, "*event"]) -> Float[Array, "*event"]:
        """Return mu(x, t) of one example."""
        s = jnp.asarray(END - t, x.dtype)  # a solver's time is in float64 even when the network is not
        g = self.sde.diffusion(s)
        return (1 - 0.5 * self.lmbda) * g**2 * like(self.score(x, s), x) - self.sde.drift(s, x)

    def diffusion(self, t: Time) -> Float[Array, ""]:
        """Return sigma(t)."""
        return jnp.sqrt(1 - self.lmbda) * self.sde.diffusion(END - t)

    def terms(self, brownian: diffrax.AbstractBrownianPath) -> diffrax.MultiTerm:
        """Return drift and noise as terms for a diffrax solver; the state is a batch, examples first."""

        def drift(t: Any, x: Any, args: Any) -> Any:
            return jax.vmap(self.drift, (None, 0))(t, x)

        def noise(t: Any, x: Any, args: Any) -> lineax.AbstractLinearOperator:
            return lineax.DiagonalLinearOperator(jnp.full_like(x, self.diffusion(t)))

        return diffrax.MultiTerm(diffrax.ODETerm(drift), diffrax.ControlTerm(noise, brownian))

    def flow(self) -> diffrax.ODETerm:
        """Return the drift alone as a term for a diffrax solver, the whole equation when lambda = 1; one example."""

        def drift(t: Any, x: Any, args: Any) -> Any:
            return self.drift(t, x)

        return diffrax.ODETerm(drift)


@eqx.filter_jit
def sample_paths(
    plug_in: PlugIn,
    start: Float[Array, "batch *event"],
    times: Float[Array, "times"],
    *,
    steps: int,
    key: Key[Array, ""],
) -> Float[Array, "times batch *event"]:
    """Return samples at generative `times`, by Euler and Maruyama's method from `start` at t = 0, in `steps` steps.

    `start` is drawn from the prior. The noise of a step does not depend on lambda: members with one `key` are coupled.

    **Raises**: ValueError when there are no steps, or the start is one example and no batch of them.
    """
    if steps < 1:
        raise ValueError(f"steps = {steps} must be at least 1")
    if start.ndim < 2:
        raise ValueError(f"start has shape {start.shape}, but must be a batch of examples: (batch, *shape)")
    grid = jnp.linspace(0.0, END, steps + 1, dtype=start.dtype)  # in the samples' precision, or diffrax widens them
    solution = diffrax.diffeqsolve(
        plug_in.terms(diffrax.UnsafeBrownianPath(jax.ShapeDtypeStruct(start.shape, start.dtype), key)),
        diffrax.Euler(),
        t0=grid[0],
        t1=grid[-1],
        dt0=None,
        y0=start,
        stepsize_controller=diffrax.StepTo(ts=grid),
        saveat=diffrax.SaveAt(ts=times.astype(start.dtype)),
        max_steps=steps,
        adjoint=diffrax.DirectAdjoint(),  # the noise is never asked for twice
    )
    assert solution.ys is not None
    return solution.ys
