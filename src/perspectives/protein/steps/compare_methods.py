"""Compare all methods on one task: a table over seeds, and the numbers that claims and findings ask for."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from perspectives.numerics.statistics import mean_interval
from perspectives.protein.landscapes import WILD_TYPE_FITNESS, scale_of
from perspectives.protein.methods import headline_predictor
from perspectives.protein.metrics import rank_correlation
from perspectives.protein.settings import TaskName
from perspectives.workbench.errors import UserError
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import Row, read_rows, write_rows

ENOUGH = 15
"""Measured designs from which their median decides."""
AVERAGED = (
    "fitness", "fitness_all", "other_fitness", "measured_fitness", "diversity", "novelty", "unique", "unique_share",
    "designs", "drawn", "measured", "near_wild_type_share", "mutations", "disagreement",
)  # fmt: skip
"""Columns of evaluations that the table has with their standard deviation over seeds."""
DIFFERENCES = {
    "lead_evolution": ("guided", "evolution"),
    "lead_exhaustive": ("guided", "exhaustive"),
    "new_time_less_old": ("guided_new_time", "guided"),
    "guided_ode_less_split": ("guided_ode", "guided"),
    "mean_codes_less_draws": ("mean_codes", "guided"),
    "plain_gradient_less_guided": ("plain_gradient", "guided"),
    "inverted_acceptance_less_textbook": ("gibbs_inverted", "gibbs"),
}
"""Fitness of one method less that of another, seed by seed."""


class Arm:
    """The evaluations of one source of models and one predictor, by method and column, over members."""

    def __init__(self, rows: Iterable[Row]):
        self._rows: dict[str, dict[int, Row]] = {}
        for row in rows:
            self._rows.setdefault(row["method"], {})[int(row["member"])] = row
        self.methods = list(self._rows)

    def __getitem__(self, asked: tuple[str, str]) -> Float[ndarray, "members"]:
        """Return a column of a method over members; an empty cell is NaN."""
        method, column = asked
        of_method = self._rows[method]
        return np.array([float(of_method[member][column] or "nan") for member in sorted(of_method)])

    def difference(self, one: str, other: str, column: str = "fitness") -> Float[ndarray, "members"]:
        """Return a column of one method less that of another."""
        return self[one, column] - self[other, column]


def compare_methods(
    *, task: TaskName, evaluations: list[Input], qualities: list[Input], table: Output, measures: Output
) -> None:
    """Write means and deviations over seeds, and the measures.

    Measures of an arm begin with its source and predictor, on GB1 with the predictor. What needs two oracles or
    measured designs, on GB1 alone, is of the predictor with which the paper does best. Differences of methods have
    Student's interval over seeds; other numbers are means over seeds, or what their names say.
    """
    rows = [row for path in evaluations for row in read_rows(path)]
    arms = {
        arm: Arm(row for row in rows if (row["source"], row["predictor"]) == arm)
        for arm in dict.fromkeys((row["source"], row["predictor"]) for row in rows)
    }
    for (source, predictor), arm in arms.items():
        if missing := ", ".join(sorted({"prior", "guided", "evolution", "gibbs"} - set(arm.methods))):
            raise UserError(f"{task}, {source}, {predictor}: no designs of {missing} were evaluated.")
    write_rows(
        table,
        [
            {"task": task, "source": source, "predictor": predictor, "method": method, **_row(arm, method)}
            for (source, predictor), arm in arms.items()
            for method in arm.methods
        ],
        digits=9,
    )

    gb1 = task.startswith("gb1")
    found = _qualities([row for path in qualities for row in read_rows(path)])
    for (source, predictor), arm in arms.items():
        found |= _measures(f"{predictor}_" if gb1 else f"{source}_{predictor}_", arm)
    if gb1:
        best = headline_predictor(task, [predictor for _, predictor in arms])
        found |= _gb1_measures(arms["own", best])
    write_measures(measures, found.values())


def _row(arm: Arm, method: str) -> dict[str, float | int]:
    """Return the seeds, and means and deviations over them; the deviation is the population's, as the authors' is."""
    row: dict[str, float | int] = {"seeds": len(arm[method, "fitness"])}
    for column in AVERAGED:
        values = arm[method, column]
        row |= {column: float(values.mean()), f"{column}_deviation": float(values.std())}
    return row


def _measure(name: str, values: Float[ndarray, "members"]) -> Measure:
    return Measure(quantity=name, value=float(values.mean()), seeds=len(values))


def _interval(name: str, values: Float[ndarray, "members"]) -> Measure:
    """Return the mean with its interval, which is unbounded when there is one seed."""
    mean, low, high = mean_interval(values) if len(values) > 1 else (float(values[0]), np.nan, np.nan)
    return Measure(quantity=name, value=mean, ci_low=low, ci_high=high, seeds=len(values))


def _measures(prefix: str, arm: Arm) -> dict[str, Measure]:
    """Return the measures of an arm that any task may have."""
    found = [
        _measure(f"{prefix}{column}", arm["guided", column])
        for column in ("fitness", "diversity", "novelty", "unique_share", "near_wild_type_share")
    ]
    found += [_measure(f"{prefix}evolution_{column}", arm["evolution", column]) for column in ("fitness", "diversity")]
    found.append(_measure(f"{prefix}guidance_gain", _gain(arm)))
    found.append(_interval(f"{prefix}gain_on_best", arm["guided", "fitness"] - arm["guided", "best_of_base"]))
    better = np.maximum(arm["evolution", "fitness"], arm["gibbs", "fitness"])
    found.append(_interval(f"{prefix}lead", arm["guided", "fitness"] - better))
    found += [
        _interval(f"{prefix}{name}", arm.difference(one, other))
        for name, (one, other) in DIFFERENCES.items()
        if {one, other} <= set(arm.methods)
    ]
    return {measure.quantity: measure for measure in found}


def _gain(arm: Arm, column: str = "fitness") -> Float[ndarray, "members"]:
    """Return the median of the selected guided designs less that of all different samples of the prior."""
    return arm["guided", column] - arm["prior", f"{column}_all"]


def _gb1_measures(arm: Arm) -> dict[str, Measure]:
    """Return the measures that need two oracles, or measured designs."""
    gains, other_gains = _gain(arm), _gain(arm, "other_fitness")
    wild_type = scale_of("gb1").scaled(WILD_TYPE_FITNESS)
    measured = arm["guided", "measured_fitness"] - wild_type
    # Too few designs decide nothing, whatever their median: an interval without ends says so.
    ends = (None, None) if arm["guided", "measured"].min() >= ENOUGH else (np.nan, np.nan)
    found = [
        _least("smallest_guidance_gain", gains),
        _least("smallest_guidance_gain_perceptron", other_gains),
        Measure(
            quantity="smallest_measured_gain", value=float(measured.min()), ci_low=ends[0], ci_high=ends[1],
            seeds=len(measured),
        ),
        _measure("measured_share", arm["guided", "measured_share"]),
        _measure("oracle_disagreement", arm["guided", "disagreement"]),
        Measure(quantity="method_rank_agreement", value=_agreement(arm), seeds=len(measured)),
    ]  # fmt: skip
    return {measure.quantity: measure for measure in found}


def _least(name: str, values: Float[ndarray, "members"]) -> Measure:
    return Measure(quantity=name, value=float(values.min()), seeds=len(values))


def _agreement(arm: Arm) -> float:
    """Return the rank correlation over methods of fitness by the oracle and as measured, where enough were."""
    judged = [method for method in arm.methods if arm[method, "measured"].min() >= ENOUGH]
    fitness, measured = (
        np.array([arm[method, column].mean() for method in judged]) for column in ("fitness", "measured_fitness")
    )
    return rank_correlation(fitness, measured)


def _qualities(rows: list[Row]) -> dict[str, Measure]:
    """Return what trainings and smoothing say of themselves: the mean over members and the least.

    Of smoothing, whose laws must hold for all, the largest.
    """
    values: dict[str, list[float]] = {}
    for row in rows:
        values.setdefault(row["quantity"], []).append(float(row["value"] or "nan"))
    found = []
    for name, of_members in values.items():
        array = np.array(of_members)
        value = array.max() if name.startswith("smoothing") else array.mean()
        found.append(Measure(quantity=name, value=float(value), seeds=len(array)))
        found.append(_least(f"smallest_{name}", array))
    return {measure.quantity: measure for measure in found}
