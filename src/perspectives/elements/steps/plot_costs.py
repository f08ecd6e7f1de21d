"""Draw what derivatives cost in operations and memory, checkpointing, and low-memory adjoints of ODEs."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.figures import BLUE, GREEN, ORANGE, PAGE_INCHES, PURPLE, VERMILION, save, style
from perspectives.workbench.step import Input, Output

DERIVATIVES = {
    "product": ("$f' v$", BLUE),
    "gradient": (r"$\nabla f$, reverse", VERMILION),
    "gradient, all": (r"$\nabla f$, weights too", VERMILION),
    "Hessian product, forward over reverse": (r"$\nabla^2 f\, v$, forward over reverse", GREEN),
    "Hessian product, reverse over reverse": (r"$\nabla^2 f\, v$, reverse over reverse", GREEN),
    "Hessian product, all": (r"$\nabla^2 f\, v$, weights too", GREEN),
    "gradient, forward": (r"$\nabla f$, forward", ORANGE),
    "Hessian": (r"$\nabla^2 f$", PURPLE),
}
SCHEDULES = {
    "tape": ("tape", VERMILION, "s"),
    "blocks": (r"blocks of $\sqrt{N}$", GREEN, "D"),
    "16": ("16 states", BLUE, "o"),
}
ADJOINTS = {
    "Heun": ("adjoint ODE, Heun", BLUE),
    "reversible Heun": ("adjoint ODE, reversible Heun", VERMILION),
    "reversible Heun, undone": ("reversible Heun, undone", GREEN),
}


def plot_costs(
    *,
    derivatives: Input,
    jacobians: Input,
    memory: Input,
    schedules: Input,
    adjoints: Input,
    png: Output,
    pdf: Output,
    csv: Output,
) -> None:
    """Draw operations by derivative, by width and by outputs above; memory, recomputation and adjoints below."""
    tables = [pd.read_csv(file) for file in (derivatives, jacobians, memory, schedules, adjoints)]
    derivative, jacobian, kept, schedule, adjoint = tables
    with style():
        figure = plt.figure(figsize=(PAGE_INCHES, 5.0))
        halves: Any = figure.subfigures(2, 1)
        upper, lower = halves
        above, below = upper.subplots(1, 3, width_ratios=(1, 1, 1)), lower.subplots(1, 3)
        _bars(above[0], derivative[derivative["width"] == derivative["width"].max()])
        _widths(above[1], derivative)
        _jacobians(above[2], jacobian)
        _memory(below[0], kept)
        _schedules(below[1], schedule)
        _adjoints(below[2], adjoint)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    names = ("operations", "Jacobians", "memory", "schedules", "adjoints")
    pd.concat([table.assign(panel=name) for name, table in zip(names, tables, strict=True)]).to_csv(csv, index=False)


def _bars(axes: Axes, rows: Any) -> None:
    """Draw each derivative's operations, with the number in the bar, since its bound, a black tick, may be close."""
    rows = rows.iloc[::-1]
    for y, (_, row) in enumerate(rows.iterrows()):
        label, colour = DERIVATIVES[str(row["derivative"])]
        axes.barh(y, row["operations"], color=colour, height=0.7)
        axes.plot(row["bound"], y, "|", color="black", markersize=9, markeredgewidth=1.6)
        axes.text(
            row["operations"] * 0.9, y, f"{row['operations']:.3g}", fontsize=6.5, va="center_baseline", ha="right"
        )
    axes.set_yticks(range(len(rows)), [DERIVATIVES[str(name)][0] for name in rows["derivative"]], fontsize=6)
    width = int(rows["width"].iloc[0])
    axes.set(xscale="log", xlim=(0.1, 3e3), xlabel="operations over $f$'s", title=f"$d = {width}$; ticks: bounds")
    axes.axvline(1, color="0.6", linewidth=0.7, zorder=0)
    axes.grid(visible=False)


def _widths(axes: Axes, rows: Any) -> None:
    for name in ("gradient, forward", "Hessian product, all", "gradient, all"):
        label, colour = DERIVATIVES[name]
        one = rows[rows["derivative"] == name]
        axes.loglog(one["width"], one["operations"], "o-", color=colour, markersize=3, label=label)
    d = np.sort(rows["width"].unique())
    axes.loglog(d, d + 1.0, color="black", linestyle=":", linewidth=0.9)
    axes.text(d[-1] * 0.9, d[-1] * 1.5, "$d + 1$", fontsize=6.5, ha="right")
    for bound, at, text in ((5, 3.7, "5, gradient"), (10, 10.8, "10, Hessian product")):
        axes.axhline(bound, color="black", linestyle=":", linewidth=0.9)
        axes.text(d[-1], at, text, fontsize=6, ha="right")
    axes.set(xlabel="inputs $d$", ylabel="operations over $f$'s", ylim=(1.5, 5000), title="one output")
    axes.set_xticks(d, [str(value) for value in d])
    axes.minorticks_off()
    axes.legend(loc="upper left")


def _jacobians(axes: Axes, rows: Any) -> None:
    m, inputs = rows["outputs"].to_numpy(), int(rows["inputs"].iloc[0])
    axes.loglog(m, rows["forward"], "o-", color=ORANGE, markersize=3, label="forward mode")
    axes.loglog(m, rows["reverse"], "o-", color=VERMILION, markersize=3, label="reverse mode")
    axes.loglog(m, np.full(len(m), inputs + 1.0), color="black", linestyle=":", linewidth=0.9)
    axes.loglog(m, m + 1.0, color="black", linestyle=":", linewidth=0.9)
    axes.text(1, (inputs + 1) * 1.15, "$d + 1$", fontsize=6.5)
    middle = m[len(m) // 2]
    axes.text(middle * 1.2, (middle + 1) * 0.75, "$m + 1$", fontsize=6.5)
    axes.axvline(inputs, color="0.6", linewidth=0.7)
    axes.set(xlabel="outputs $m$", ylabel="operations over $f$'s", title=f"Jacobian, $d = {inputs}$", ylim=(1.3, 2500))
    axes.set_xticks(m, [str(value) for value in m])
    axes.minorticks_off()
    axes.legend(loc="upper left")


def _memory(axes: Axes, rows: Any) -> None:
    for name, (label, colour, marker) in SCHEDULES.items():
        one = rows[rows["schedule"] == name]
        axes.loglog(one["length"], one["bytes"] / 1e6, marker + "-", color=colour, markersize=3.5, label=label)
    state = int(rows["state"].iloc[0])
    lengths = np.sort(rows["length"].unique())
    axes.set(xlabel="steps $N$", ylabel="temporary memory, MB", title=f"gradient through $N$ steps of {state}")
    axes.set(ylim=(0.01, 3e4))
    axes.set_xticks(lengths, [str(value) for value in lengths])
    axes.minorticks_off()
    axes.legend(loc="upper left")


def _schedules(axes: Axes, rows: Any) -> None:
    recursive = rows[rows["schedule"].str.isdigit()]
    axes.plot(recursive["states"], recursive["evaluations"], "o-", color=BLUE, markersize=3.5, label="recursive")
    axes.plot(recursive["states"], recursive["fewest"], "x:", color="black", markersize=4, label="fewest possible")
    for _, row in recursive.iterrows():
        axes.annotate(
            f"$k = {row['schedule']}$", (row["states"], row["evaluations"]), xytext=(3, 3),
            textcoords="offset points", fontsize=6.5,
        )  # fmt: skip
    for name in ("blocks", "tape"):
        label, colour, marker = SCHEDULES[name]
        one = rows[rows["schedule"] == name]
        axes.plot(one["states"], one["evaluations"], marker, color=colour, markersize=5, label=label)
    axes.set(xscale="log", xlabel="temporary memory, states", ylabel="evaluations of a step", title="memory for work")
    axes.set(ylim=(0, 1.25 * rows["evaluations"].max()), xlim=(10, 3e4))
    axes.legend(loc="upper right")


def _adjoints(axes: Axes, rows: Any) -> None:
    horizons = np.sort(rows["horizon"].unique())
    for name, (label, colour) in ADJOINTS.items():
        for horizon, line in zip(horizons, ("--", "-"), strict=True):
            one = rows[(rows["method"] == name) & (rows["horizon"] == horizon)]
            axes.loglog(
                one["step"], one["mismatch"], "o" + line, color=colour, markersize=2.5, linewidth=1,
                label=label if line == "-" else None,
            )  # fmt: skip
    axes.plot([], [], color="0.3", label=f"horizon {horizons[1]:g}; dashed, {horizons[0]:g}")
    axes.set(xlabel="step $h$", ylabel="distance from discrete gradient", title="constant memory", ylim=(1e-16, 1e7))
    axes.legend(loc="upper left", fontsize=5.8, handlelength=1.2, borderaxespad=0.1)
