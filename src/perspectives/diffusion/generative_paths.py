"""Three ways to learn a generative equation dX = mu dt + sigma dB on the line, each by its own bound or likelihood.

No noise: sigma = 0 leaves a neural ODE, trained by its exact likelihood. Fixed noise: the drift mu and the drift of the
inference, sigma a - mu, are both learnt by the ELBO over simulated inference. Fixed inference: the plug-in reverse SDE,
trained by denoising score matching, with nothing simulated (`denoising`). Times of solvers run from 0 to 1.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax
from jaxtyping import Array, Float, Key

from perspectives.diffusion.networks import TimePerceptron
from perspectives.diffusion.sde import END, VariancePreserving
from perspectives.numerics.divergence import value_and_divergence
from perspectives.numerics.trees import with_arrays

Variant = Literal["no_noise", "fixed_noise", "fixed_inference"]
VARIANTS: tuple[Variant, ...] = ("no_noise", "fixed_noise", "fixed_inference")
ROUND = 100
"""Steps of Adam in one compiled round."""

_PRIOR = VariancePreserving()
"""Whose prior, the standard normal, all variants start from."""


def _uniform_steps(number: int, dtype: Any) -> dict[str, Any]:
    """Return a solver's keywords for `number` equal steps from 0 to 1."""
    grid = jnp.linspace(0.0, END, number + 1, dtype=dtype)
    controller = diffrax.StepTo(ts=grid)
    return {"t0": grid[0], "t1": grid[-1], "dt0": None, "stepsize_controller": controller, "max_steps": number}


def flow_log_likelihoods(
    drift: Callable[..., Any],
    x: Float[Array, "n dim"],
    *,
    steps: int,
    solver: diffrax.AbstractSolver | None = None,
    adjoint: diffrax.AbstractAdjoint | None = None,
) -> Float[Array, "n"]:
    """Return log p(x) in nats of the neural ODE dX = mu dt, by Heun's method unless another `solver` is given.

    **Source**: instantaneous change of variables, Chen et al. 2018: dY/ds = -mu(Y, 1 - s) from x,
    log p(x) = log p_0(Y_1) - int div mu ds. Exact but for the solver. All points are solved as one.
    """

    def field(s: Any, state: Any, args: Any) -> Any:
        value, divergence = jax.vmap(lambda y: value_and_divergence(lambda y: drift(y, END - s), y))(state[0])
        return -value, divergence

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        solver or diffrax.Heun(),
        y0=(x, jnp.zeros(len(x), x.dtype)),
        adjoint=adjoint or diffrax.RecursiveCheckpointAdjoint(checkpoints=steps),
        **_uniform_steps(steps, x.dtype),
    )
    assert solution.ys is not None
    end, integral = (leaf[-1] for leaf in solution.ys)
    return jax.vmap(_PRIOR.log_prior)(end) - integral


class FlowLoss(eqx.Module):
    """The negative mean log likelihood of a neural ODE."""

    steps: int = eqx.field(static=True)

    def __call__(
        self, drift: Callable[..., Any], batch: Float[Array, "n dim"], key: Key[Array, ""]
    ) -> Float[Array, ""]:
        """Return the loss of `drift` mu(x, t) in nats."""
        return -flow_log_likelihoods(drift, batch, steps=self.steps).mean()


class TwoDrifts(eqx.Module):
    """The generative drift mu(x, t) and the control a(y, s) of the inference dY = (sigma a - mu) ds + sigma dB."""

    generative: Callable[..., Any]
    control: Callable[..., Any]


def simulated_elbos(
    drifts: TwoDrifts, noise: float, x: Float[Array, "n dim"], *, steps: int, key: Key[Array, ""]
) -> Float[Array, "n"]:
    """Return an estimate of the ELBO of each log p(x) in nats, from one path of the inference, Euler and Maruyama's.

    **Source**: log p(x) >= E[log p_0(Y_1) - int(|a|^2 / 2 + div mu) ds], dY = (sigma a - mu) ds + sigma dB from x.
    """
    number, dim = x.shape
    times = _uniform_steps(steps, x.dtype)
    # The whole Brownian path at once, linear between the solver's times, so that the way back meets the same noise.
    normal = jax.random.normal(key, (steps, number, dim), x.dtype) * jnp.sqrt(END / steps).astype(x.dtype)
    path = jnp.pad(jnp.cumsum(normal, axis=0), ((1, 0), (0, 0), (0, 0)))
    brownian = diffrax.LinearInterpolation(times["stepsize_controller"].ts, jax.lax.stop_gradient(path))

    def field(s: Any, state: Any, args: Any) -> Any:
        y, _ = state
        value, divergence = jax.vmap(lambda y: value_and_divergence(lambda y: drifts.generative(y, END - s), y))(y)
        control = jax.vmap(drifts.control, (0, None))(y, s)
        return noise * control - value, 0.5 * jnp.square(control).sum(1) + divergence

    solution = diffrax.diffeqsolve(
        diffrax.MultiTerm(diffrax.ODETerm(field), _Noise(noise, brownian)),
        diffrax.Euler(),
        y0=(x, jnp.zeros(number, x.dtype)),
        adjoint=diffrax.RecursiveCheckpointAdjoint(checkpoints=steps),
        **times,
    )
    assert solution.ys is not None
    end, integral = (leaf[-1] for leaf in solution.ys)
    return jax.vmap(_PRIOR.log_prior)(end) - integral


class _Noise(diffrax.AbstractTerm):
    """The term sigma dB of a state with an integral, which no noise enters."""

    sigma: float
    path: diffrax.AbstractPath

    def vf(self, t: Any, y: Any, args: Any) -> Any:
        return self.sigma

    def contr(self, t0: Any, t1: Any, **kwargs: Any) -> Any:
        return self.path.evaluate(t0, t1, **kwargs)

    def prod(self, vf: Any, control: Any) -> Any:
        return vf * control, jnp.zeros(len(control), control.dtype)


class SimulatedBound(eqx.Module):
    """The negative ELBO of a generative SDE with fixed noise, over simulated paths of its inference."""

    noise: float = eqx.field(static=True)
    steps: int = eqx.field(static=True)

    def __call__(self, drifts: TwoDrifts, batch: Float[Array, "n dim"], key: Key[Array, ""]) -> Float[Array, ""]:
        """Return the loss of both drifts in nats."""
        return -simulated_elbos(drifts, self.noise, batch, steps=self.steps, key=key).mean()


def generated(
    drift: Callable[..., Any],
    noise: float,
    start: Float[Array, "n dim"],
    *,
    steps: int,
    saves: int,
    key: Key[Array, ""],
) -> Float[Array, "saves_and_one n dim"]:
    """Return paths of dX = drift(x, t) dt + noise dB from `start` at `saves` + 1 equally spaced times from 0 to 1."""

    def field(t: Any, x: Any, args: Any) -> Any:
        return jax.vmap(drift, (0, None))(x, t)

    def spread(t: Any, x: Any, args: Any) -> Any:
        return lineax.DiagonalLinearOperator(jnp.full_like(x, noise))

    brownian = diffrax.UnsafeBrownianPath(jax.ShapeDtypeStruct(start.shape, start.dtype), key)
    solution = diffrax.diffeqsolve(
        diffrax.MultiTerm(diffrax.ODETerm(field), diffrax.ControlTerm(spread, brownian)),
        diffrax.Euler(),
        y0=start,
        saveat=diffrax.SaveAt(ts=jnp.linspace(0.0, END, saves + 1, dtype=start.dtype)),
        adjoint=diffrax.DirectAdjoint(),
        **_uniform_steps(steps, start.dtype),
    )
    assert solution.ys is not None
    return solution.ys


def network(variant: Variant, *, width: int, depth: int, key: Key[Array, ""]) -> TimePerceptron | TwoDrifts:
    """Return what `variant` trains, untrained, in float32, for one dimension."""
    keys = jax.random.split(key)
    first, second = (TimePerceptron(1, width=width, depth=depth, key=k) for k in keys)
    return TwoDrifts(first, second) if variant == "fixed_noise" else first


def trained(variant: Variant, width: int, depth: int, arrays: Mapping[str, Any]) -> Any:
    """Return the network of `variant` with its saved `arrays`."""
    template = jax.eval_shape(lambda key: network(variant, width=width, depth=depth, key=key), jax.random.key(0))
    return with_arrays(template, arrays)
