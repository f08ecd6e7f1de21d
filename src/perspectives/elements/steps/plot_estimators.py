"""Draw estimators of a smoothed derivative, and the maximum with Gumbel noise."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from perspectives.workbench.figures import BLUE, COLOURS, PAGE_INCHES, VERMILION, save, style
from perspectives.workbench.step import Input, Output

ESTIMATORS = {
    "plain": "score function",
    "forward": "forward difference",
    "central": "central difference",
    "pathwise": "pathwise",
}
WIDTHS = {"forward": 2.4}
"""Line widths other than 1.3: the central difference mostly lies on the forward one."""
GUMBEL = {
    "argmax": ("o", "frequency"),
    "maximum": ("D", "maximum"),
    "argmax_jacobian": (".", "Jacobian"),
    "maximum_gradient": ("^", "gradient"),
}
LARGEST_DRAWS = 1e7
"""Where the companion code's curves end."""


def plot_estimators(*, errors: Input, moments: Input, gumbel: Input, curves: Input, png: Output, pdf: Output,
                    csv: Output) -> None:  # fmt: skip
    """Draw errors by draws, deviations by smoothing and dimension; the Gumbel density, frequencies and z-scores."""
    with style():
        figure, grid = plt.subplots(2, 3, figsize=(PAGE_INCHES, 4.6))
        table = pd.read_csv(moments)
        parts = [
            _errors(grid[0, 0], pd.read_csv(errors), table),
            _by_smoothing(grid[0, 1], table),
            _by_dimension(grid[0, 2], table),
            _density(grid[1, 0], pd.read_csv(curves)),
            *_perturbed(grid[1, 1], grid[1, 2], pd.read_csv(gumbel)),
        ]
        handles, labels = grid[0, 1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=5)
        save(figure, png=png, pdf=pdf)
        plt.close(figure)
    pd.concat(parts).to_csv(csv, index=False, float_format="%.9g")


def _errors(axes: Axes, errors: pd.DataFrame, moments: pd.DataFrame) -> pd.DataFrame:
    """Draw measured errors as dots on what mean and deviation make one expect, about either target."""
    sigma = moments.loc[moments["dimension"] > 1, "sigma"].iloc[0]
    here = moments.query("sigma == @sigma and dimension == 1").set_index("estimator")
    derivative = here.loc["pathwise", "mean"] - 3 * sigma**2
    draws = np.geomspace(1, LARGEST_DRAWS, 57)
    parts = []
    for colour, (name, label) in zip(COLOURS, ESTIMATORS.items(), strict=False):
        mean, deviation = here.loc[name, ["mean", "deviation"]]
        expected = {
            f"{label}, expected": np.sqrt(deviation**2 / draws),
            f"{label}, expected, from f'": np.sqrt(deviation**2 / draws + (mean - derivative) ** 2),
        }
        for linestyle, (series, y) in zip(("-", "--"), expected.items(), strict=True):
            axes.plot(draws, y, color=colour, linestyle=linestyle, linewidth=WIDTHS.get(name, 1.3))
            parts.append(pd.DataFrame({"panel": "errors", "series": series, "x": draws, "y": y}))
        rows = errors.query("estimator == @name")
        for marker, column in (("o", "error"), ("x", "error_from_derivative")):
            axes.plot(rows["draws"], rows[column], marker, color=colour, markersize=3, zorder=3)
            x, y = rows["draws"], rows[column]
            parts.append(pd.DataFrame({"panel": "errors", "series": f"{label}, {column}", "x": x, "y": y}))
    axes.axhline(3 * sigma**2, color="0.4", linewidth=0.8, linestyle=":")
    axes.text(1, 3 * sigma**2 / 1.3, r"$3\sigma^2$", color="0.4", fontsize=7, va="top")
    for linestyle, label in (("-", "from the smoothed derivative"), ("--", "from $f'$, as in the companion")):
        axes.plot([], [], color="0.3", linestyle=linestyle, label=label)
    axes.legend(loc="lower left", fontsize=6, handlelength=1.5)
    axes.set(xscale="log", yscale="log", xlabel="draws", ylabel="root mean square error", title="Error")
    axes.set_ylim(1e-5, None)
    return pd.concat(parts)


def _by_smoothing(axes: Axes, moments: pd.DataFrame) -> pd.DataFrame:
    rows = moments.query("dimension == 1")
    parts = []
    for colour, (name, label) in zip(COLOURS, ESTIMATORS.items(), strict=False):
        of = rows.query("estimator == @name")
        axes.loglog(of["sigma"], of["deviation"], color=colour, label=label, linewidth=WIDTHS.get(name, 1.3))
        parts.append(pd.DataFrame({"panel": "smoothing", "series": label, "x": of["sigma"], "y": of["deviation"]}))
    sigma = of["sigma"]
    axes.loglog(sigma, 3 * sigma**2, color="0.4", linestyle=":", label=r"bias $3\sigma^2$")
    axes.set(
        ylim=(1e-5, None), xlabel=r"smoothing $\sigma$", ylabel="deviation of one draw", title="Width of smoothing"
    )
    parts.append(pd.DataFrame({"panel": "smoothing", "series": "bias", "x": sigma, "y": 3 * sigma**2}))
    return pd.concat(parts)


def _by_dimension(axes: Axes, moments: pd.DataFrame) -> pd.DataFrame:
    sigma = moments.query("dimension > 1")["sigma"].iloc[0]
    rows = moments[moments["sigma"] == sigma]
    series = {str(name): of for name, of in rows.groupby("estimator")}
    parts = []
    for colour, (name, label) in zip(COLOURS, ESTIMATORS.items(), strict=False):
        of = series[name]
        axes.loglog(of["dimension"], of["deviation"], color=colour, linewidth=WIDTHS.get(name, 1.3))
        parts.append(pd.DataFrame({"panel": "dimension", "series": label, "x": of["dimension"], "y": of["deviation"]}))
    axes.set(xlabel="coordinates in the sum", ylabel="deviation of one draw", title="Dimension")
    return pd.concat(parts)


def _density(axes: Axes, curves: pd.DataFrame) -> pd.DataFrame:
    shown = curves.query("panel == 'gumbel'")
    series = {name: rows for name, rows in shown.groupby("series")}
    width = np.diff(series["histogram"]["x"]).mean()
    axes.bar(series["histogram"]["x"], series["histogram"]["y"], width=width, color="0.85", label="draws")
    axes.plot(series["density"]["x"], series["density"]["y"], color="black")
    for colour, name in ((BLUE, "mean"), (VERMILION, "mode")):
        axes.plot(series[name]["x"], series[name]["y"], "o", color=colour, markersize=4.5, label=name)
    axes.set(xlabel="$z$", ylabel="$p(z)$", title="Centred Gumbel density", ylim=(0, 0.45))
    axes.legend(loc="upper right", handlelength=1.0)
    return shown


def _perturbed(left: Axes, right: Axes, gumbel: pd.DataFrame) -> list[pd.DataFrame]:
    """Draw frequencies on the softmax, and how many standard errors each estimate is off."""
    of = gumbel.query("quantity == 'argmax'")
    left.bar(of["index"] + 1, of["exact"], color="0.85", label="softmax")
    hard = (of["exact"] == of["exact"].max()).astype(float)
    left.plot(of["index"] + 1, hard, "x", color=VERMILION, markersize=5, label="hard argmax")
    left.plot(of["index"] + 1, of["estimate"], "o", color=BLUE, markersize=4, label="with Gumbel noise")
    left.set(xlabel="class", ylabel="weight", title="Perturbed argmax", ylim=(0, 1.05))
    left.legend()
    z = (gumbel["estimate"] - gumbel["exact"]) / gumbel["standard_error"]
    for colour, (name, (marker, label)) in zip(COLOURS, GUMBEL.items(), strict=False):
        which = gumbel["quantity"] == name
        right.plot(np.flatnonzero(which) + 1, z[which], marker, color=colour, markersize=4, label=label)
    for level in (-4, 4):
        right.axhline(level, color="0.4", linewidth=0.8, linestyle=":")
    right.axhline(0, color="0.4", linewidth=0.8)
    right.set(xlabel="estimated quantity", ylabel="$z$-score", title="Estimates less exact values", ylim=(-5, 8.5))
    right.legend(ncols=2, loc="upper center")
    return [
        pd.DataFrame({"panel": "frequencies", "series": name, "x": of["index"] + 1, "y": y})
        for name, y in (("softmax", of["exact"]), ("hard", hard), ("with Gumbel noise", of["estimate"]))
    ] + [pd.DataFrame({"panel": "z-scores", "series": gumbel["quantity"], "x": np.arange(len(z)) + 1, "y": z})]
