"""The permutation symmetries of a network's hidden units, inferred from a trace of its function and then tested."""

from collections.abc import Callable, Mapping, Sequence

import equinox as eqx
import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Literal
from jaxtyping import Array, Complex, Key, PyTree, Shaped

from perspectives.alignment import permutations as units
from perspectives.alignment.labels import Atoms, Axes, Labels
from perspectives.alignment.permutations import Arrays, Axis, Factor, Symmetries
from perspectives.alignment.posterior import MeanField
from perspectives.alignment.primitives import SymmetryError
from perspectives.alignment.propagation import propagate
from perspectives.numerics.trees import named_arrays, with_arrays

Example = Shaped[Array | np.ndarray, "..."]


def infer_symmetries(
    model: Callable[..., PyTree] | MeanField, example: Example | Sequence, *, key: Key[Array, ""] | None = None
) -> Symmetries:
    """Return the permutations of hidden units under which the function `model`, called on one example, stays the same.

    The call is traced once. Axes that it contracts, adds or multiplies index by index carry the same units; those of
    the input, of the output and of constants are of fixed order, as are axes that it slices, sorts or convolves along.
    With a `key`, the call is `model(example, key=key)`; what is drawn has a fixed order, so dropout fixes the units
    that it acts on: infer from the model at inference.

    Permutations found are products along an axis, a subgroup where a network has more. Attention has one permutation
    of its heads and one of the units within a head, common to all heads; a grouped normalisation or convolution
    likewise. Units that a concatenation joins are fixed.

    What is inferred is tested: on the example and on a random input, permuted arrays give the same outputs. The arrays
    tested are random rather than the model's own, since biases of zero and scales of one hide a permutation that was
    forgotten. Where the product of all axes but the first is n > 1, numbers are Gaussian with variance 1/n, which
    keeps activations of order one; other arrays are uniform on [1/2, 3/2], so that no scale or variance is near or
    below zero.

    **Departs**: git-re-basin writes the axes down by hand for each architecture.
    **Raises**: SymmetryError when hidden units meet a primitive of which it is not known whether it heeds their order;
    when one group labels two axes of an array, as in a recurrent or residual matrix; when no axis is free; when the
    outputs with permuted arrays differ or are not finite. ValueError when the model cannot be called on the example,
    TypeError for a posterior.
    """
    if isinstance(model, MeanField):
        raise TypeError("symmetries are those of a model: give the posterior's mean, `posterior.mean`")
    example = np.asarray(example) if isinstance(example, Sequence) else example

    def call(model: Callable[..., PyTree], example: Example) -> PyTree:
        return model(example) if key is None else model(example, key=key)

    arrays = named_arrays(model)
    labels = Labels()
    axes = dict(zip(arrays, _traced_axes(labels, call, model, example), strict=True))
    names = _group_names(labels, axes)
    _refuse_tied(labels, axes, names)
    if not names:
        raise SymmetryError(f"the network has no hidden units that can be permuted; fixed are {_reasons(labels, axes)}")
    symmetries = Symmetries(
        {name: tuple(_axis(labels, atoms, names) for atoms in of_array) for name, of_array in axes.items()}
    )
    _verify(eqx.filter_jit(call), model, symmetries, arrays, example)
    return symmetries


def _traced_axes(
    labels: Labels, call: Callable[..., PyTree], model: Callable[..., PyTree], example: Example
) -> list[Axes]:
    """Return the axes of each inexact array of the model, in the order of `named_arrays`."""
    parameters, rest = eqx.partition(model, eqx.is_inexact_array)
    leaves, structure = jax.tree.flatten(parameters)

    def function(leaves: list, example: Example) -> list:
        outputs = call(eqx.combine(jax.tree.unflatten(structure, leaves), rest), example)
        return jax.tree.leaves(eqx.filter(outputs, eqx.is_array))

    try:
        closed = jax.make_jaxpr(function)(leaves, example)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the model cannot be called on the example of shape {np.shape(example)}, which must be one input and no "
            f"batch: {error}"
        ) from error
    used = _used(closed)
    axes = [
        labels.fresh_axes(leaf.shape, None if var in used else "being unused")
        for leaf, var in zip(leaves, closed.jaxpr.invars, strict=False)
    ]
    for output in propagate(labels, closed, [*axes, labels.fresh_axes(np.shape(example), "the input")]):
        for atoms in output:
            labels.freeze(atoms, "the output")
    return axes


def _used(closed: ClosedJaxpr) -> set:
    """Return the variables that an equation or the result mentions: an array that none does has no units."""
    equations = closed.jaxpr.eqns
    mentioned = [*closed.jaxpr.outvars, *(atom for equation in equations for atom in equation.invars)]
    return {atom for atom in mentioned if not isinstance(atom, Literal)}


def _group_names(labels: Labels, axes: Mapping[str, Axes]) -> dict[int, str]:
    """Return the name of each free root: the place where it appears first, `array:axis` or `array:axis.factor`."""
    names: dict[int, str] = {}
    for name, of_array in axes.items():
        for number, atoms in enumerate(of_array):
            roots = labels.expand(atoms)
            for position, root in enumerate(roots):
                if labels.why_frozen(root) is None:
                    names.setdefault(root, f"{name}:{number}" + (f".{position}" if len(roots) > 1 else ""))
    return names


def _refuse_tied(labels: Labels, axes: Mapping[str, Axes], names: Mapping[int, str]) -> None:
    for name, of_array in axes.items():
        seen: dict[int, int] = {}
        for number, atoms in enumerate(of_array):
            for root in labels.expand(atoms):
                if root in names and root in seen:
                    raise SymmetryError(
                        f"array {name} is tied: the {labels.size(root)} units of the group {names[root]} label its "
                        f"axes {seen[root]} and {number} both, as in a recurrent or residual matrix, or in layers "
                        "stacked for a scan. To match such units is a quadratic assignment; the alignment here solves "
                        "linear ones. Layers that are stacked can be given an array each."
                    )
                seen[root] = number


def _axis(labels: Labels, atoms: Atoms, names: Mapping[int, str]) -> Axis:
    """Return the factors of an axis, with neighbours of fixed order as one."""
    factors: list[Factor] = []
    for root in labels.expand(atoms):
        factor = Factor(names.get(root), labels.size(root))
        if factors and factor.group is None and factors[-1].group is None:
            factor = Factor(None, factors.pop().size * factor.size)
        factors.append(factor)
    return tuple(factors) or (Factor(None, 1),)


def _reasons(labels: Labels, axes: Mapping[str, Axes]) -> str:
    found = [
        f"{name}:{number} by {labels.why_frozen(root)}"
        for name, of_array in axes.items()
        for number, atoms in enumerate(of_array)
        for root in labels.expand(atoms)
    ]
    return ", ".join(found[:12] + ["..."] * (len(found) > 12)) or "none, for it has no arrays"


def _verify(
    call: Callable[..., PyTree], model: Callable[..., PyTree], symmetries: Symmetries, arrays: Arrays, example: Example
) -> None:
    """Compare outputs before and after a permutation that moves every group.

    Sums in another order differ by rounding, some multiple of the precision eps; a wrong permutation of random arrays
    changes outputs by their own size. The tolerance, sqrt(eps) of the largest output, is midway on a logarithmic scale.
    """
    generator = np.random.default_rng(0)
    drawn = {name: _random_array(array, generator) for name, array in arrays.items()}
    permutations = units.drawn(symmetries, generator)
    for group, permutation in permutations.items():
        if np.array_equal(permutation, np.arange(len(permutation))):
            permutations[group] = np.roll(permutation, 1)
    moved = units.permuted(drawn, permutations, symmetries)
    tolerance = max(float(jax.numpy.finfo(array.dtype).eps) for array in arrays.values()) ** 0.5
    for kind, image in (("the example", example), ("a random input", _random_input(example, generator))):
        before, after = (_outputs(call, with_arrays(model, values), image) for values in (drawn, moved))
        for old, new in zip(before, after, strict=True):
            if not (np.isfinite(old).all() and np.isfinite(new).all()):
                raise SymmetryError(
                    f"on {kind}, random arrays give outputs that are not finite, so that no symmetry can be tested"
                )
            difference, largest = np.abs(old - new).max(initial=0), np.abs(old).max(initial=0)
            if difference > tolerance * largest:
                raise SymmetryError(
                    f"on {kind}, outputs of up to {largest:.3g} change by {difference:.3g} when hidden units are "
                    "permuted, more than rounding does: a rule of perspectives.alignment.primitives is wrong, or the "
                    "network computes outside its trace"
                )


def _outputs(
    call: Callable[..., PyTree], model: Callable[..., PyTree], example: Example
) -> list[Complex[np.ndarray, "..."]]:
    # Products of fewer bits, the default on some accelerators, would differ by more than the tolerance.
    with jax.default_matmul_precision("highest"):
        outputs = call(model, example)
    return [np.asarray(leaf, np.complex128) for leaf in jax.tree.leaves(outputs) if eqx.is_array(leaf)]


def _random_array(array: Shaped[np.ndarray, "..."], generator: np.random.Generator) -> Shaped[np.ndarray, "..."]:
    fan = int(np.prod(array.shape[1:]))
    values = generator.normal(size=array.shape) / fan**0.5 if fan > 1 else generator.uniform(0.5, 1.5, array.shape)
    return np.asarray(values, array.dtype)


def _random_input(example: Example, generator: np.random.Generator) -> Shaped[np.ndarray, "..."]:
    """Return a Gaussian input; indices and the like are the example's own in another order, which keeps them valid."""
    if jax.numpy.issubdtype(example.dtype, jax.numpy.inexact):
        return np.asarray(generator.normal(size=example.shape), example.dtype)
    return generator.permutation(np.asarray(example).ravel()).reshape(example.shape)
