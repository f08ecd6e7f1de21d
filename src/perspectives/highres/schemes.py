"""The methods of Fig. 1b as rows of coefficients, so that one compiled loop runs them all side by side.

Every method is two sequences x, v moved by linear steps; an iteration takes one gradient estimate g and does

    p  = x + point (v - x)                          where g is taken
    u  = v - before g
    x' = keep x + pull u - push g
    v' = u - after h                                h: g itself, or a new estimate at x' with the same sample

NNAG (29) has pull = r / (1 + r), keep = 1 / (1 + r), push = a s / (1 + r); the gradient at x^{k+1} that (29) puts into
v^{k+1} is the next iteration's g, so it enters through `before` with this iteration's weight.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

Mode = Literal["code", "text"]
COLUMNS = ("point", "before", "keep", "pull", "push", "after")


@dataclass(frozen=True, kw_only=True)
class Method:
    """One curve of Fig. 1b, or one ablation of it.

    `coefficients` has a row an iteration, columns `COLUMNS`. `fresh_noise`: v gets noise of its own.
    `variance_reduced`: the estimate is SVRG's. `pool`: samples are drawn from the first `pool` only.
    """

    name: str
    coefficients: Float[ndarray, "iterations 6"]
    fresh_noise: bool = False
    variance_reduced: bool = False
    pool: int


def gaussian_methods(mode: Mode, *, smoothness: float, iterations: int, samples: int) -> tuple[Method, ...]:
    """Return the methods of Fig. 1b, top, which see the full gradient plus Gaussian noise.

    **Source**: section 5.1 for "text", the released MATLAB files for "code". They differ in NNAG's beta (L / 10; L), in
    the step of gradient descent (1 / (sqrt(L) k^(2/3)); 1 / (L k^(2/3))), in NNAG's noise (reused; drawn again for v)
    and in the point where Per-FE-C takes its gradient (y, in Laborde and Oberman; x). "code" has two ablations on top.
    """
    c, a = smoothness**-0.5, smoothness**0.5
    s, t = schedule(c, iterations)
    powers = np.arange(1, iterations + 1) ** (-2 / 3)
    released = mode == "code"
    methods = [
        Method(
            name="nnag",
            coefficients=nnag_coefficients(s, t, a if released else a / 10),
            fresh_noise=released,
            pool=samples,
        ),
        Method(name="per_fe_c", coefficients=per_fe_c_coefficients(s, t, c, at_y=not released), pool=samples),
        Method(
            name="perturbed_gd",
            coefficients=descent_coefficients(powers * (1 / smoothness if released else c)),
            pool=samples,
        ),
    ]
    if released:
        methods += [
            Method(name="nnag_reused_noise", coefficients=nnag_coefficients(s, t, a), pool=samples),
            Method(
                name="nnag_beta_tenth", coefficients=nnag_coefficients(s, t, a / 10), fresh_noise=True, pool=samples
            ),
        ]
    return tuple(methods)


def finite_sum_methods(
    mode: Mode, *, smoothness: float, iterations: int, per_epoch: int, samples: int, dimensions: int
) -> tuple[Method, ...]:
    """Return the methods of Fig. 1b, bottom, which see one sample an iteration.

    **Source**: section 5.1 for "text", the released MATLAB files for "code". Steps and beta agree. The code draws one
    sample an iteration and uses it at x for x and at the new x for v, where (29) would use one estimate at the new x
    for both. Its NNAG+SVRG draws from the first d samples only (`randi(d)`), so "code" has the corrected method too.
    """
    c, a = smoothness**-0.5, smoothness**0.5
    epochs = iterations // per_epoch
    released = mode == "code"
    s, t = schedule(c, iterations)
    s_restarted, t_restarted = (np.tile(part, epochs) for part in schedule(c, per_epoch))
    constant = np.full(iterations, 1 / smoothness)
    mixed = nnag_coefficients(s_restarted, t_restarted, a / 10, same_sample=released)
    methods = [
        Method(name="sgd", coefficients=descent_coefficients(constant), pool=samples),
        Method(name="svrg", coefficients=descent_coefficients(constant / 10), variance_reduced=True, pool=samples),
        Method(name="nnag_sgd", coefficients=nnag_coefficients(s, t, a, same_sample=released), pool=samples),
        Method(name="nnag_svrg", coefficients=mixed, variance_reduced=True, pool=dimensions if released else samples),
    ]
    if released:
        methods.append(Method(name="nnag_svrg_all_samples", coefficients=mixed, variance_reduced=True, pool=samples))
    return tuple(methods)


def schedule(
    c: float, iterations: int, *, alpha: float = 0.75
) -> tuple[Float[ndarray, "iterations"], Float[ndarray, "iterations"]]:
    """Return s_k = c / k^alpha and t_k = s_1 + ... + s_k for k = 1, 2, ..."""
    s = c / np.arange(1, iterations + 1) ** alpha
    return s, np.cumsum(s)


def nnag_coefficients(
    s: Float[ndarray, "iterations"], t: Float[ndarray, "iterations"], a: float, *, same_sample: bool = False
) -> Float[ndarray, "iterations 6"]:
    """Return NNAG (29) with a = beta / sqrt(L); `same_sample` moves v with a new estimate at x', as the code does."""
    r = 2 * s / t
    weight = 0.5 * t * s + a * s
    pending = np.concatenate([[0.0], weight[:-1]])
    zero = np.zeros_like(s)
    before, after = (zero, weight) if same_sample else (pending, zero)
    return np.stack([zero, before, 1 / (1 + r), r / (1 + r), a * s / (1 + r), after], axis=1)


def per_fe_c_coefficients(
    s: Float[ndarray, "iterations"], t: Float[ndarray, "iterations"], c: float, *, at_y: bool
) -> Float[ndarray, "iterations 6"]:
    """Return Per-FE-C: x' = r z + (1 - r) x - s c g, z' = z - t s / 2 g, with g at x or at y = r z + (1 - r) x."""
    r = 2 * s / t
    zero = np.zeros_like(s)
    return np.stack([r if at_y else zero, zero, 1 - r, r, s * c, 0.5 * t * s], axis=1)


def descent_coefficients(steps: Float[ndarray, "iterations"]) -> Float[ndarray, "iterations 6"]:
    """Return plain descent, x' = x - step g; v stands still."""
    zero = np.zeros_like(steps)
    return np.stack([zero, zero, np.ones_like(steps), zero, steps, zero], axis=1)
