"""Inference on a chain by one recursion over a generic maximum, and by sums over all paths.

A path s of K nodes with M states each scores theta[0, 0, s_1] + sum_k theta[k, s_(k-1), s_k]. The recursion
a_k(j) = max_i (theta[k, i, j] + a_(k-1)(i)) ends at the log-partition function when max is log-sum-exp, at the best
score when it is the maximum, and with the sparse maximum in between. Gradients of that end are what one wants to know.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from perspectives.elements.relaxed_maxima import Relaxation

Potentials = Float[Array, "nodes states states"]
Scalar = Float[Array, ""]
Maximum = Callable[[Float[Array, "n"]], Scalar]


def value(potentials: Potentials, maximum: Maximum) -> Scalar:
    """Return where the recursion over `maximum` ends. Of `potentials[0]` only the first row counts.

    **Source**: companion, graphical_models/inference_chain, `viterbi_maxop`; Mensch and Blondel 2018.
    """

    def advance(before: Float[Array, "states"], potential: Float[Array, "states states"]) -> tuple[Array, None]:
        return jax.vmap(maximum, in_axes=1)(potential + before[:, None]), None

    return maximum(jax.lax.scan(advance, potentials[0, 0], potentials[1:])[0])


def transitions(potentials: Potentials, maximum: Maximum) -> Float[Array, "nodes states states"]:
    """Return the gradient of `value`: the probability of each transition, and in `[0, 0]` that of each first state.

    The marginals of a Gibbs distribution for log-sum-exp, the indicator of the best path for the maximum.
    """
    return jax.grad(value)(potentials, maximum)


def backtracked(potentials: Potentials, relaxation: Relaxation) -> Float[Array, "nodes states states"]:
    """Return what `transitions` does, by a pass backwards over local arguments of the maximum.

    With the hard maximum this is Viterbi's algorithm, with the soft one the forward-backward algorithm.

    **Source**: as `value`: mu[k, i, j] = r_k(j) q_k(j)_i and r_(k-1)(i) = sum_j mu[k, i, j], q the local arguments.
    """

    def advance(before: Float[Array, "states"], potential: Float[Array, "states states"]) -> tuple[Array, Array]:
        scores = potential + before[:, None]
        return jax.vmap(relaxation.maximum, 1)(scores), jax.vmap(relaxation.argument, 1, 1)(scores)

    def retreat(after: Float[Array, "states"], local: Float[Array, "states states"]) -> tuple[Array, Array]:
        masses = local * after
        return masses.sum(axis=1), masses

    last, locals_ = jax.lax.scan(advance, potentials[0, 0], potentials[1:])
    first, masses = jax.lax.scan(retreat, relaxation.argument(last), locals_, reverse=True)
    start = jnp.zeros_like(potentials[0]).at[0].set(first)
    return jnp.concatenate([start[None], masses])


def value_in_parallel(potentials: Potentials, maximum: Maximum) -> Scalar:
    """Return `value` by a parallel prefix sum over products of matrices, C(i, k) = max_j (A(i, j) + B(j, k)).

    Only for a maximum with max(max(a, b), c) = max(a, b, c), as log-sum-exp and the maximum itself have; the sparse
    maximum has it not, so that its recursion depends on the order.
    """

    def product(left: Float[Array, "... states states"], right: Float[Array, "... states states"]) -> Array:
        sums = left[..., :, :, None] + right[..., None, :, :]
        over = maximum
        for _ in range(sums.ndim - 1):
            over = jax.vmap(over)
        return over(jnp.swapaxes(sums, -2, -1))

    products = jax.lax.associative_scan(product, potentials[1:])
    return maximum((potentials[0, 0][:, None] + products[-1]).ravel())


def paths(states: int, length: int) -> Int[np.ndarray, "paths nodes"]:
    """Return all `states`^`length` paths."""
    return np.indices((states,) * length).reshape(length, -1).T


def scores(potentials: Float[np.ndarray, "nodes states states"], all_paths: Int[np.ndarray, "paths nodes"]
           ) -> Float[np.ndarray, "paths"]:  # fmt: skip
    """Return the score of each path."""
    steps = np.arange(1, all_paths.shape[1])
    pairs = potentials[steps, all_paths[:, :-1], all_paths[:, 1:]]
    return potentials[0, 0, all_paths[:, 0]] + pairs.sum(axis=1)


def enumerated_transitions(
    weights: Float[np.ndarray, "paths"], all_paths: Int[np.ndarray, "paths nodes"], states: int
) -> Float[np.ndarray, "nodes states states"]:
    """Return the mass of each transition, and in `[0, 0]` of each first state, given the weight of each path."""
    found = np.zeros((all_paths.shape[1], states, states))
    found[0, 0] = np.bincount(all_paths[:, 0], weights, states)
    for k in range(1, all_paths.shape[1]):
        pairs = states * all_paths[:, k - 1] + all_paths[:, k]
        found[k] = np.bincount(pairs, weights, states**2).reshape(states, states)
    return found


def path_probabilities(
    masses: Float[np.ndarray, "nodes states states"], all_paths: Int[np.ndarray, "paths nodes"]
) -> Float[np.ndarray, "paths"]:
    """Return the probability of each path under the Markov chain with the transition masses `masses`."""
    before = masses.sum(axis=2)
    before[0] = 0
    conditional = np.divide(masses, before[:, :, None], out=np.zeros_like(masses), where=before[:, :, None] > 0)
    steps = np.arange(1, all_paths.shape[1])
    return masses[0, 0, all_paths[:, 0]] * conditional[steps, all_paths[:, :-1], all_paths[:, 1:]].prod(axis=1)


def entropy(probabilities: Float[np.ndarray, "outcomes"]) -> float:
    """Return -sum p log p in nats."""
    positive = probabilities[probabilities > 0]
    return float(-np.sum(positive * np.log(positive))) + 0.0  # no negative zero
