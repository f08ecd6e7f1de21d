"""Noisy Nesterov accelerated gradient, NNAG, as optax transformations.

A method with two sequences: x^k, where gradients are taken, and v^k, which gathers them. Scheme (29) moves x with
the gradient at x^k, then v with the gradient at the *new* point x^{k+1}. An optax transformation sees one gradient a
call, at the current x, so each call first completes the v of the call before, then moves x:

    v^k     = v^{k-1} - (t_{k-1} s_{k-1} / 2 + a s_{k-1}) g(x^k)
    x^{k+1} = (x^k + r v^k - a s_k g(x^k)) / (1 + r),    r = 2 s_k / t_k,    a = beta / sqrt(L).

One gradient an iteration serves both moves, noise included, as (29) asks ("reuse": e_{k+1} appears in v^{k+1} and
again in x^{k+2}). The released MATLAB code draws a second noise for v ("fresh"); for that, pass the other estimate to
`update` as `v_gradient`.

Symbols: s_k is a step in time, t_k the time reached (both in units of 1 / sqrt(L)), c and alpha make the schedule
s_k = c / k^alpha, t_k = s_1 + ... + s_k.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PyTree

Scalar = float | Float[Array, ""]


class NNAGState(NamedTuple):
    """What NNAG remembers between two calls: v with its last move pending, and the schedule that this move will use."""

    v: PyTree
    k: Int[Array, ""]
    s: Float[Array, ""]
    t: Float[Array, ""]
    calls: Int[Array, ""]


def completed_v(v: PyTree, gradient: PyTree, s: Scalar, t: Scalar, a: Scalar) -> PyTree:
    """Return v after the gradient at the new x has reached it.

    **Source**: (29), second line: v - (t s + 2 s a) / 2 gradient, with a = beta / sqrt(L). For (31) pass a = s.
    """
    weight = 0.5 * t * s + s * a
    return jax.tree.map(lambda leaf, g: leaf - _like(leaf, weight) * g, v, gradient)


def moved_x(x: PyTree, v: PyTree, gradient: PyTree, s: Scalar, t: Scalar, a: Scalar) -> PyTree:
    """Return the next x; the implicit v - x^{k+1} of the source is solved for.

    **Source**: (29), first line: x' = x + r (v - x') - a s gradient with r = 2 s / t. For (31) pass a = 1 / sqrt(L).
    """
    r = 2 * s / t

    def moved(x: Array, v: Array, g: Array) -> Array:
        return (x + _like(x, r) * v - _like(x, a * s) * g) / _like(x, 1 + r)

    return jax.tree.map(moved, x, v, gradient)


def nnag(
    c: Scalar,
    a: Scalar,
    *,
    alpha: float = 0.75,
    reset_every: int | None = None,
    as_released: bool = False,
) -> optax.GradientTransformationExtraArgs:
    """Return NNAG (29) with s_k = c / k^alpha and a = beta / sqrt(L).

    `reset_every` starts the schedule again after that many calls: the batches of an epoch, as the text of the mixture
    with SVRG says; 1, as the released training loop does; None, never.

    **Source**: section 5, (29); Theorem 5.1 asks c <= 1 / sqrt(L), beta >= 2 and 3/4 <= alpha < 1. alpha = 0 keeps the
    steps equal: then without noise and with a = c the scheme is (21), Nesterov's method.
    **Departs**: with `as_released` it is the published PyTorch class instead, in three ways. The schedule starts at
    s_0 = t_0 = c (the constructor ignores its arguments), so that the first call moves v too; t lags one step,
    t_{k+1} = t_k + s_k; a reset sets t to zero *before* v is completed, and leaves s.
    """
    start = c if as_released else 0.0

    def schedule(state: NNAGState) -> tuple[Int[Array, ""], Scalar, Scalar]:
        k = state.k + 1
        s = c / k**alpha
        return k, s, state.t + (state.s if as_released else s)

    return _two_sequences(
        start=start,
        schedule=schedule,
        v_damping=lambda state: a,
        x_damping=a,
        reset_every=reset_every,
        reset_first=as_released,
    )


def nnag_modified(c: Scalar, smoothness: Scalar, *, alpha: float = 0.75) -> optax.GradientTransformationExtraArgs:
    """Return the modified NNAG (31), for which Theorem 5.2 bounds the smallest gradient too.

    **Source**: (31): x' = x + r (v - x') - s / sqrt(L) g(x), v' = v - (t s / 2 + s^2) g(x').
    """

    def schedule(state: NNAGState) -> tuple[Int[Array, ""], Scalar, Scalar]:
        k = state.k + 1
        s = c / k**alpha
        return k, s, state.t + s

    return _two_sequences(
        start=0.0,
        schedule=schedule,
        v_damping=lambda state: state.s,
        x_damping=1 / smoothness**0.5,
        reset_every=None,
        reset_first=False,
    )


def _two_sequences(
    *,
    start: Scalar,
    schedule: Callable[[NNAGState], tuple[Int[Array, ""], Scalar, Scalar]],
    v_damping: Callable[[NNAGState], Scalar],
    x_damping: Scalar,
    reset_every: int | None,
    reset_first: bool,
) -> optax.GradientTransformationExtraArgs:
    def init(params: PyTree) -> NNAGState:
        zero = jnp.zeros((), dtype=int)
        # The schedule is at least float32, whatever the parameters are: t grows by a part in k at iteration k.
        time = jnp.asarray(start, dtype=float)
        return NNAGState(v=jax.tree.map(jnp.asarray, params), k=zero, s=time, t=time, calls=zero)

    def restarted(state: NNAGState) -> NNAGState:
        if reset_every is None:
            return state
        due = (state.calls > 0) & (state.calls % reset_every == 0)
        return state._replace(k=jnp.where(due, 0, state.k), t=jnp.where(due, 0.0, state.t))

    def update(
        updates: PyTree,
        state: NNAGState,
        params: PyTree | None = None,
        *,
        v_gradient: PyTree | None = None,
        **extra_args: Any,
    ) -> tuple[PyTree, NNAGState]:
        del extra_args
        if params is None:
            raise ValueError("NNAG moves its parameters, the x of (29): call update(gradient, state, params)")
        state = restarted(state) if reset_first else state
        gradient = updates if v_gradient is None else v_gradient
        v = completed_v(state.v, gradient, state.s, state.t, v_damping(state))
        state = state if reset_first else restarted(state)
        k, s, t = schedule(state)
        x = moved_x(params, v, updates, s, t, x_damping)
        steps = jax.tree.map(lambda new, old: new - old, x, params)
        dtype = state.s.dtype
        return steps, NNAGState(v=v, k=k, s=jnp.asarray(s, dtype), t=jnp.asarray(t, dtype), calls=state.calls + 1)

    # optax types every state as a bare tree, so a named one cannot satisfy its protocol.
    return optax.GradientTransformationExtraArgs(init, update)  # pyright: ignore[reportArgumentType]


def _like(leaf: Array, scalar: Scalar) -> Array:
    """Return `scalar` in the type of `leaf`, so that float32 parameters stay float32."""
    return jnp.asarray(scalar, dtype=leaf.dtype)
