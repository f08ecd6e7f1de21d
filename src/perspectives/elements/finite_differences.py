"""Derivatives by differences of values, on numpy's functions; and where their error comes from.

The error of a difference is a sum of two: truncation, a power of the step, and cancellation, rounding of values over
the step. The best step makes them equal. Along the imaginary axis there is no difference of values, so nothing cancels.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.special import expit

Values = Float[np.ndarray, "..."]
Function = Callable[..., np.ndarray]

EPSILON = float(np.finfo(np.float64).eps)


def forward_difference(function: Function, x: Values, step: Values) -> Values:
    """Return (f(x + step) - f(x)) / step = f'(x) + step f''(x) / 2 + ...

    **Source**: Blondel and Roulet, chapter Finite differences (not checked).
    """
    return (function(x + step) - function(x)) / step


def central_difference(function: Function, x: Values, step: Values) -> Values:
    """Return (f(x + step) - f(x - step)) / (2 step) = f'(x) + step^2 f'''(x) / 6 + ...

    **Source**: Blondel and Roulet, chapter Finite differences (not checked).
    """
    return (function(x + step) - function(x - step)) / (2 * step)


def complex_step(function: Function, x: Values, step: Values) -> Values:
    """Return Im f(x + i step) / step = f'(x) - step^2 f'''(x) / 6 + ..., for an f that is analytic at x.

    **Source**: Squire and Trapp 1998, Using complex variables to estimate derivatives of real functions.
    """
    return np.imag(function(x + 1j * step)) / step


def softplus(x: np.ndarray) -> np.ndarray:
    """Return log(1 + e^x), real or complex; its derivative is the logistic function."""
    return np.log1p(np.exp(x))


def best_steps(errors: Float[np.ndarray, "points steps"], steps: Float[np.ndarray, "steps"]) -> Values:
    """Return for each point the step of the least error."""
    return steps[np.argmin(errors, axis=1)]


def forward_optimum(x: Values) -> Values:
    """Return the step that minimises step |f''| / 2 + 2 eps |f| / step for the softplus f: 2 sqrt(eps |f / f''|).

    eps = 2^-53 is the largest relative rounding of a value. **Source**: Nocedal and Wright 2006, section 8.1.
    """
    s = expit(x)
    return 2 * np.sqrt(EPSILON / 2 * softplus(x) / (s * (1 - s)))


def central_optimum(x: Values) -> Values:
    """Return the step that minimises step^2 |f'''| / 6 + eps |f| / step for the softplus f: (3 eps |f / f'''|)^(1/3).

    It is infinite at 0, where f''' vanishes and the next term of truncation takes over. eps as in `forward_optimum`.

    **Source**: Nocedal and Wright 2006, section 8.1.
    """
    s = expit(x)
    third = np.abs(s * (1 - s) * (1 - 2 * s))
    with np.errstate(divide="ignore"):
        return np.cbrt(1.5 * EPSILON * softplus(x) / third)
