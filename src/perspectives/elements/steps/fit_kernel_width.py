"""Fit the kernel width by descent on the hypergradient, and by a search of a grid."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float

from perspectives.elements.hypergradients import DIRECT, best_log_width, outer_loss
from perspectives.elements.kernel_ridge import EXTENT, TRUE_WIDTH, Scalar, exact_weights, predictions
from perspectives.elements.settings import BilevelSettings
from perspectives.elements.steps.measure_hypergradients import drawn_regression
from perspectives.workbench.step import Output

START = 0.05
"""Where descent begins: a quarter of the width that the data are drawn with."""
SMALLEST, LARGEST = 0.02, 2.0
"""Ends of the grid of widths. **Source**: companion, plot_bilevel_regression: a tenth and ten times the true width."""
POINTS = 241
"""Inputs at which fits are drawn."""


def fit_kernel_width(*, settings: BilevelSettings, seed: int, losses: Output, descents: Output, fits: Output) -> None:
    """Write validation losses on a grid for both ridges, where descent went, and fits at three widths and the best."""
    ridges = (settings.ridge, settings.small_ridge)
    regression = drawn_regression(settings, settings.small_ridge, seed)
    grid = np.geomspace(SMALLEST, LARGEST, settings.grid)

    @jax.jit
    def searched(ridge: Scalar) -> tuple[tuple[Array, Array], Array, Array]:
        at = regression._replace(ridge=ridge)

        def loss(log_width: Scalar) -> Scalar:
            return outer_loss(DIRECT, log_width, at)

        on_grid = jax.vmap(jax.value_and_grad(loss))(jnp.log(grid))
        # one descent from the start, and one from the best point of the grid, which need not lead to the same place
        starts = jnp.stack([jnp.log(START), jnp.log(grid)[jnp.argmin(on_grid[0])]])
        ends, steps = jax.vmap(lambda start: best_log_width(start, at))(starts)
        return on_grid, jnp.stack([starts, ends, jax.vmap(loss)(starts), jax.vmap(loss)(ends)], 1), steps

    grids, ends = [], []
    for ridge in ridges:
        (values, slopes), found, steps = jax.tree.map(np.asarray, searched(jnp.asarray(ridge)))
        grids.append(pd.DataFrame({"ridge": ridge, "width": grid, "loss": values, "hypergradient": slopes}))
        columns = {"start": np.exp(found[:, 0]), "end": np.exp(found[:, 1])}
        ends.append(
            pd.DataFrame(
                {
                    "ridge": ridge,
                    "begun": ["narrow", "grid"],
                    **columns,
                    "loss_start": found[:, 2],
                    "loss_end": found[:, 3],
                }
            ).assign(steps=steps)
        )
    pd.concat(grids).to_csv(losses, index=False)
    pd.concat(ends).to_csv(descents, index=False)

    best = float(ends[1]["end"].iloc[1])
    widths = {f"{width:g}": width for width in (SMALLEST, TRUE_WIDTH, LARGEST)} | {"best": best}
    x = np.linspace(0, EXTENT, POINTS)

    def fitted(log_width: Scalar) -> Float[Array, "points"]:
        return predictions(jnp.asarray(x), exact_weights(log_width, regression), log_width, regression)

    curves = np.asarray(jax.jit(jax.vmap(fitted))(jnp.log(jnp.asarray(list(widths.values())))))
    parts = [
        pd.DataFrame({"series": name, "width": width, "x": x, "y": y})
        for (name, width), y in zip(widths.items(), curves, strict=True)
    ]
    for name, inputs, outputs in (
        ("training", regression.inputs, regression.outputs),
        ("validation", regression.validation_inputs, regression.validation_outputs),
    ):
        parts.append(pd.DataFrame({"series": name, "width": np.nan, "x": np.asarray(inputs), "y": np.asarray(outputs)}))
    pd.concat(parts).to_csv(fits, index=False)
