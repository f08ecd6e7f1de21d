"""The density of a generative SDE as an expectation over paths, after any change of drift.

A generative equation dX = mu dt + sigma dB, X_0 from p_0, has at its end the density

    p(x) = E exp W,  W = log p_0(Y_T) - int (div mu + |a|^2 / 2) ds - int a . dB,
    dY = (-mu + sigma a) ds + sigma dB from Y_0 = x, with mu and sigma at t = T - s,

for every a(y, s). With a = 0 it is the Feynman-Kac formula; the exponential of the two terms with a is Girsanov's
density. The mean of W is the continuous-time ELBO. At a = sigma grad log p(Y_s, T - s), W is constant. The released
code has no such estimator.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from perspectives.diffusion.plug_in import PlugIn
from perspectives.diffusion.score_matching import Score
from perspectives.diffusion.sde import END, InferenceSde, Time
from perspectives.numerics.divergence import value_and_divergence

Shift = Callable[..., Any]
"""a(y, s) -> an array of y's shape: the change of drift, in units of the noise."""


class ScaledShift(eqx.Module):
    """The share `share` of g score, which is the optimal shift a* of the reverse SDE when the score is the marginals'.

    With it and `PlugIn` at lambda = 0, Y is the inference SDE: -mu + sigma a* = f. At another lambda the optimal shift
    is sigma score, the share sqrt(1 - lambda).
    """

    sde: InferenceSde
    score: Score
    share: Float[Array, ""] | float = 1.0

    def __call__(self, y: Float[Array, "*event"], s: Time) -> Float[Array, "*event"]:
        """Return a(y, s)."""
        return self.share * self.sde.diffusion(s) * self.score(y, s)


class Step(NamedTuple):
    """Where a step of Euler's method leads, and what it adds to W: by the drift and by the noise, in nats."""

    y: Float[Array, "*event"]
    drift: Float[Array, ""]
    noise: Float[Array, ""]


def euler_step(
    plug_in: PlugIn,
    shift: Shift,
    y: Float[Array, "*event"],
    s: Float[Array, ""],
    step: Float[Array, ""],
    increment: Float[Array, "*event"],
) -> Step:
    """Return one step of the shifted equation from y at s; `increment` is the Brownian motion's, of variance `step`.

    **Source**: Euler and Maruyama's method. Weights are written for the chain: its transitions with and without shift
    are normal with one variance, and their ratio is exp(-a . increment - |a|^2 step / 2). Hence the expectation is the
    same for all shifts at any step, and not only in the limit.
    """
    t = END - s
    mu, divergence = value_and_divergence(lambda y: plug_in.drift(t, y), y)
    sigma, a = plug_in.diffusion(t), shift(y, END - t)  # at the very time of the drift, or the score is computed twice
    moved = y + (sigma * a - mu) * step + sigma * increment
    return Step(moved, -(divergence + 0.5 * jnp.square(a).sum()) * step, -jnp.vdot(a, increment))


class PathWeights(NamedTuple):
    """W and the same without its martingale -int a . dB, which changes no mean: the integrand of the ELBO; in nats."""

    log_weight: Float[Array, "paths"]
    bound: Float[Array, "paths"]


@eqx.filter_jit
def path_weights(
    plug_in: PlugIn,
    shift: Shift,
    start: Float[Array, "paths *event"],
    times: Float[Array, "times"],
    *,
    key: Key[Array, ""],
) -> PathWeights:
    """Return W of one path from each point of `start`, by Euler's method on the grid `times` from 0 to T.

    The noise of a step depends on its number and `key` alone: shifts with one `key` have common noise.
    """
    step_at = _batched_step(plug_in, shift, key)

    def step(state: Any, grid: Any) -> tuple[Any, None]:
        y, drift, noise = state
        moved = step_at(y, *grid)
        return (moved.y, drift + moved.drift, noise + moved.noise), None

    zeros = jnp.zeros(len(start), start.dtype)
    (end, drift, noise), _ = jax.lax.scan(step, (start, zeros, zeros), _grid(times))
    bound = jax.vmap(plug_in.sde.log_prior)(end) + drift
    return PathWeights(bound + noise, bound)


@eqx.filter_jit
def shifted_paths(
    plug_in: PlugIn,
    shift: Shift,
    start: Float[Array, "paths *event"],
    times: Float[Array, "times"],
    *,
    key: Key[Array, ""],
) -> Float[Array, "times paths *event"]:
    """Return the paths themselves at all `times`, those of `path_weights` when `key` and the rest are the same."""
    step_at = _batched_step(plug_in, shift, key)

    def step(y: Any, grid: Any) -> tuple[Any, Any]:
        moved = step_at(y, *grid).y
        return moved, moved

    _, later = jax.lax.scan(step, start, _grid(times))
    return jnp.concatenate([start[None], later])


def _grid(times: Float[Array, "times"]) -> tuple[Array, Array, Array]:
    return times[:-1], jnp.diff(times), jnp.arange(len(times) - 1)


def _batched_step(plug_in: PlugIn, shift: Shift, key: Key[Array, ""]) -> Callable[..., Step]:
    def step_at(y: Any, s: Float[Array, ""], step: Float[Array, ""], number: Int[Array, ""]) -> Step:
        increment = jnp.sqrt(step) * jax.random.normal(jax.random.fold_in(key, number), y.shape, y.dtype)
        return jax.vmap(lambda y, increment: euler_step(plug_in, shift, y, s, step, increment))(y, increment)

    return step_at


class Estimate(NamedTuple):
    """A log density in nats, its standard error, and the share of the paths that as good an average would need."""

    value: Float[Array, ""]
    error: Float[Array, ""]
    effective_share: Float[Array, ""]


def log_mean_exp(log_weight: Float[Array, "paths"]) -> Estimate:
    """Return log mean exp W.

    **Source**: standard error by the delta method, deviation of exp W over its mean and the root of the number;
    effective share (mean exp W)^2 / mean exp 2W (Kong 1992). Both flatter when the largest weights were not drawn.
    """
    relative = _relative_weights(log_weight)
    top = log_weight.max()
    value = top + jnp.log(jnp.mean(jnp.exp(log_weight - top)))
    return Estimate(value, jnp.std(relative) / len(relative) ** 0.5, 1 / jnp.mean(relative**2))


def difference_error(one: Float[Array, "paths"], other: Float[Array, "paths"]) -> Float[Array, ""]:
    """Return the standard error of the difference of two `log_mean_exp` whose paths are paired."""
    return jnp.std(_relative_weights(one) - _relative_weights(other)) / len(one) ** 0.5


def _relative_weights(log_weight: Float[Array, "paths"]) -> Float[Array, "paths"]:
    weight = jnp.exp(log_weight - log_weight.max())
    return weight / weight.mean()
