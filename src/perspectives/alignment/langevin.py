"""A reference posterior of a small network: the overdamped Langevin equation, several chains of it, solved by diffrax.

The equation is d theta = -grad U(theta) dt + sqrt(2) dW, and U the negative logarithm of the posterior, so that the
posterior is its stationary law. Nothing accepts or rejects a step. What comes out is therefore biased by the step size,
and by every mode that no chain found: a *reference*, to be believed as far as halving the step and R-hat in function
space allow. Weights themselves are not identified: hidden units can be permuted and, with tanh, change sign.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import lineax
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, Key, PyTree

from perspectives.alignment.marginal import noise
from perspectives.alignment.posterior import MeanField, initial, perturbed
from perspectives.alignment.priors import Prior
from perspectives.numerics.progress import Progress, silent
from perspectives.numerics.training import fit

Method = Literal["leimkuhler-matthews", "euler"]
Potential = Callable[[PyTree], Float[Array, ""]]


def potential(
    model: Callable[..., Any], inputs: Float[Array, "rows features"], labels: Int[Array, "rows"], prior: Prior
) -> Float[Array, ""]:
    """Return U, the negative log posterior of a classifier of one row, in nats, up to a constant.

    **Source**: N times the mean cross-entropy, plus the sum of theta^2 / (2 deviation^2) for a Gaussian prior.
    """
    logits = jax.vmap(model)(inputs)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).sum() + prior.penalty(model)


class NetworkPotential(eqx.Module):
    """`potential` as a function of the network's arrays alone, `static` being the rest of the network."""

    static: PyTree
    inputs: Float[Array, "rows features"]
    labels: Int[Array, "rows"]
    prior: Prior

    def __call__(self, arrays: PyTree) -> Float[Array, ""]:
        """Return the potential in nats."""
        return potential(eqx.combine(arrays, self.static), self.inputs, self.labels, self.prior)


class ShiftedEuler(diffrax.AbstractItoSolver):
    """Euler's method with the drift taken half the step's noise ahead; for additive noise.

    **Source**: Leimkuhler and Matthews, Applied Mathematics Research eXpress 2013, 34, in the form of a postprocessed
    integrator, Vilmart, SIAM Journal on Scientific Computing 37 (2015) A201 (equation numbers not checked): y' = y +
    f(y + noise / 2) dt + noise. Then y + noise / 2, of which `langevin_chains` keeps draws, has a stationary law that
    is wrong by order dt^2, and right for a quadratic potential at any stable step; Euler's is wrong by order dt, for
    the same one gradient a step.
    """

    term_structure: ClassVar = diffrax.MultiTerm
    interpolation_cls: ClassVar[Any] = diffrax.LocalLinearInterpolation

    def order(self, terms: Any) -> int:
        """Return the order without noise."""
        return 1

    def strong_order(self, terms: Any) -> int:
        """Return the order along one path of additive noise."""
        return 1

    def init(self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any) -> None:
        """Return nothing: a step needs no memory."""

    def func(self, terms: Any, t0: Any, y0: Any, args: Any) -> Any:
        """Return the vector fields."""
        return terms.vf(t0, y0, args)

    def step(
        self, terms: Any, t0: Any, t1: Any, y0: Any, args: Any, solver_state: Any, made_jump: Any
    ) -> tuple[Any, None, dict[str, Any], None, diffrax.RESULTS]:
        """Return the state after one step, and what interpolates it."""
        drift, diffusion = terms.terms
        noise = diffusion.vf_prod(t0, y0, args, diffusion.contr(t0, t1))
        ahead = jax.tree.map(lambda y, dw: y + dw / 2, y0, noise)
        move = drift.vf_prod(t0, ahead, args, drift.contr(t0, t1))
        y1 = jax.tree.map(lambda y, dy, dw: y + dy + dw, y0, move, noise)
        return y1, None, {"y0": y0, "y1": y1}, None, diffrax.RESULTS.successful


@eqx.filter_jit
def _advance(
    function: Potential,
    states: Float[Array, "chains numbers"],
    like: PyTree,
    step: Float[Array, ""],
    steps: Float[Array, ""],
    method: Method,
    key: Key[Array, ""],
) -> tuple[Float[Array, "chains numbers"], Float[Array, "chains numbers"]]:
    """Return the chains' states after `steps` steps and the draws that they stand for; `like` is one unravelled."""
    path_key, draw_key = jax.random.split(key)
    unravel = ravel_pytree(like)[1]
    gradient = jax.vmap(jax.grad(lambda state: function(unravel(state))))
    # Time is counted in steps, which makes all times whole numbers: no rounding adds a step or cuts one short.
    deviation = jnp.sqrt(2 * step)
    noise = lineax.DiagonalLinearOperator(jnp.full(states.shape, deviation))
    terms = diffrax.MultiTerm(
        diffrax.ODETerm(lambda _, y, __: -step * gradient(y)),
        diffrax.ControlTerm(lambda *_: noise, diffrax.UnsafeBrownianPath(states.shape, path_key)),
    )
    solution = diffrax.diffeqsolve(
        terms,
        ShiftedEuler() if method == "leimkuhler-matthews" else diffrax.Euler(),
        t0=0.0,
        t1=steps,
        dt0=1.0,
        y0=states,
        max_steps=None,  # the number of steps is data, not part of the compiled code
        adjoint=diffrax.ForwardMode(),
    )
    assert solution.ys is not None
    states = solution.ys[0]
    if method == "euler":
        return states, states
    return states, states + deviation / 2 * jax.random.normal(draw_key, states.shape)


def langevin_chains(
    function: Potential,
    start: PyTree[Float[Array, "chains ..."]],
    *,
    step: float,
    steps_between: int,
    draws: int,
    method: Method = "leimkuhler-matthews",
    progress: Progress = silent,
    key: Key[Array, ""],
) -> PyTree:
    """Return draws of the law proportional to exp(-function), with leading axes (chains, draws), burn-in among them.

    The chains go from `start` in steps of time `step`, and of every `steps_between` steps the last is kept. Both are
    data of the compiled code: half the step and twice as many of them between draws compile nothing anew.

    **Raises**: ValueError when a chain leaves the finite numbers, as it does above the largest stable step.
    """
    like = jax.tree.map(lambda leaf: leaf[0], start)
    # One array holds a state, so that the noise of a step is one draw and not one for each of the network's arrays.
    states = jax.vmap(lambda one: ravel_pytree(one)[0])(start)
    time = jnp.asarray(step), jnp.asarray(float(steps_between))
    kept = []
    for number in range(draws):
        states, drawn = _advance(function, states, like, *time, method, jax.random.fold_in(key, number))
        kept.append(np.asarray(drawn))
        finite = np.isfinite(kept[-1]).all(axis=1)
        if not finite.all():
            raise ValueError(
                f"alignment.langevin.step = {step:g} is too large: {int((~finite).sum())} of {len(finite)} chains are "
                f"not finite at draw {number + 1} of {draws}. Steps are stable below 2 over the potential's largest "
                "curvature; lower it in config.yaml."
            )
        progress(number + 1, draws)
    return jax.vmap(jax.vmap(ravel_pytree(like)[1]))(jnp.asarray(np.stack(kept, axis=1)))


@eqx.filter_jit
def prior_draws(model: PyTree, prior: Prior, *, count: int, key: Key[Array, ""]) -> PyTree:
    """Return arrays of `count` networks like `model`, Gaussian with the prior's deviations.

    They are the chains' starts: more spread than what the chains should come to, as R-hat supposes.
    """
    standard = jax.vmap(lambda k: noise(model, key=k))(jax.random.split(key, count))
    return jax.tree.map(lambda deviation, z: deviation * z, prior.deviation, standard)


@eqx.filter_jit
def probabilities(
    static: PyTree, arrays: PyTree, inputs: Float[Array, "rows features"]
) -> Float[Array, "chains draws rows classes"]:
    """Return the class probabilities by each network of `arrays`, which have leading axes of chains and draws."""

    def one(single: PyTree) -> Float[Array, "rows classes"]:
        return jax.nn.softmax(jax.vmap(eqx.combine(single, static))(inputs))

    return jax.lax.map(jax.vmap(one), arrays)


class _Whole(eqx.Module):
    """All rows as every batch; a round has `steps` of them."""

    rows: PyTree
    steps: int = eqx.field(static=True)

    def draw(self, key: Key[Array, ""]) -> Int[Array, "steps"]:
        """Return nothing but the number of batches."""
        return jnp.zeros(self.steps, int)

    def take(self, drawn: Int[Array, ""]) -> PyTree:
        """Return all rows."""
        return self.rows


START_DEVIATION = 0.1
"""Standard deviation from which mean-field posteriors start; small, so that the means find the data first."""
LEARNING_RATE = 1e-2
ROUNDS = 10


def fit_mean_field(
    make: Callable[[Key[Array, ""]], PyTree],
    inputs: Float[Array, "rows features"],
    labels: Int[Array, "rows"],
    prior: Prior,
    *,
    members: int,
    steps: int,
    progress: Progress = silent,
    key: Key[Array, ""],
) -> tuple[list[MeanField], Float[np.ndarray, "members"]]:
    """Return mean-field posteriors of the same data from the networks `make`, and their ELBOs in nats.

    All rows are in every step. An ELBO is the mean of its estimates over the last tenth of the steps.

    **Source**: the negative ELBO a row, E_q of the mean cross-entropy + KL(q || prior) / N, by local reparameterisation
    as in `variational.NegativeElbo`, which takes images.
    **Raises**: ValueError when `steps` is no positive multiple of `ROUNDS`.
    """
    if steps < 1 or steps % ROUNDS:
        raise ValueError(f"alignment.langevin.mean_field_steps = {steps} must be a positive multiple of {ROUNDS}")

    def loss(posterior: MeanField, batch: PyTree, key: Key[Array, ""]) -> Float[Array, ""]:
        shared, own = jax.random.split(key)
        keys = jax.random.split(own, len(batch[1]))
        logits = jax.vmap(lambda row, k: perturbed(posterior, shared=shared, key=k)(row))(batch[0], keys)
        expected = optax.softmax_cross_entropy_with_integer_labels(logits, batch[1]).mean()
        return expected + prior.divergence(posterior.mean, posterior.deviation) / len(batch[1])

    start_key, fit_key = jax.random.split(key)
    start = eqx.filter_vmap(lambda k: initial(make(k), prior, START_DEVIATION))(jax.random.split(start_key, members))
    fitted = fit(
        start,
        loss,
        _Whole((inputs, labels), steps // ROUNDS),
        optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, steps)),
        steps=steps,
        progress=progress,
        key=jax.random.split(fit_key, members),
    )
    arrays, static = eqx.partition(fitted.model, eqx.is_array)
    found = [eqx.combine(jax.tree.map(lambda leaf, i=i: leaf[i], arrays), static) for i in range(members)]
    return found, -len(labels) * np.asarray(fitted.record.loss[:, -1])
