"""How far the code is from the exact identities that it must satisfy: zero, up to rounding."""

from collections.abc import Callable
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from perspectives.highres import flows, lagrangian
from perspectives.highres.discretisation import SemiImplicit, iterate, semi_implicit_step
from perspectives.highres.nnag import nnag
from perspectives.highres.problems import LogisticRegression
from perspectives.highres.svrg import svrg_gradient
from perspectives.numerics.nets import convolve_patches

Scalar = Float[Array, ""]
ConvexFlowOf = Callable[[Scalar, Scalar, Scalar], flows.ConvexFlow]
ForceOf = Callable[..., lagrangian.Force]

EXPONENTS = ((2.0, 0.25), (3.0, 0.5), (1.5, 1.0))
"""(p, C) at which the convex flows are checked; the first is that of (14)."""


@eqx.filter_jit
def euler_lagrange_residual(
    problem: LogisticRegression, h: Scalar, mu: Scalar, *, key: Key[Array, ""]
) -> Float[Array, ""]:
    """Return the largest relative difference of x'' between the pair forms and the forced Euler-Lagrange equation.

    Over (10), (13) and (19) at random times, positions and velocities; (14) is (13) at p = 2, C = 1/4.
    """
    of_times, of_points = jax.random.split(key)
    times = jax.random.uniform(of_times, (20,), minval=0.5, maxval=5.0)
    points = jax.random.normal(of_points, (20, 2, problem.features.shape[1]))

    def convex(flow: ConvexFlowOf, force: ForceOf, p: Scalar, c: Scalar, t: Scalar, point: Array) -> Scalar:
        scaling = lagrangian.PolynomialScaling(p, c)
        free = lagrangian.convex_lagrangian(scaling, problem)
        expected = lagrangian.acceleration(free, force(scaling, problem, h), t, *point)
        return _relative_difference(flows.acceleration(flow(h, p, c), problem, t, *point), expected)

    def strongly_convex(t: Scalar, point: Array) -> Scalar:
        scaling = lagrangian.ExponentialScaling(mu)
        free = lagrangian.strongly_convex_lagrangian(scaling, problem, mu)
        force = lagrangian.strongly_convex_force(scaling, problem, h)
        expected = lagrangian.acceleration(free, force, t, *point)
        return _relative_difference(flows.acceleration(flows.StronglyConvexFlow(h, mu), problem, t, *point), expected)

    p, c = jnp.array(EXPONENTS).T
    differences = [jax.vmap(strongly_convex)(times, points)]
    for flow, force in (
        (flows.first_choice, lagrangian.first_force),
        (flows.second_choice, lagrangian.second_force),
    ):
        of_exponents = jax.vmap(partial(convex, flow, force), in_axes=(0, 0, None, None))
        differences.append(jax.vmap(of_exponents, in_axes=(None, None, 0, 0))(p, c, times, points))
    return jnp.max(jnp.concatenate([one.ravel() for one in differences]))


@eqx.filter_jit
def noise_free_nnag_minus_semi_implicit(
    problem: LogisticRegression, start: Float[Array, "dim"], s: Float[Array, ""], count: int
) -> Float[Array, ""]:
    """Return sup |x_k - y_k| / sup |y_k| of NNAG (29) without noise and scheme (21), both from x_1 = v_1 = `start`.

    **Source**: (29) with s_k = sqrt(s), t_k = k sqrt(s) and beta = sqrt(s L) is (21), remark after (29).
    """
    h = jnp.sqrt(s)
    method = nnag(h, h, alpha=0.0)

    def advance(carry, _):
        x, state = carry
        steps, state = method.update(jax.grad(problem)(x), state, x)
        return (x + steps, state), x + steps

    _, noisy = jax.lax.scan(advance, (start, method.init(start)), length=count)
    expected = iterate(
        lambda k, state: semi_implicit_step(jax.grad(problem), s, k, state), SemiImplicit(start, start), 1, count
    ).x[1:]
    return jnp.max(jnp.linalg.norm(noisy - expected, axis=1)) / jnp.max(jnp.linalg.norm(expected, axis=1))


@eqx.filter_jit
def svrg_bias(problem: LogisticRegression, x: Float[Array, "dim"], snapshot: Float[Array, "dim"]) -> Float[Array, ""]:
    """Return |mean over samples of SVRG's estimate - grad f(x)| / |grad f(x)|."""

    def estimate(i: Array) -> Array:
        return svrg_gradient(
            problem.example_gradient(i, x), problem.example_gradient(i, snapshot), problem.gradient(snapshot)
        )

    mean = jnp.mean(jax.vmap(estimate)(jnp.arange(len(problem.labels))), axis=0)
    return jnp.linalg.norm(mean - problem.gradient(x)) / jnp.linalg.norm(problem.gradient(x))


@eqx.filter_jit
def convolution_difference(*, key: Key[Array, ""]) -> Float[Array, ""]:
    """Return the largest difference of `convolve_patches` and XLA's convolution, over the largest output.

    On the second layer of the LeNet-like network: 6 channels of 14 x 14 pixels, 16 kernels of 5 x 5.
    """
    of_images, of_kernel = jax.random.split(key)
    images = jax.random.normal(of_images, (6, 14, 14, 4))
    kernel = jax.random.normal(of_kernel, (16, 6, 5, 5))
    expected = jax.lax.conv_general_dilated(images, kernel, (1, 1), "VALID", dimension_numbers=("CHWN", "OIHW", "CHWN"))
    return jnp.max(jnp.abs(convolve_patches(images, kernel) - expected)) / jnp.max(jnp.abs(expected))


def _relative_difference(one: Float[Array, "dim"], other: Float[Array, "dim"]) -> Scalar:
    return jnp.linalg.norm(one - other) / jnp.linalg.norm(other)
