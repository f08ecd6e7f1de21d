"""Draw the Lyapunov functions along the ODEs, and the gaps under their guarantees."""

import matplotlib.pyplot as plt
import pandas as pd

from perspectives.workbench.figures import COLOURS, PAGE_INCHES, save, style
from perspectives.workbench.step import Input, Output

LABELS = {"ode_10": "(10)", "ode_14": "(14)", "ode_19": "(19)"}


def plot_lyapunov(*, curves: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw epsilon(t) over epsilon(0), and f(X) - f* with what the theorems promise."""
    # At t = 0 the convex guarantee is infinite and a logarithmic axis has no place.
    table = pd.read_csv(curves).query("time > 0")
    series = {str(name): rows for name, rows in table.groupby("ode")}
    with style():
        figure, (left, middle, right) = plt.subplots(1, 3, figsize=(PAGE_INCHES, 2.3))
        for colour, (ode, label) in zip(COLOURS, LABELS.items(), strict=False):
            rows = series[ode]
            left.semilogy(rows["time"], rows["lyapunov"], color=colour, label=label)
            axes = right if ode == "ode_19" else middle
            axes.plot(rows["time"], rows["gap"], color=colour, label=f"gap along {label}")
            axes.plot(rows["time"], rows["guarantee"], color=colour, linestyle="--", linewidth=0.9, label="guarantee")
        left.set(xlabel="time $t$", ylabel=r"$\varepsilon(t) / \varepsilon(0)$", title="Lyapunov functions")
        middle.set(xscale="log", yscale="log", xlabel="time $t$", ylabel=r"$f(X_t) - f^*$", title="Theorems 2.1, 2.2")
        right.set(yscale="log", xlabel="time $t$", ylabel=r"$f(X_t) - f^*$", title="Theorem 2.3")
        for axes in (left, middle, right):
            axes.legend()
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    plotted = table.melt(id_vars=["ode", "time"], var_name="curve", value_name="value")
    plotted.to_csv(csv, index=False)
