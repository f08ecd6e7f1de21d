"""The arrays of a model by name, and a model from arrays by name."""

from collections.abc import Mapping
from typing import TypeVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import PyTree, Shaped

Model = TypeVar("Model")


def named_arrays(tree: PyTree) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Return the inexact arrays of `tree` by their path, such as `.layers[0].weight`, as NumPy arrays."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves if eqx.is_inexact_array(leaf)}


def with_arrays(tree: Model, named: Mapping[str, Shaped[np.ndarray, "..."]]) -> Model:
    """Return `tree` with its inexact arrays replaced by `named`.

    **Raises**: ValueError when names or shapes are not those of the tree.
    """
    leaves, structure = jax.tree_util.tree_flatten_with_path(tree)
    names = {jax.tree_util.keystr(path) for path, leaf in leaves if is_inexact(leaf)}
    if names != set(named):
        raise ValueError(f"arrays of another model: {', '.join(sorted(names ^ set(named)))}")
    replaced = []
    for path, leaf in leaves:
        if is_inexact(leaf):
            array = named[jax.tree_util.keystr(path)]
            if array.shape != leaf.shape:
                raise ValueError(f"array {jax.tree_util.keystr(path)} has shape {array.shape}, not {leaf.shape}")
            leaf = jax.numpy.asarray(array)
        replaced.append(leaf)
    return jax.tree_util.tree_unflatten(structure, replaced)


def is_inexact(leaf: object) -> bool:
    """Say whether `leaf` is an inexact array, or the shape of one."""
    return eqx.is_inexact_array(leaf) or (
        isinstance(leaf, jax.ShapeDtypeStruct) and jax.numpy.issubdtype(leaf.dtype, jax.numpy.inexact)
    )
