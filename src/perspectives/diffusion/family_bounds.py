"""ELBOs of the members of the plug-in family, whose inference equation is solved by simulation.

Member lambda is inferred by dY = (f - lambda g^2 score / 2) ds + sqrt(1 - lambda) g dB from Y_0 = x, with
a = sqrt(1 - lambda) g score, and

    ELBO = E log p_0(Y_T) - int E[(1 - lambda) g^2 |score|^2 / 2 + (1 - lambda / 2) g^2 div score - div f] ds.

Only at lambda = 0 is Y known in closed form (bounds.py). At lambda = 1 there is no noise and the ELBO is the likelihood
of the flow (likelihood.py).
"""

from typing import Any, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax
from jaxtyping import Array, Float, Key

from perspectives.diffusion.plug_in import PlugIn
from perspectives.diffusion.score_matching import like
from perspectives.diffusion.sde import END
from perspectives.numerics.divergence import value_and_divergence
from perspectives.numerics.ode import trajectory


class Rates(NamedTuple):
    """Time derivatives at a point of the inference path: of Y, of the bound, of the weight (but for its noise)."""

    drift: Float[Array, "*event"]
    bound: Float[Array, ""]
    weight: Float[Array, ""]


def inference_rates(plug_in: PlugIn, s: Float[Array, ""], y: Float[Array, "*event"]) -> Rates:
    """Return the drift of Y and what the time from s on adds to the bound and to the log weight, in nats.

    **Source**: above. The log weight is the bound less int a . dB. As a Stratonovich integral that is
    int a o dB - (1 - lambda) / 2 int g^2 div score ds, which leaves half of g^2 div score for every lambda.
    """
    g2, lmbda = plug_in.sde.diffusion(s) ** 2, plug_in.lmbda
    score, divergence = value_and_divergence(lambda y: like(plug_in.score(y, s), y), y)
    inner = plug_in.sde.rate(s) * y.size - 0.5 * (1 - lmbda) * g2 * jnp.square(score).sum()
    drift = plug_in.sde.drift(s, y) - 0.5 * lmbda * g2 * score
    return Rates(drift, inner - (1 - 0.5 * lmbda) * g2 * divergence, inner - 0.5 * g2 * divergence)


class FamilyBound(NamedTuple):
    """One path from each point: the integrand of the ELBO, and the log weight, of equal mean in the limit; in nats."""

    bound: Float[Array, "points"]
    log_weight: Float[Array, "points"]


@eqx.filter_jit
def family_bounds(plug_in: PlugIn, x: Float[Array, "points dim"], *, steps: int, key: Key[Array, ""]) -> FamilyBound:
    """Return the bound of log p(x) by member `lmbda` <= 1 of the family, one path from each point.

    Heun's method on the grid s = (k / n)^2, dense where the score varies fastest; bound and weight are integrated with
    Y. For Y and the bound it is of weak order 2, since their noise depends on time alone; for the weight, whose noise
    depends on Y, of order 1. The noise of a step does not depend on lambda: members with one `key` are coupled.
    """

    def drift(s: Any, state: Any, args: Any) -> Any:
        rates = jax.vmap(lambda y: inference_rates(plug_in, s, y))(state[0])
        return rates.drift, rates.bound, rates.weight

    def noise(s: Any, state: Any, args: Any) -> lineax.AbstractLinearOperator:
        sigma = plug_in.diffusion(END - s)
        a = sigma * jax.vmap(lambda y: plug_in.score(y, s))(state[0])

        def times(increment: Any) -> Any:
            return sigma * increment, jnp.zeros_like(state[1]), -jnp.sum(a * increment, axis=1)

        return lineax.FunctionLinearOperator(times, jax.eval_shape(lambda: x))

    grid = END * jnp.linspace(0.0, 1.0, steps + 1) ** 2
    brownian = diffrax.UnsafeBrownianPath(jax.ShapeDtypeStruct(x.shape, x.dtype), key)
    solution = diffrax.diffeqsolve(
        diffrax.MultiTerm(diffrax.ODETerm(drift), diffrax.ControlTerm(noise, brownian)),
        diffrax.Heun(),
        t0=grid[0],
        t1=grid[-1],
        dt0=None,
        y0=(x, jnp.zeros(len(x), x.dtype), jnp.zeros(len(x), x.dtype)),
        stepsize_controller=diffrax.StepTo(ts=grid),
        max_steps=steps,
        adjoint=diffrax.DirectAdjoint(),  # the noise is never asked for twice
    )
    assert solution.ys is not None
    end, bound, weight = (leaf[-1] for leaf in solution.ys)
    prior = jax.vmap(plug_in.sde.log_prior)(end)
    return FamilyBound(prior + bound, prior + weight)


def noiseless_bound(plug_in: PlugIn, x: Float[Array, "dim"]) -> Float[Array, ""]:
    """Return the bound of log p(x) in nats with the noise left out, by a solver at relative tolerance 1e-9.

    It is the member's ELBO when lambda = 1, which has no noise.
    """

    def field(s: Any, state: Any, args: PlugIn) -> Any:
        rates = inference_rates(args, s, state[0])
        return rates.drift, rates.bound

    start = (x, jnp.zeros((), x.dtype))
    end, bound = trajectory(field, start, jnp.array([END]), plug_in, since=0.0).states
    return plug_in.sde.log_prior(end[-1]) + bound[-1]
