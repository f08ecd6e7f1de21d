"""Identities of the theory, both sides by quadrature or automatic differentiation: nothing here is sampled."""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import roots_hermite, roots_legendre

from perspectives.diffusion.mixtures import GaussianMixture, marginal
from perspectives.diffusion.path_weights import Shift, euler_step
from perspectives.diffusion.plug_in import PlugIn
from perspectives.diffusion.proposals import Debiasing
from perspectives.diffusion.score_matching import Score, denoising_loss, explicit_loss, implicit_loss
from perspectives.diffusion.sde import END, InferenceSde
from perspectives.numerics.divergence import value_and_divergence, value_and_probed_divergence
from perspectives.numerics.ode import trajectory

REACH = 11.0
"""Deviations beyond the outermost means that a grid covers: a normal density is below 1e-26 there."""
LINE_NODES = 4001
NOISE_NODES = 401
TIME_NODES = 128
HERMITE_NODES = 200


def moment_errors(
    sde: InferenceSde, times: Float[Array, "times"]
) -> tuple[Float[Array, "times"], Float[Array, "times"]]:
    """Return errors of the closed-form m(s) and v(s) against a solver, in units of the larger of 1 and the value.

    Each time is the end of a solve of its own: interpolation within a step costs two digits. **Source**: m' = r m
    from 1 and v' = 2 r v + g^2 from 0.
    """

    def field(s: Any, state: Any, args: InferenceSde) -> Any:
        m, v = state
        return args.rate(s) * m, 2 * args.rate(s) * v + args.diffusion(s) ** 2

    start = (jnp.ones(()), jnp.zeros(()))
    solved = jax.vmap(lambda end: trajectory(field, start, end[None], sde, since=0.0).states)(times)
    closed = (sde.mean_factor(times), sde.variance(times))
    m, v = (jnp.abs(one[:, 0] - other) / jnp.maximum(1, other) for one, other in zip(solved, closed, strict=True))
    return m, v


def fokker_planck_residual(
    log_density: Callable[..., Any],
    drift: Callable[..., Any],
    diffusion: Callable[..., Any],
    t: Float[Array, ""],
    y: Float[Array, "dim"],
) -> Float[Array, ""]:
    """Return how far a density is from solving the Fokker-Planck equation of dY = drift dt + diffusion dB at (y, t).

    In units of the largest term of d/dt log q + div b + b . grad log q - g^2 (lap log q + |grad log q|^2) / 2 = 0; all
    are functions of (t, y), but `diffusion` of t. **Source**: the equation for q, divided by q.
    """
    rate = jax.grad(log_density)(t, y)
    score, laplacian = value_and_divergence(lambda y: jax.grad(log_density, 1)(t, y), y)
    b, divergence = value_and_divergence(lambda y: drift(t, y), y)
    half = 0.5 * diffusion(t) ** 2
    terms = jnp.stack([rate, divergence, b @ score, -half * laplacian, -half * score @ score])
    return jnp.abs(terms.sum()) / jnp.abs(terms).max()


def line_quadrature(
    mixture: GaussianMixture, *, nodes: int = LINE_NODES
) -> tuple[Float[Array, "nodes one"], Float[Array, "nodes"]]:
    """Return points on the line and weights whose sum over a function is its mean under `mixture`.

    The trapezoidal rule on an even grid: for what is analytic near the line and decays like a Gaussian it converges
    faster than any power of the spacing.
    """
    reach = REACH * mixture.deviations.max()
    y = jnp.linspace(mixture.means.min() - reach, mixture.means.max() + reach, nodes)[:, None]
    return y, jnp.exp(jax.vmap(mixture.log_density)(y)) * (y[1, 0] - y[0, 0])


def loss_differences(
    sde: InferenceSde, mixture: GaussianMixture, score: Score, s: Float[Array, ""]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Return (denoising - implicit - 1 / 2v, explicit - implicit - E |grad log q_s|^2 / 2) on the line, both 0.

    In units of the largest of the losses, for 1 / v grows without end towards s = 0. The denoising loss is a mean over
    pairs (x, noise), the others are means over y.
    """
    q = marginal(mixture, sde, s)
    y, weight = line_quadrature(q)
    truth = jax.vmap(q.score)(y)
    implicit = weight @ jax.vmap(lambda y: implicit_loss(score, y, s))(y)
    explicit = weight @ jax.vmap(lambda y, truth: explicit_loss(score, y, s, truth))(y, truth)
    x, x_weight = line_quadrature(mixture, nodes=LINE_NODES // 4)
    unit = GaussianMixture(jnp.ones(1), jnp.zeros((1, 1)), jnp.ones(1))
    noise, noise_weight = line_quadrature(unit, nodes=NOISE_NODES)
    given_x = jax.vmap(jax.vmap(lambda x, e: denoising_loss(score, sde, x, s, e), (None, 0)), (0, None))(x, noise)
    denoising = x_weight @ given_x @ noise_weight
    squares = weight @ jnp.square(truth[:, 0])
    constants = jnp.stack([0.5 / sde.variance(s), 0.5 * squares])
    losses = jnp.stack([denoising, explicit])
    gaps = (losses - implicit - constants) / jnp.maximum(jnp.abs(implicit), losses)
    return gaps[0], gaps[1]


class Sides(NamedTuple):
    """Both sides of an equation, in nats."""

    left: Float[Array, ""]
    right: Float[Array, ""]


def gap_sides(sde: InferenceSde, mixture: GaussianMixture, score: Score) -> Sides:
    """Return both sides of E[log q_0 - ELBO] = KL(q_T, p_0) + int g^2 E |score - grad log q_s|^2 / 2 ds on the line.

    **Source**: the ELBO as in bounds.py; its derivation in docs/diffusion.md. Gauss and Legendre's rule in u, s = u^2.
    """
    u, u_weight = roots_legendre(TIME_NODES)
    u, u_weight = jnp.asarray(0.5 * (u + 1)), jnp.asarray(0.5 * u_weight)
    times, time_weight = END * u**2, 2 * END * u * u_weight

    def losses(s: Float[Array, ""]) -> tuple[Float[Array, ""], Float[Array, ""]]:
        q = marginal(mixture, sde, s)
        y, weight = line_quadrature(q)
        implicit = jax.vmap(lambda y: implicit_loss(score, y, s))(y)
        explicit = jax.vmap(lambda y: explicit_loss(score, y, s, q.score(y)))(y)
        return weight @ implicit, weight @ explicit

    implicit, explicit = jax.lax.map(losses, times)
    time_weight = time_weight * sde.diffusion(times) ** 2
    x, weight = line_quadrature(mixture)
    prior = weight @ jax.vmap(sde.expected_log_prior)(x)
    bound = prior + jnp.log(sde.mean_factor(END)) - time_weight @ implicit
    last = marginal(mixture, sde, END)
    y, last_weight = line_quadrature(last)
    divergence = last_weight @ jax.vmap(lambda y: last.log_density(y) - sde.log_prior(y))(y)
    return Sides(weight @ jax.vmap(mixture.log_density)(x) - bound, divergence + time_weight @ explicit)


def one_step_expectation(
    plug_in: PlugIn, shift: Shift, y: Float[Array, "one"], s: Float[Array, ""], step: Float[Array, ""]
) -> Float[Array, ""]:
    """Return E[p_0(Y) exp W] after one Euler step from y on the line, by Gauss-Hermite quadrature; all shifts have one.

    W is what the step adds to the log weight (path_weights.py).
    """
    nodes, weights = roots_hermite(HERMITE_NODES)
    increments = jnp.sqrt(2 * step) * jnp.asarray(nodes)[:, None]

    def value(increment: Float[Array, "one"]) -> Float[Array, ""]:
        moved = euler_step(plug_in, shift, y, s, step, increment)
        return jnp.exp(plug_in.sde.log_prior(moved.y) + moved.drift + moved.noise)

    return jnp.asarray(weights / np.sqrt(np.pi)) @ jax.vmap(value)(increments)


def probe_error(field: Callable[..., Any], y: Float[Array, "dim"]) -> Float[Array, ""]:
    """Return the error of Hutchinson's divergence averaged over all 2^d probes of signs."""
    probes = jnp.asarray(list(itertools.product((-1.0, 1.0), repeat=y.size)))
    estimates = jax.vmap(lambda probe: value_and_probed_divergence(field, y, probe)[1])(probes)
    return jnp.abs(estimates.mean() - value_and_divergence(field, y)[1])


def proposal_errors(
    proposal: Debiasing, s: Float[Array, "times"]
) -> tuple[Float[Array, "times"], Float[Array, "times"]]:
    """Return errors of quantile(distribution(s)), and of the distribution's derivative relative to the density.

    The derivative does not exist at `epsilon` itself.
    """
    slope = jax.vmap(jax.grad(proposal.distribution))(s)
    density = proposal.density(s)
    return jnp.abs(proposal.quantile(proposal.distribution(s)) - s), jnp.abs(slope / density - 1)
