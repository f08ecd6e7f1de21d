"""Measure soft sorting against sorting, and entropic transport against assignment."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float
from optax.assignment import hungarian_algorithm
from scipy.optimize import linear_sum_assignment

from perspectives.elements.settings import SortingSettings
from perspectives.elements.soft_sorting import soft_bubble_sort, transport_sort
from perspectives.numerics.sinkhorn import rounded, sinkhorn
from perspectives.numerics.streams import stream
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

VALUES = (3.0, -1.0, 1.0, -2.0, 5.0, 4.0)
"""The numbers that are sorted. **Source**: companion, control_flows/bubble_sort."""
TEMPERATURES = np.sort(np.append(np.logspace(-2, 1, 61), (0.03, 0.1, 0.3)))
"""Temperatures of the swaps; 0.1 is the companion's, 0.03 that of the claim."""
COLDEST = 0.03
STRENGTHS = np.logspace(-2.5, 0.5, 31)
"""Entropic strengths of sorting by transport, for values scaled to [0, 1]."""
DRAWS = 8
MASS_ERROR = 1e-9
"""Mass out of place, of one, up to which a plan counts as converged."""


def measure_sorting(
    *, settings: SortingSettings, seed: int, sorted_values: Output, gaps: Output, plans: Output, measures: Output
) -> None:
    """Write soft sorts by temperature, costs of entropic plans over the assignment's, and the plans of one draw."""
    frame, rows = _sorts(settings.max_iterations)
    frame.to_csv(sorted_values, index=False, float_format="%.12g")
    table, drawn, found = _transports(settings, seed)
    table.to_csv(gaps, index=False)
    drawn.to_csv(plans, index=False, float_format="%.6g")
    write_measures(measures, [*rows, *found])


def _sorts(max_iterations: int) -> tuple[pd.DataFrame, list[Measure]]:
    """Return the softly sorted numbers by method and temperature, with errors, drifts of the sum and ranks' errors."""
    values = jnp.asarray(VALUES)
    exact, total = np.sort(VALUES), sum(VALUES)

    def by_transport(epsilon: Float[Array, ""]) -> tuple[Array, Array, Array]:
        return transport_sort(values, epsilon, tolerance=MASS_ERROR, max_iterations=max_iterations)

    swapped = np.asarray(jax.jit(jax.vmap(soft_bubble_sort, in_axes=(None, 0)))(values, TEMPERATURES))
    transported, ranks, converged = (np.asarray(array) for array in jax.lax.map(by_transport, jnp.asarray(STRENGTHS)))
    frames = []
    for method, temperatures, found, right in (
        ("swaps", TEMPERATURES, swapped, np.full(len(TEMPERATURES), True)),
        ("transport", STRENGTHS, transported, converged),
    ):
        columns = {f"value_{i + 1}": column for i, column in enumerate(found.T)}
        frame = pd.DataFrame({"method": method, "temperature": temperatures, "converged": right, **columns})
        frames.append(frame.assign(error=np.max(np.abs(found - exact), axis=1), drift=np.abs(found.sum(1) - total)))
    swaps, transports = frames
    exact_ranks = np.argsort(np.argsort(VALUES)) + 1
    sharpest = np.flatnonzero(converged)[0]
    rows = [
        Measure(quantity="largest_sum_drift", value=float(swaps["drift"].max())),
        Measure(quantity="error_coldest", value=float(swaps.loc[swaps["temperature"] == COLDEST, "error"].iloc[0])),
        Measure(
            quantity="error_companion_temperature",
            value=float(swaps.loc[swaps["temperature"] == 0.1, "error"].iloc[0]),
        ),
        Measure(quantity="swaps_out_of_order", value=float(np.sum(np.any(np.diff(swapped, axis=1) < -1e-12, axis=1)))),
        Measure(quantity="transport_largest_sum_drift", value=float(transports["drift"][converged].max())),
        Measure(quantity="transport_error_sharpest", value=float(transports["error"][sharpest])),
        Measure(quantity="transport_rank_error_sharpest", value=float(np.max(np.abs(ranks[sharpest] - exact_ranks)))),
        Measure(quantity="transport_unconverged", value=float(np.sum(~converged))),
    ]
    return pd.concat(frames), rows


def _transports(settings: SortingSettings, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, list[Measure]]:
    """Return the plans' costs over the assignment's, as those of n unit masses, and the plans of the first draw.

    Points of both sides are uniform in the unit square and costs are squared distances, so at most 2. In the table of
    plans the rows go from left to right in the square and the columns are assigned to them: the diagonal is exact.
    """
    size = settings.size
    points = jax.random.uniform(stream(seed, "elements.sorting.points"), (DRAWS, 2, size, 2))
    costs = jnp.sum((points[:, 0, :, None] - points[:, 1, None]) ** 2, axis=-1)
    assign, records, frames, differences = jax.jit(hungarian_algorithm), [], [], []
    for draw, on_device in enumerate(costs):
        cost = np.asarray(on_device)
        exact = linear_sum_assignment(cost)[1]
        least = float(cost[np.arange(size), exact].sum())
        rows, columns = (np.asarray(side) for side in assign(on_device))
        differences.append(abs(float(cost[rows, columns].sum()) - least))
        for epsilon in sorted(settings.epsilons, reverse=True):
            found = sinkhorn(on_device, epsilon, tolerance=MASS_ERROR, max_iterations=settings.max_iterations)
            plan = np.asarray(found.plan)  # of mass one; n times this has the unit masses of an assignment
            permuted = float(cost[np.arange(size), rounded(found.plan)].sum())
            records.append(
                {
                    "draw": draw,
                    "epsilon": epsilon,
                    "gap": size * float(np.sum(plan * cost)) - least,
                    "bound": size * epsilon * np.log(size),
                    "mass_error": float(found.error),
                    "iterations": int(found.iterations),
                    "converged": bool(found.converged),
                    "rounded_excess": permuted - least,
                }
            )
            if draw == 0:
                row, column = np.indices((size, size))
                across = np.argsort(np.asarray(points[0, 0, :, 0]))
                mass = size * plan[across][:, exact[across]].ravel()
                frames.append(
                    pd.DataFrame({"epsilon": epsilon, "row": row.ravel(), "column": column.ravel(), "mass": mass})
                )
    table = pd.DataFrame(records)
    converged = table.sort_values("epsilon").query("converged")
    gap, bound = np.asarray(converged["gap"]), np.asarray(converged["bound"])
    # negative when every plan is inside its bounds: the least distance to one
    violation = np.max(np.maximum(-gap, gap - bound))
    sharpest = converged.drop_duplicates("draw")["rounded_excess"].to_numpy()
    return (
        table,
        pd.concat(frames),
        [
            Measure(quantity="largest_entropic_violation", value=float(violation)),
            Measure(quantity="largest_gap_over_bound", value=float(np.max(gap / bound))),
            Measure(quantity="largest_assignment_difference", value=max(differences)),
            Measure(quantity="unconverged_plans", value=float(len(table) - len(converged))),
            Measure(quantity="plans", value=float(len(table))),
            Measure(quantity="rounded_excess", value=float(np.max(sharpest))),
            Measure(
                quantity="largest_rounded_excess_any_plan", value=float(np.max(table["rounded_excess"].to_numpy()))
            ),
        ],
    )
