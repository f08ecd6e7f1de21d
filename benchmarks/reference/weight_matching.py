"""Layerwise weight matching as published, in NumPy and SciPy: the yardstick of `alignment.py`, and its witness.

What Ainsworth, Hayase and Srinivasa released for algorithm 1 of "Git Re-Basin" (2023, commit ef40098), written anew
from what it computes: in every sweep each group's cost matrix from scratch, all in single precision, until a whole
sweep improves nothing. Theirs calls JAX for the arrays, this NumPy, which on a CPU need not fear the comparison.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment


def reordered(array, labels, permutations, *, but):
    """Return `array` with every labelled axis in its permutation's order, axis number `but` left alone."""
    for axis, group in enumerate(labels):
        if group is not None and axis != but:
            array = np.take(array, permutations[group], axis=axis)
    return array


def weight_matching(labels, first, second, seed, solve=linear_sum_assignment):
    """Return the permutations of `second`, by group, and the number of assignment problems solved.

    `labels` gives for each array a tuple with the group, or None, of each axis; `first` and `second` are dictionaries
    of arrays.
    """
    places = {}
    for name, groups in labels.items():
        for axis, group in enumerate(groups):
            if group is not None:
                places.setdefault(group, []).append((name, axis))
    sizes = {group: first[found[0][0]].shape[found[0][1]] for group, found in places.items()}
    permutations = {group: np.arange(size) for group, size in sizes.items()}
    generator, names, solves = np.random.default_rng(seed), list(places), 0
    progress = True
    while progress:
        progress = False
        for number in generator.permutation(len(names)):
            group = names[number]
            size = sizes[group]
            gains = np.zeros((size, size), np.float32)
            for name, axis in places[group]:
                ours = np.moveaxis(first[name], axis, 0).reshape(size, -1)
                theirs = reordered(second[name], labels[name], permutations, but=axis)
                gains += ours @ np.moveaxis(theirs, axis, 0).reshape(size, -1).T
            _, columns = solve(gains, maximize=True)
            solves += 1
            one_hot = np.eye(size, dtype=np.float32)
            before = np.vdot(gains, one_hot[permutations[group]])
            after = np.vdot(gains, one_hot[columns])
            progress = progress or bool(after > before + 1e-12)
            permutations[group] = columns
    return permutations, solves
