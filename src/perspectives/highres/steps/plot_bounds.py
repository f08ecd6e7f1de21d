"""Draw Fig. 1a: the upper bounds against k."""

import matplotlib.pyplot as plt
import pandas as pd

from perspectives.highres import published
from perspectives.workbench.figures import COLOURS, PAGE_INCHES, PUBLISHED, save, style
from perspectives.workbench.step import Input, Output


def plot_bounds(*, curves: Input, png: Output, pdf: Output, csv: Output) -> None:
    """Draw one panel for each L, with the digitised values on top."""
    table = pd.read_csv(curves)
    panels = table["smoothness"].unique()
    shown = []
    with style():
        figure, all_axes = plt.subplots(1, len(panels), figsize=(PAGE_INCHES, 2.6), squeeze=False)
        for axes, smoothness in zip(all_axes[0], panels, strict=True):
            rows = table[table["smoothness"] == smoothness]
            for colour, (curve, line) in zip(COLOURS, rows.groupby("curve", sort=False), strict=False):
                label = f"bound {curve}" if str(curve).startswith("(") else f"{curve}'s bound"
                axes.loglog(line["k"], line["bound"], color=colour, label=label)
                digitised = published.BOUNDS.get((float(smoothness), str(curve)))
                if digitised is not None:
                    axes.loglog(published.BOUND_ITERATIONS, digitised, **PUBLISHED)
                    shown.append(_long(smoothness, curve, published.BOUND_ITERATIONS, digitised, "published"))
                shown.append(_long(smoothness, curve, line["k"], line["bound"], "ours"))
            axes.set(title=f"$L = {smoothness:g}$", xlabel="iteration $k$")
        all_axes[0, 0].set_ylabel(r"bound on $\mathrm{E}\,f(x_k) - f^*$")
        all_axes[0, -1].plot([], [], label="published (digitised)", **PUBLISHED)
        all_axes[0, -1].legend()
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    pd.concat(shown).to_csv(csv, index=False)


def _long(smoothness, curve, k, bound, source) -> pd.DataFrame:
    return pd.DataFrame({"smoothness": smoothness, "curve": curve, "source": source, "k": k, "bound": bound})
