"""Moreau envelopes, on a grid and in closed form, and the Huber loss as the envelope of |u|."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

Points = Float[ndarray, "..."]


def relu(u: Points) -> Points:
    """Return max(u, 0)."""
    return np.maximum(u, 0.0)


def ramp(u: Points) -> Points:
    """Return u clipped to [0, 1]."""
    return np.clip(u, 0.0, 1.0)


def step(u: Points) -> Points:
    """Return 1 where u >= 0, else 0."""
    return np.where(u >= 0, 1.0, 0.0)


def moreau_envelope(
    grid: Float[ndarray, "points"], values: Float[ndarray, "points"], centres: Float[ndarray, "centres"]
) -> Float[ndarray, "centres"]:
    """Return min_u f(u) + (u - m)^2 / 2 over `grid`, at each m of `centres`."""
    return np.min(values + 0.5 * np.subtract.outer(centres, grid) ** 2, axis=1)


def relu_envelope(m: Points) -> Points:
    """Return the envelope of the ReLU: 0, m^2 / 2 up to 1, then m - 1/2."""
    return np.where(m <= 1, np.maximum(m, 0.0) ** 2 / 2, m - 0.5)


def ramp_envelope(m: Points) -> Points:
    """Return the envelope of the ramp, the smaller of the ReLU's and 1: it bends back at m = 3/2.

    Beyond 1 the ramp is the constant 1, whose envelope is 1; below, it is the ReLU. As the ramp is not convex, its
    envelope has a kink, where the proximal point jumps from 1/2 to 3/2.
    """
    return np.minimum(relu_envelope(m), 1.0)


def step_envelope(m: Points) -> Points:
    """Return the envelope of the step: to stay costs 1, to go back to zero m^2 / 2, so the kink is at sqrt 2.

    At m > 0 the infimum is approached from the left of zero, where the step is still 0, and is not attained.
    """
    return np.minimum(np.maximum(m, 0.0) ** 2 / 2, 1.0)


ENVELOPES = {"ReLU": (relu, relu_envelope), "ramp": (ramp, ramp_envelope), "step": (step, step_envelope)}
"""Functions and their envelopes in closed form, by name."""


def huber(u: Points, width: float = 1.0) -> Points:
    """Return u^2 / (2 width) where |u| <= width, else |u| - width / 2. **Source**: Huber 1964, divided by `width`."""
    return np.where(np.abs(u) <= width, u**2 / (2 * width), np.abs(u) - width / 2)


def huber_by_proximal_point(u: Points, width: float = 1.0) -> Points:
    """Return the same as min_x |x| + (x - u)^2 / (2 width), at its minimiser, u soft-thresholded by `width`."""
    x = np.sign(u) * np.maximum(np.abs(u) - width, 0.0)
    return np.abs(x) + (x - u) ** 2 / (2 * width)


def huber_by_conjugate(u: Points, width: float = 1.0) -> Points:
    """Return the same as max_y u y - width y^2 / 2 over |y| <= 1, the conjugate of |.|* with a quadratic added."""
    y = np.clip(u / width, -1.0, 1.0)
    return u * y - width * y**2 / 2
