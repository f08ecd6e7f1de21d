"""Alignment for models as they are: any Equinox model, or a `MeanField` posterior over one, in and out.

First infer the model's symmetries, `symmetries.infer_symmetries(model, example)`; docs/alignment.md has an example.
"""

from typing import NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num
from numpy import ndarray

from perspectives.alignment.features import Divergence
from perspectives.alignment.gaussians import Gaussians, geodesic, permuted
from perspectives.alignment.marginal import barrier, marginalized_loss, path_log_likelihoods
from perspectives.alignment.matching import match
from perspectives.alignment.permutations import Symmetries, check_shapes
from perspectives.alignment.posterior import MeanField
from perspectives.numerics.trees import named_arrays, with_arrays

Model = TypeVar("Model", bound=eqx.Module)


class LossPath(NamedTuple):
    """Marginalized losses in nats along a geodesic, and the most they rise above the line between the ends."""

    times: Float[ndarray, "times"]
    losses: Float[ndarray, "times"]
    barrier: float


def align(
    first: Model,
    second: Model,
    symmetries: Symmetries,
    *,
    divergence: Divergence = "w2",
    restarts: int = 5,
    seed: int = 0,
) -> Model:
    """Return `second` with its hidden units reordered so that it comes near to `first`; its function stays the same.

    Both are models, then weights are matched, or both posteriors, then means and standard deviations are.
    **Source**: see `matching.match`.
    **Raises**: ValueError when the two are of different kinds or architectures, when numbers are not finite, or for the
    divergences "kl" and "deviation" of models, which have no deviations.
    """
    one, other = (gaussians(model, symmetries) for model in (first, second))
    _same_kind(first, second)
    if not isinstance(first, MeanField) and divergence in ("kl", "deviation"):
        raise ValueError(f"divergence {divergence!r} compares standard deviations, which a model has not; take 'w2'")
    found = match(one, other, symmetries, divergence=divergence, restarts=restarts, seed=seed)
    return with_gaussians(second, permuted(other, found.permutations, symmetries))


def interpolate(first: Model, second: Model, time: float) -> Model:
    """Return the model, or posterior, at `time` in [0, 1] on the Wasserstein geodesic between two.

    **Source**: see `gaussians.geodesic`; for models, whose deviations are zero, the straight line between weights.
    **Raises**: ValueError when the two are of different kinds or architectures, or for a time outside [0, 1].
    """
    _same_kind(first, second)
    return with_gaussians(second, geodesic(gaussians(first), gaussians(second), time))


def loss_path(
    first: Model,
    second: Model,
    inputs: Num[Array, "n ..."],
    labels: Int[Array, "labels"],
    *,
    times: int = 11,
    draws: int = 16,
    key: Key[Array, ""],
) -> LossPath:
    """Return the marginalized losses of a classifier along the geodesic from `first` to `second`.

    The models return logits for one input. Draws from posteriors are common to all times; models need none.
    **Raises**: ValueError when the two are of different kinds or architectures, when there are no inputs or one is not
    finite, when labels are not one class index an input, or when logits overflow.
    """
    _same_kind(first, second)
    bad = int((~np.isfinite(np.asarray(inputs))).sum())
    if not len(inputs) or bad:
        raise ValueError(f"{bad} numbers of the inputs are not finite" if bad else "there are no inputs")
    classes = np.asarray(labels)
    if classes.shape != (len(inputs),) or classes.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be {len(inputs)} class indices, one an input, got {classes.dtype} of shape {classes.shape}"
        )
    if classes.min() < 0:
        raise ValueError(f"labels must be class indices from 0, got {classes.min()}")
    if times < 2 or draws < 1:
        raise ValueError(f"a path needs at least 2 times and 1 draw, got {times} and {draws}")
    one, other = gaussians(first), gaussians(second)
    model = first.mean if isinstance(first, MeanField) else first
    keys = jax.random.split(key, draws if isinstance(first, MeanField) else 1)
    at = np.linspace(0, 1, times)
    logits = eqx.filter_eval_shape(lambda network, one: network(one), model, inputs[0]).shape
    if classes.max(initial=0) >= logits[-1]:
        raise ValueError(f"label {classes.max()} is beyond the model's {logits[-1]} logits")
    [found] = path_log_likelihoods(model, one, [other], at, jnp.asarray(inputs), classes, keys)
    losses = np.array([marginalized_loss(values) for values in found])
    return LossPath(at, losses, barrier(losses, at))


def gaussians(model: eqx.Module, symmetries: Symmetries | None = None) -> Gaussians:
    """Return a model or posterior as means and standard deviations by array name.

    **Raises**: ValueError when numbers are not finite, or when the arrays are not those that `symmetries` describe.
    """
    found = model.gaussians() if isinstance(model, MeanField) else Gaussians.point(named_arrays(model))
    if symmetries is not None:
        check_shapes(found.mean, symmetries)
    return found


def with_gaussians(model: Model, values: Gaussians) -> Model:
    """Return a model or posterior of the same kind with other numbers; a model takes the means alone."""
    if isinstance(model, MeanField):
        mean = with_arrays(model.mean, values.mean)
        # Of a deviation of zero the logarithm is -infinity, and its exponential zero again.
        with np.errstate(divide="ignore"):
            logarithms = {name: np.log(deviation) for name, deviation in values.deviation.items()}
        return type(model)(mean, with_arrays(model.log_deviation, logarithms))
    return with_arrays(model, values.mean)


def _same_kind(first: eqx.Module, second: eqx.Module) -> None:
    if isinstance(first, MeanField) != isinstance(second, MeanField):
        raise ValueError("one of the two is a posterior and the other a model; wrap neither or both")
    if jax.tree.structure(first) != jax.tree.structure(second):
        raise ValueError("the two are of different architectures")
    for ours, theirs in zip(*map(jax.tree.leaves, (first, second)), strict=True):
        # Functions, such as an activation, are leaves too.
        if not eqx.is_array(ours) and ours != theirs:
            raise ValueError(f"the two are of different architectures: {ours!r} in one is {theirs!r} in the other")
