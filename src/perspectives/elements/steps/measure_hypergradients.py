"""Measure derivatives through kernel ridge regression: four hypergradients, their truncations, the envelope theorem."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array

from perspectives.elements import hypergradients as differentiation
from perspectives.elements.hypergradients import INNER_SOLVERS
from perspectives.elements.kernel_ridge import Regression, Scalar, drawn
from perspectives.elements.settings import BilevelSettings
from perspectives.numerics.streams import stream
from perspectives.workbench.step import Output

WIDTHS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Kernel widths at which derivatives are compared, on both sides of the best."""
TRUNCATIONS = 600
"""Inner steps up to which truncated derivatives are followed."""


def drawn_regression(settings: BilevelSettings, ridge: float, seed: int) -> Regression:
    """Return the study's regression: the same points at every ridge, half of them to train on."""
    return drawn(settings.samples, settings.samples // 2, ridge, key=stream(seed, "elements.bilevel.data"))


def measure_hypergradients(
    *, settings: BilevelSettings, seed: int, hypergradients: Output, truncations: Output
) -> None:
    """Write derivatives in the log of the width by width and way, and errors of truncated ones by inner step."""
    regression = drawn_regression(settings, settings.ridge, seed)
    log_widths = jnp.log(jnp.asarray(WIDTHS))

    def compared(log_width: Scalar) -> dict[str, Array]:
        by_solver = {
            name: jax.grad(differentiation.outer_loss, 1)(name, log_width, regression) for name in INNER_SOLVERS
        }
        total, partial = differentiation.envelope_derivatives(log_width, regression)
        return {**by_solver, "inner_minimum": total, "inner_partial": partial}

    def cut(log_width: Scalar, direct: Scalar) -> dict[str, Array]:
        exact = differentiation.weight_derivative(log_width, regression)
        ways = differentiation.truncated(log_width, regression, TRUNCATIONS)
        found = {}
        for name, way in zip((differentiation.IMPLICIT, differentiation.UNROLLED), ways, strict=True):
            found[name] = jnp.abs(way.hypergradients - direct) / jnp.abs(direct)
            distances = jnp.linalg.norm(way.derivatives - exact, axis=1)
            found[f"{name}_weights"] = distances / jnp.linalg.norm(exact)
        return found

    derivatives = jax.jit(jax.vmap(compared))(log_widths)
    errors = jax.jit(jax.vmap(cut))(log_widths, derivatives[differentiation.DIRECT])
    pd.DataFrame({"width": WIDTHS, **jax.tree.map(np.asarray, derivatives)}).to_csv(hypergradients, index=False)
    shown = {name: np.ravel(error) for name, error in errors.items()}
    steps = np.tile(np.arange(TRUNCATIONS + 1), len(WIDTHS))
    pd.DataFrame({"width": np.repeat(WIDTHS, TRUNCATIONS + 1), "steps": steps, **shown}).to_csv(
        truncations, index=False
    )
