"""The seven methods of Fig. 1b in NumPy, straight from their formulas: the yardstick of `race.py`, and its witness.

Arrays may carry seeds in front of the coordinates or not: with x of shape (dim,) this is the plain loop over seeds,
with (seeds, dim) the version that a careful NumPy user would write. Noise and samples are given, so that iterates
compare.
"""

import numpy as np

GAUSSIAN = ("nnag", "per_fe_c", "perturbed_gd")
FINITE_SUM = ("sgd", "svrg", "nnag_sgd", "nnag_svrg")


def loss(rows, x):
    """Return the mean logistic loss."""
    return np.logaddexp(0.0, -x @ rows.T).mean(axis=-1)


def gradient(rows, x):
    """Return the gradient of `loss`; in place, since fresh arrays cost NumPy a third of the time."""
    weights = x @ rows.T
    np.exp(weights, out=weights)
    weights += 1.0
    np.reciprocal(weights, out=weights)
    return weights @ rows / -len(rows)


def gaussian(name, rows, x, noise, every):
    """Return the losses of a method under full gradients plus noise [k, 0 or 1, ..., dim], one every `every` steps."""
    smoothness = np.max(np.sum(rows**2, axis=1))
    root = np.sqrt(smoothness)
    v, t, curve = x, 0.0, []
    full = gradient(rows, x)
    for k, (for_x, for_v) in enumerate(noise, start=1):
        s = 1 / (root * k**0.75)
        t += s
        r = 2 * s / t
        if name == "nnag":  # a = beta / sqrt(L) = sqrt(L), and noise of its own for v
            x = (x + r * v - s * root * (full + for_x)) / (1 + r)
            full = gradient(rows, x)
            v = v - (0.5 * t * s + s * root) * (full + for_v)
        elif name == "per_fe_c":
            x, v = r * v + (1 - r) * x - s / root * (full + for_x), v - 0.5 * t * s * (full + for_x)
            full = gradient(rows, x)
        else:
            x = x - (full + for_x) / (smoothness * k ** (2 / 3))
            full = gradient(rows, x)
        if k % every == 0:
            curve.append(loss(rows, x))
    return np.array(curve)


def finite_sum(name, rows, x, samples, every):
    """Return the losses of a method on one epoch of `samples` [k, ...]; SVRG's snapshot is the start."""
    smoothness = np.max(np.sum(rows**2, axis=1))
    root = np.sqrt(smoothness)
    picked = rows[samples]
    reduced = name in ("svrg", "nnag_svrg")
    full, at_snapshot = 0.0, np.zeros(0)
    if reduced:
        full = gradient(rows, x)
        at_snapshot = 1 / (1 + np.exp(np.einsum("k...d,...d->k...", picked, x)))
    step = 1 / smoothness if name == "sgd" else 0.1 / smoothness
    a = root if name == "nnag_sgd" else root / 10
    v, t, curve = x, 0.0, []

    def estimate(x, k):
        row = picked[k - 1]
        weight = 1 / (1 + np.exp((x * row).sum(axis=-1)))
        if reduced:
            return full - (weight - at_snapshot[k - 1])[..., None] * row
        return -weight[..., None] * row

    for k in range(1, len(samples) + 1):
        if name in ("sgd", "svrg"):
            x = x - step * estimate(x, k)
        else:
            s = 1 / (root * k**0.75)
            t += s
            r = 2 * s / t
            x = (x + r * v - s * a * estimate(x, k)) / (1 + r)
            v = v - (0.5 * t * s + s * a) * estimate(x, k)
        if k % every == 0:
            curve.append(loss(rows, x))
    return np.array(curve)
