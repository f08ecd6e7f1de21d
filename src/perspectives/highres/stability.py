"""Whether Theorem 5.1's Lyapunov function falls without noise, on the steepest quadratic, f(x) = L x^2 / 2."""

import numpy as np

from perspectives.highres.schemes import schedule

DIRECTIONS = 181
"""Starts tried, evenly spaced on a half circle: the growth over all starts is met up to a fraction of a percent."""


def log10_lyapunov_growth(beta: float, k0: int, last: int, *, alpha: float = 0.75) -> float:
    """Return log10 of the largest eps(k) / eps(k0), k0 < k <= `last`, over starts (x_{k0}, v_{k0}) of NNAG (29).

    eps(k) = (t_k^2 / 4 + t_k beta / (2 sqrt(L))) f(x_k) + |v_k|^2 / 2. With c = 1 / sqrt(L) nothing depends on L, so
    L = 1 here. Theorem 5.1 says that eps never grows, so that this is at most 0.

    **Source**: Theorem 5.1 and Lemma A.1, with e_k = 0.
    """
    s, t = schedule(1.0, last + 1, alpha=alpha)
    weight = t**2 / 8 + t * beta / 4  # of x^2, since f = x^2 / 2
    angle = np.linspace(0, np.pi, DIRECTIONS)
    x, v = np.cos(angle) / np.sqrt(weight[k0 - 1]), np.sqrt(2) * np.sin(angle)
    log, largest = np.zeros(DIRECTIONS), -np.inf
    for k in range(k0, last):
        r = 2 * s[k - 1] / t[k - 1]
        x = (x + r * v - beta * s[k - 1] * x) / (1 + r)
        v = v - 0.5 * (t[k - 1] + 2 * beta) * s[k - 1] * x
        lyapunov = np.maximum(weight[k] * x**2 + v**2 / 2, np.finfo(float).tiny)
        # The state is kept at eps = 1, because for beta = 1000 it would leave the range of float64.
        log = log + np.log10(lyapunov)
        x, v = x / np.sqrt(lyapunov), v / np.sqrt(lyapunov)
        largest = max(largest, float(log.max()))
    return largest
