"""Upper bounds on the noisy methods as functions of the iteration k.

Symbols: L smoothness, c and alpha of the schedule s_k = c / k^alpha, beta of (29), sigma^2 >= E |e_k|^2 the noise (the
sum over coordinates), k0 the first iteration for which the bound is proven. Values of f for the gap bounds, squared
gradient norm for (33). Where k is too small for the bound to say anything, the value is infinite.
"""

import numpy as np
from jaxtyping import Float
from numpy import ndarray

Iterations = Float[ndarray, "k"]


def nnag_gap_bound(
    k: Iterations,
    *,
    initial: float,
    smoothness: float,
    beta: float,
    c: float,
    sigma: float = 1.0,
    k0: int = 1,
    alpha: float = 0.75,
) -> Float[ndarray, "k"]:
    """Return bound (30) on E f(x_k) - f* for NNAG (29), with `initial` = E eps(k0).

    **Source**: Theorem 5.1. eps(k) = (t_k^2 / 4 + t_k beta / (2 sqrt(L))) gap + |v_k - x*|^2 / 2 grows by at most
    ((t_i + 2 beta / sqrt(L)) s_i)^2 sigma^2 / 8 a step; the sums are bounded by integrals.
    **Departs**: for alpha > 3/4 the first noise term is printed without the factor 1 / (8 (4 alpha - 3)) that the
    integral gives; we keep it, so that the bound tends to the printed one for alpha = 3/4. Not used in any figure.
    Two steps of the proof do not hold, see the study's page; the formula is the printed one all the same.
    """
    root = np.sqrt(smoothness)
    slow = 1 - alpha
    noise = sigma**2 * (
        c**4 / (8 * slow**2) * _integral(4 * alpha - 2, k0, k)
        + c**3 * beta / (2 * root * slow) * _integral(3 * alpha - 1, k0, k)
        + beta**2 * c**2 / (2 * smoothness) * _integral(2 * alpha, k0, k)
    )
    grown = k**slow - 1
    weight = c**2 / (4 * slow**2) * grown**2 + c * beta / (2 * root * slow) * grown
    return np.where(k >= k0, _ratio(initial + noise, weight), np.inf)


def modified_gap_bound(
    k: Iterations, *, initial: float, c: float, sigma: float = 1.0, alpha: float = 0.75
) -> Float[ndarray, "k"]:
    """Return bound (32) on E f(x_k) - f* for the modified NNAG (31), with `initial` = |v_0 - x*|^2 / 2.

    **Source**: Theorem 5.2, both of its cases.
    """
    slow = 1 - alpha
    if alpha == 0.75:
        first = 16 * (1 + np.log(k))
    else:
        first = np.full_like(k, (4 * alpha - 2) / (slow**2 * (4 * alpha - 3)))
    rest = 4 * (4 * alpha - 1) / (slow * (4 * alpha - 2)) + 4 * (4 * alpha) / (4 * alpha - 1)
    grown = k**slow - 1
    weight = c**2 / (2 * slow) * (grown**2 / (2 * slow) + k**-alpha * grown)
    return _ratio(initial + c**4 * sigma**2 / 8 * (first + rest), weight)


def modified_gradient_bound(
    k: Iterations, *, initial: float, smoothness: float, c: float, sigma: float = 1.0
) -> Float[ndarray, "k"]:
    """Return bound (33) on E min_{i < k} |grad f(x_i)|^2 for the modified NNAG (31), alpha = 3/4.

    **Source**: Theorem 5.2, with `initial` = |v_0 - x*|^2 / 2. The abstract calls this rate, k^(-3/4), that of the
    gradient norm; it is that of its square. The proof bounds the sum of (t_i^2 / 4 + s_i t_i / 2) s_i from below with
    + k^(1/2), where summing -2 i^(1 - 2 alpha) gives a minus; the printed form is kept, see the study's page.
    """
    root = np.sqrt(smoothness)
    numerator = 2 * root * initial + 2 * c**4 * sigma**2 * root * (2 * np.log(k) + 6.75)
    return _ratio(numerator, 16 * c**3 * ((k**0.75 - 1) / 3 + k**0.25 - 1.5 + k**0.5))


def laborde_gap_bound(k: Iterations, *, distance: float, c: float, sigma: float = 1.0) -> Float[ndarray, "k"]:
    """Return Laborde and Oberman's bound on E f(x_k) - f* for their Per-FE-C, with `distance` = |x_0 - x*|^2.

    **Source**: Laborde and Oberman 2020, Proposition 4.5, in the form of the released `upperbounds.m`:
    (|x0 - x*|^2 / (32 c^2) + c^2 sigma^2 (1 + log k)) / ((k + 1)^(1/4) - 1)^2.
    """
    return _ratio(distance / (32 * c**2) + c**2 * sigma**2 * (1 + np.log(k)), ((k + 1) ** 0.25 - 1) ** 2)


def smallest_consistent_start(beta: float, *, alpha: float = 0.75, c_is_largest: bool = True) -> int:
    """Return the smallest k0 that satisfies the condition of Theorem 5.1 with itself as k.

    **Source**: Theorem 5.1 and Lemma A.1: beta <= k0^alpha (1 + (sum_{i <= k0} i^-alpha)^2 / 8) when c = 1 / sqrt(L),
    and beta <= k0^alpha for a smaller c (`c_is_largest` False). Only the second holds: see `stability`.
    """
    k, total = 0, 0.0
    while True:
        k += 1
        total += k**-alpha
        if beta <= k**alpha * (1 + total**2 / 8 if c_is_largest else 1.0):
            return k


def _integral(power: float, low: int, high: Iterations) -> Float[ndarray, "k"]:
    """Return the integral of u^-power from `low` to `high`."""
    if power == 1:
        return np.log(high / low)
    return (low ** (1 - power) - high ** (1 - power)) / (power - 1)


def _ratio(numerator: Float[ndarray, "k"], weight: Float[ndarray, "k"]) -> Float[ndarray, "k"]:
    """Return numerator / weight, infinite where the weight has not left zero."""
    return np.divide(numerator, weight, out=np.full_like(weight, np.inf), where=weight > 0)
