"""Measure compiled costs of derivatives, memory and evaluations of checkpointing, and low-memory adjoints of ODEs."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from perspectives.elements import checkpointing, costs, reversible_integration
from perspectives.elements.settings import CostSettings
from perspectives.numerics import statistics
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

SWEPT = ("gradient, forward", "Hessian product, all", "gradient, all")
"""Derivatives whose cost is followed over smaller widths."""
OUTPUTS = (1, 4, 16, 64, 256)
CHECKPOINTS = (8, 16, 64, 256)
FEW = 16
"""Checkpoints of the claim on memory."""
BYTES = 8
HORIZONS = (1.0, 30.0)
"""A fraction of a period, and the companion code's horizon."""
STEPS = (0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
"""The last is the companion code's."""
MAX_STEPS = 32_768
RING_GRADIENT = jax.jit(checkpointing.ring_gradient, static_argnums=(2, 3))


def measure_costs(
    *,
    settings: CostSettings,
    seed: int,
    derivatives: Output,
    jacobians: Output,
    memory: Output,
    schedules: Output,
    adjoints: Output,
    measures: Output,
    progress: Progress,
) -> None:
    """Write costs over the function's, Jacobians by outputs, memory by length, schedules, and adjoint mismatches."""
    # Any: pandas' own types are too narrow for what indexing returns.
    found: Any = _derivatives(settings.width)
    found.to_csv(derivatives, index=False)
    progress(1, 5)
    pd.DataFrame(costs.jacobian_costs(settings.width // 4, OUTPUTS), columns=["outputs", "forward", "reverse"]).assign(
        inputs=settings.width // 4
    ).to_csv(jacobians, index=False)
    full = found[found["width"] == settings.width].set_index("derivative")["operations"]
    rows = [
        Measure(quantity="gradient_over_function", value=float(full[["gradient", "gradient, all"]].max())),
        Measure(
            quantity="hessian_vector_over_function",
            value=float(full[[name for name in full.index if name.startswith("Hessian product")]].max()),
        ),
    ]
    for name, ratio in full.items():
        rows.append(Measure(quantity=f"{str(name).replace(', ', '_').replace(' ', '_')}_ratio", value=float(ratio)))
    progress(2, 5)

    compared, difference = _schedules(settings, seed)
    compared.to_csv(schedules, index=False)
    progress(3, 5)
    kept = _memory(compared, settings)
    kept.to_csv(memory, index=False)
    states = compared.set_index("schedule")["states"]
    rows += [
        Measure(quantity="recursive_over_tape_memory", value=float(states[str(FEW)] / states["tape"])),
        Measure(quantity="blocks_over_tape_memory", value=float(states["blocks"] / states["tape"])),
        Measure(quantity="largest_checkpointing_difference", value=difference),
    ]
    for name, one in compared.set_index("schedule")["evaluations"].items():
        rows.append(Measure(quantity=f"evaluations_a_step_{name}", value=float(one)))
    for schedule, one in kept.groupby("schedule"):
        order = statistics.order(one["length"].to_numpy(float), one["bytes"].to_numpy())
        rows.append(Measure(quantity=f"memory_order_{schedule}", value=order))
    progress(4, 5)
    rows += _adjoints(adjoints)
    write_measures(measures, rows)
    progress(5, 5)


def _derivatives(width: int) -> Any:
    """Return operations and temporary bytes of each derivative over the function's own, and the bound, by width."""
    rows = []
    for d in sorted({max(width // 16, 2), max(width // 4, 2), width}):
        weights, x = costs.shapes(d)
        function = costs.compiled_cost(costs.objective, weights, x)
        for name, one in costs.DERIVATIVES.items():
            if d == width or name in SWEPT:
                cost = costs.compiled_cost(one.function, weights, x, x)
                states = cost.temporary_bytes / (BYTES * d)
                rows.append([name, d, cost.operations / function.operations, one.bound(d), states])
    return pd.DataFrame(rows, columns=["derivative", "width", "operations", "bound", "temporary_states"])


def _schedules(settings: CostSettings, seed: int) -> tuple[Any, float]:
    """Return states kept and evaluations of a step by schedule, and the largest relative change of the gradient."""
    of_coupling, of_start = jax.random.split(stream(seed, "elements.costs.ring"))
    coupling = 1 + 0.1 * jax.random.normal(of_coupling, (settings.state,))
    start = jax.random.normal(of_start, (settings.state,))
    schedules: tuple[checkpointing.Schedule, ...] = ("tape", "blocks", *CHECKPOINTS)
    rows, gradients = [], []
    for schedule in schedules:
        compiled: Any = RING_GRADIENT.lower(coupling, start, settings.steps, schedule).compile()
        gradients.append(np.concatenate(compiled(coupling, start)))
        states = compiled.memory_analysis().temp_size_in_bytes / (BYTES * settings.state)
        counted = checkpointing.evaluations(settings.steps, schedule)
        fewest = checkpointing.fewest_evaluations(settings.steps, schedule) if isinstance(schedule, int) else np.nan
        rows.append([str(schedule), states, counted / settings.steps, fewest / settings.steps])
    tape = gradients[0]
    difference = max(float(np.abs(one - tape).max() / np.abs(tape).max()) for one in gradients)
    return pd.DataFrame(rows, columns=["schedule", "states", "evaluations", "fewest"]), difference


def _memory(schedules: Any, settings: CostSettings) -> Any:
    """Return the temporary bytes of the gradient through recurrences of a 16th, a quarter and all of the steps."""
    shape = jax.ShapeDtypeStruct((settings.state,), float)
    full = schedules.set_index("schedule")["states"] * (BYTES * settings.state)
    kept: tuple[checkpointing.Schedule, ...] = ("tape", "blocks", FEW)
    rows = []
    for schedule in kept:
        for length in (settings.steps // 16, settings.steps // 4):
            compiled: Any = RING_GRADIENT.lower(shape, shape, length, schedule).compile()
            rows.append([str(schedule), length, float(compiled.memory_analysis().temp_size_in_bytes), settings.state])
        rows.append([str(schedule), settings.steps, float(full[str(schedule)]), settings.state])
    return pd.DataFrame(rows, columns=["schedule", "length", "bytes", "state"])


def _adjoints(path: Output) -> list[Measure]:
    """Write the mismatch of low-memory adjoints by horizon and step; return their measures."""
    found = reversible_integration.mismatches(jnp.array(HORIZONS), jnp.array(STEPS), MAX_STEPS)
    rows = [
        [method, horizon, step, float(one.distances[i, j]), one.temporary_bytes]
        for method, one in found.items()
        for i, horizon in enumerate(HORIZONS)
        for j, step in enumerate(STEPS)
    ]
    table: Any = pd.DataFrame(rows, columns=["method", "horizon", "step", "mismatch", "temporary_bytes"])
    table.to_csv(path, index=False)
    by = table.set_index(["method", "horizon", "step"])["mismatch"].sort_index()
    short, long = HORIZONS
    measures = [
        Measure(
            quantity="reversible_over_heun_mismatch",
            value=float(by["reversible Heun", long, STEPS[-1]] / by["Heun", long, STEPS[-1]]),
        ),
        Measure(
            quantity="reversible_over_heun_mismatch_short",
            value=float(by["reversible Heun", short, STEPS[-1]] / by["Heun", short, STEPS[-1]]),
        ),
        Measure(
            quantity="undone_over_heun_mismatch",
            value=float(by["reversible Heun, undone", long, STEPS[-1]] / by["Heun", long, STEPS[-1]]),
        ),
        Measure(quantity="largest_undone_mismatch", value=float(by["reversible Heun, undone"].max())),
    ]
    fitted = np.array(STEPS[:-2])  # below, reversible Heun's mismatch of the short horizon nears rounding
    for method, name in (("Heun", "heun"), ("reversible Heun", "reversible_heun")):
        mismatch = by[method, short].loc[list(fitted)].to_numpy()
        measures.append(Measure(quantity=f"order_{name}_mismatch_short", value=statistics.order(fitted, mismatch)))
        measures.append(Measure(quantity=f"{name}_mismatch", value=float(by[method, long, STEPS[-1]])))
    return measures
