"""The rivals of NNAG under noise: Laborde and Oberman's Per-FE-C, and gradient descent with shrinking steps."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PyTree

Scalar = float | Float[Array, ""]


class PerFECState(NamedTuple):
    """The second sequence z and the schedule reached."""

    z: PyTree
    k: Int[Array, ""]
    t: Float[Array, ""]


def per_fe_c(c: Scalar, smoothness: Scalar, *, alpha: float = 0.75) -> optax.GradientTransformation:
    """Return Per-FE-C as the released code has it, with s_k = c / k^alpha and the gradient taken at x_k.

    **Source**: released `acc_gaussian_laborde_binary_classification.m`: with r = 2 s / t,
    x' = r z + (1 - r) x - s / sqrt(L) g, z' = z - t s / 2 g.
    **Departs**: Laborde and Oberman take g at y = r z + (1 - r) x, as Nesterov's method does (recalled, not checked
    against their paper). For theirs, evaluate the gradient at `per_fe_c_point(x, state, ...)`.
    """

    def init(params: PyTree) -> PerFECState:
        return PerFECState(z=jax.tree.map(jnp.asarray, params), k=jnp.zeros((), int), t=jnp.zeros((), float))

    def update(updates: PyTree, state: Any, params: PyTree | None = None) -> tuple[PyTree, PerFECState]:
        if params is None:
            raise ValueError("Per-FE-C moves its parameters: call update(gradient, state, params)")
        k, s, t = _schedule(state, c, alpha)
        r = 2 * s / t
        weight = s / smoothness**0.5
        step = jax.tree.map(lambda x, z, g: (r * (z - x) - weight * g).astype(x.dtype), params, state.z, updates)
        z = jax.tree.map(lambda z, g: (z - 0.5 * t * s * g).astype(z.dtype), state.z, updates)
        return step, PerFECState(z=z, k=k, t=jnp.asarray(t, state.t.dtype))

    return optax.GradientTransformation(init, update)


def per_fe_c_point(x: PyTree, state: PerFECState, c: Scalar, *, alpha: float = 0.75) -> PyTree:
    """Return y = r z + (1 - r) x, where Laborde and Oberman take the next gradient."""
    _, s, t = _schedule(state, c, alpha)
    return jax.tree.map(lambda x, z: (x + 2 * s / t * (z - x)).astype(x.dtype), x, state.z)


def shrinking_gradient_descent(first: Scalar, *, alpha: float = 2 / 3) -> optax.GradientTransformation:
    """Return gradient descent with step first / k^alpha, the paper's perturbed gradient descent.

    **Source**: section 5.1, after Laborde and Oberman's Proposition 3.4: `first` = 1 / sqrt(L) in the text, 1 / L in
    the released code.
    """
    return optax.sgd(lambda count: first / (count + 1) ** alpha)


def _schedule(state: PerFECState, c: Scalar, alpha: float) -> tuple[Int[Array, ""], Scalar, Scalar]:
    k = state.k + 1
    s = c / k**alpha
    return k, s, state.t + s
