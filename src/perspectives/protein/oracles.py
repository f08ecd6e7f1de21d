"""Oracles of GB1: what is fitted to all measured fitness and judges designs, and how far it can be trusted.

Both are functions of (soft) one-hots whose weights at the wild type's residues are zero: one-hots leave a constant of
each position free, and this choice of it makes a double mutant the sum of two rows. So training needs no one-hots.
"""

from collections.abc import Mapping
from math import gcd
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Float32, Int, Int32, Int64, Key, Shaped, UInt8
from numpy import ndarray

from perspectives.numerics.batches import WithReplacement
from perspectives.numerics.progress import Progress, silent
from perspectives.numerics.training import fit
from perspectives.numerics.trees import with_arrays
from perspectives.protein.landscapes import WILD_TYPE_FITNESS, Gb1, poisson_deviation
from perspectives.protein.sequences import LETTERS

SIGMOIDS = 8
"""Monotone tanh units of the global nonlinearity."""
WIDTHS = (128, 64)
"""Hidden units of the perceptron."""
MODEL_VARIANCE = 0.09
"""Added to counting noise in a row's weight, so that the deepest rows do not decide alone; our choice."""
LEARNING_RATES = {"epistasis": 0.03, "perceptron": 0.01}
"""Adam's at the start, from where they fall to zero as a cosine; our choice, by the validation split."""
TEST = 2
"""Number of the split that oracles do not see."""
_ROUND = 100


class GlobalEpistasis(eqx.Module):
    """Additive effects on a latent phenotype, behind one monotone nonlinearity.

    **Source**: Tareen et al. 2022, global epistasis: phi = sum_l theta_{l, x_l} and
    y = a + sum_k b_k tanh(c_k phi + d_k) with b_k, c_k > 0; here exponentials. **Departs**: phi has no constant of its
    own, which d_k would take up.
    """

    effects: Float[Array, "length 20"]
    log_heights: Float[Array, "sigmoids"]
    log_slopes: Float[Array, "sigmoids"]
    shifts: Float[Array, "sigmoids"]
    offset: Float[Array, ""]

    def __init__(self, length: int):
        # Spread over the range of fitness from the start: equal units would stay equal.
        self.effects = jnp.zeros((length, LETTERS), jnp.float32)
        self.log_heights = jnp.full(SIGMOIDS, -0.5, jnp.float32)
        self.log_slopes = jnp.zeros(SIGMOIDS, jnp.float32)
        self.shifts = jnp.linspace(-1, 5, SIGMOIDS, dtype=jnp.float32)
        self.offset = jnp.full((), -4.0, jnp.float32)

    def __call__(self, x: Float[Array, "n length 20"]) -> Float[Array, "n"]:
        """Return raw fitness of (soft) one-hots."""
        return self.response(jnp.einsum("nla,la->n", x.astype(self.effects.dtype), self.effects))

    def of_doubles(self, substitutions: Int[Array, "n 2"]) -> Float[Array, "n"]:
        """Return raw fitness of double mutants."""
        return self.response(self.phenotype(substitutions))

    def of_wild_type(self) -> Float[Array, ""]:
        """Return raw fitness of the wild type, whose phenotype is 0."""
        return self.response(jnp.zeros((), self.effects.dtype))

    def phenotype(self, substitutions: Int[Array, "n 2"]) -> Float[Array, "n"]:
        """Return the latent phenotype of double mutants."""
        effects = self.effects.ravel()
        return effects[substitutions[:, 0]] + effects[substitutions[:, 1]]

    def response(self, phenotype: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Return raw fitness of latent phenotypes."""
        units = jnp.tanh(jnp.exp(self.log_slopes) * phenotype[..., None] + self.shifts)
        return self.offset + units @ jnp.exp(self.log_heights)


class PerceptronOracle(eqx.Module):
    """A perceptron of one-hots, `WIDTHS` hidden units with ReLU."""

    first: Float[Array, "length 20 hidden"]
    bias: Float[Array, "hidden"]
    layers: tuple[eqx.nn.Linear, eqx.nn.Linear]

    def __init__(self, wild_type: UInt8[ndarray, "length"], *, key: Key[Array, ""]):
        keys = jax.random.split(key, 3)
        hidden, second = WIDTHS
        mutated = np.ones((len(wild_type), LETTERS, 1), np.float32)
        mutated[np.arange(len(wild_type)), wild_type] = 0
        # The bound of PyTorch's default for as many inputs as are ever one, not for all of them.
        bound = 2**-0.5
        self.first = jnp.asarray(mutated) * jax.random.uniform(
            keys[0], (*mutated.shape[:2], hidden), jnp.float32, -bound, bound
        )
        self.bias = jnp.zeros(hidden, jnp.float32)
        self.layers = (
            eqx.nn.Linear(hidden, second, dtype=jnp.float32, key=keys[1]),
            eqx.nn.Linear(second, 1, dtype=jnp.float32, key=keys[2]),
        )

    def __call__(self, x: Float[Array, "n length 20"]) -> Float[Array, "n"]:
        """Return raw fitness of (soft) one-hots."""
        return self._output(jnp.einsum("nla,lah->nh", x.astype(self.first.dtype), self.first))

    def of_doubles(self, substitutions: Int[Array, "n 2"]) -> Float[Array, "n"]:
        """Return raw fitness of double mutants."""
        rows = self.first.reshape(-1, self.first.shape[2])
        # Each half of a pair by itself: more than twice as fast on a CPU as both at once and their sum.
        return self._output(rows[substitutions[:, 0]] + rows[substitutions[:, 1]])

    def of_wild_type(self) -> Float[Array, ""]:
        """Return raw fitness of the wild type, whose first layer is the bias."""
        return self._output(jnp.zeros((1, len(self.bias)), self.bias.dtype))[0]

    def _output(self, first: Float[Array, "n hidden"]) -> Float[Array, "n"]:
        second, last = (jax.vmap(layer) for layer in self.layers)
        return last(jax.nn.relu(second(jax.nn.relu(first + self.bias))))[:, 0]


class Measured(NamedTuple):
    """Rows to fit an oracle to: substitutions, clipped raw fitness, and a weight that is one on average."""

    substitutions: Int32[Array, "n 2"]
    fitness: Float32[Array, "n"]
    weight: Float32[Array, "n"]


def training_rows(landscape: Gb1) -> Measured:
    """Return what oracles are fitted to: clipped fitness of the splits training and validation.

    The weight is 1 / (`poisson_deviation`^2 + `MODEL_VARIANCE`), over its mean.
    """
    seen = landscape.taken(np.flatnonzero(landscape.split != TEST))
    weight = 1 / (poisson_deviation(seen.selected, seen.inputs) ** 2 + MODEL_VARIANCE)
    return Measured(
        jnp.asarray(seen.substitutions),
        jnp.asarray(seen.clipped, jnp.float32),
        jnp.asarray(weight / weight.mean(), jnp.float32),
    )


def anchored_loss(oracle: Any, rows: Measured, key: Key[Array, ""]) -> Float[Array, ""]:
    """Return the weighted mean square error of a batch, plus the square of the wild type's.

    Rows have two mutations each, so that without the second term any constant could go from the intercept to the
    effects and nothing would say what the wild type's fitness is.
    """
    error = oracle.of_doubles(rows.substitutions) - rows.fitness
    return jnp.mean(rows.weight * error**2) + (oracle.of_wild_type() - WILD_TYPE_FITNESS) ** 2


def trained(
    oracle: Any,
    rows: Measured,
    *,
    batch: int,
    steps: int,
    learning_rate: float,
    progress: Progress = silent,
    key: Key[Array, ""],
) -> Any:
    """Return the oracle fitted to `rows` by Adam, its learning rate falling to zero as a cosine."""
    optimiser = optax.adam(optax.cosine_decay_schedule(learning_rate, steps))
    batches = WithReplacement(rows, batch, gcd(steps, _ROUND))
    return fit(oracle, anchored_loss, batches, optimiser, steps=steps, progress=progress, key=key).model


def restored(groups: Mapping[str, Mapping[str, Shaped[ndarray, "..."]]]) -> dict[str, Any]:
    """Return both oracles by name from their arrays, as `named_arrays` names them.

    **Raises**: ValueError when they are other models'.
    """
    if set(groups) != {"epistasis", "perceptron"}:
        raise ValueError(f"groups {', '.join(groups)} are not GB1's oracles, epistasis and perceptron")
    length = len(groups["epistasis"].get(".effects", ()))
    wild_type = np.zeros(length, np.uint8)
    shapes = {
        "epistasis": eqx.filter_eval_shape(GlobalEpistasis, length),
        "perceptron": eqx.filter_eval_shape(lambda key: PerceptronOracle(wild_type, key=key), jax.random.key(0)),
    }
    return {name: with_arrays(shape, groups[name]) for name, shape in shapes.items()}


def explained_variance(truth: Float[ndarray, "n"], prediction: Float[ndarray, "n"]) -> float:
    """Return R^2: one less the mean square error over the variance."""
    return float(1 - np.mean((truth - prediction) ** 2) / np.var(truth))


def noise_ceiling(landscape: Gb1) -> float:
    """Return the R^2 of an oracle that errs by counting noise alone: one less its mean variance over the variance.

    Noise is to first order and before fitness is clipped, so that an oracle may come out a little above.
    """
    noise = poisson_deviation(landscape.selected, landscape.inputs) ** 2
    return float(1 - noise.mean() / landscape.clipped.var())


def good_substitutions(landscape: Gb1, number: int) -> Int64[ndarray, "number"]:
    """Return the substitutions that are fittest on average over all their partners, rows with few input counts apart.

    A substitution is its place in a flat one-hot.
    """
    deep = landscape.taken(landscape.deep)
    places = LETTERS * len(landscape.wild_type)
    total, count = np.zeros(places), np.zeros(places)
    for substitution in deep.substitutions.T:
        total += np.bincount(substitution, deep.clipped, places)
        count += np.bincount(substitution, minlength=places)
    mean = np.divide(total, count, out=np.full(places, -np.inf), where=count > 0)
    return np.argsort(-mean, kind="stable")[:number]


def combined(
    wild_type: UInt8[ndarray, "length"],
    substitutions: Int64[ndarray, "number"],
    mutations: int,
    number: int,
    *,
    key: Key[Array, ""],
) -> UInt8[ndarray, "{number} length"]:
    """Return sequences with that many of the substitutions at different positions: those uniform, then the residues.

    **Raises**: ValueError when they are at fewer positions.
    """
    positions, residues = np.divmod(substitutions, LETTERS)
    places = np.unique(positions)
    if mutations > len(places):
        raise ValueError(f"{mutations} mutations cannot be combined from substitutions at {len(places)} positions")
    # Drawn in one shape whatever `mutations` is: one program. The largest of independent uniform numbers is each one's
    # equally often, and different positions have different substitutions.
    place_key, residue_key = jax.random.split(key)
    order = np.argsort(np.asarray(jax.random.uniform(place_key, (number, len(places)))), axis=1)
    chosen = places[order[:, :mutations]]
    draw = np.asarray(jax.random.uniform(residue_key, (number, len(substitutions))))
    best = np.where(positions == chosen[..., None], draw[:, None], -1).argmax(2)
    found = np.tile(wild_type, (number, 1))
    np.put_along_axis(found, chosen, residues[best].astype(np.uint8), axis=1)
    return found
