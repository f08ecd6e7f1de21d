"""Measure orders and ratios of the sup-errors of the discrete methods."""

import pandas as pd

from perspectives.highres.comparisons import (
    LOW_RESOLUTION,
    METHODS,
    MODIFIED,
    NAG,
    ODE_10,
    ODE_14,
    REFERENCES,
    SCHEME_24,
    SCHEME_27,
    SEMI_IMPLICIT,
)
from perspectives.numerics import statistics
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output


def evaluate_discretisations(*, errors: Input, measures: Output) -> None:
    """Write the distances from Nesterov's method, the ratios at the smallest step, and the orders in s."""
    table = pd.read_csv(errors, dtype={"method": str})
    problems = sorted(set(table["problem"]))
    series = {
        key: rows.sort_values("s", ascending=False) for key, rows in table.groupby(["problem", "method", "reference"])
    }

    def order(problem: str, method: str, reference: str) -> float:
        rows = series[problem, method, reference]
        return statistics.order(rows["s"].to_numpy(), rows["error"].to_numpy())

    def last(problem: str, method: str, reference: str) -> float:
        return float(series[problem, method, reference]["error"].to_numpy()[-1])

    def ratio(method: str, reference: str) -> float:
        ratios = [last(problem, method, reference) / last(problem, method, LOW_RESOLUTION) for problem in problems]
        return max(ratios)

    def furthest_order(expected: float, variants: tuple[str, ...]) -> float:
        found = [order(problem, variant, NAG) for problem in problems for variant in variants]
        return max(found, key=lambda value: abs(value - expected))

    def largest(method: str) -> float:
        return max(float(series[problem, method, NAG]["error"].to_numpy().max()) for problem in problems)

    rows = [
        Measure(quantity="nag_minus_semi_implicit", value=largest(SEMI_IMPLICIT)),
        Measure(quantity="error_24_ode_10_over_low_resolution", value=ratio(SCHEME_24, ODE_10)),
        Measure(quantity="error_27_ode_14_over_low_resolution", value=ratio(SCHEME_27, ODE_14)),
        Measure(
            quantity="nag_minus_27", value=max(last(problem, "27_weight_2_gradient_x", NAG) for problem in problems)
        ),
        Measure(
            quantity="slope_nag_minus_27_weight_2",
            value=furthest_order(0.5, ("27_weight_2_gradient_y", "27_weight_2_gradient_x")),
        ),
        # With the gradient at x there is no distance left whose order one could fit: see the next row.
        Measure(quantity="slope_nag_minus_27_weight_1", value=furthest_order(1.0, ("27_weight_1_gradient_y",))),
        Measure(quantity="nag_minus_27_weight_1_gradient_x", value=largest("27_weight_1_gradient_x")),
        Measure(
            quantity="smallest_order_modified",
            value=min(order(problem, method, MODIFIED) for problem in problems for method in METHODS),
        ),
        Measure(quantity="error_nag_ode_14_over_low_resolution", value=ratio(NAG, ODE_14)),
    ]
    for problem in problems:
        for method in METHODS:
            for reference in REFERENCES:
                name = f"{method}_{reference}_{problem}"
                rows.append(Measure(quantity=f"order_{name}", value=order(problem, method, reference)))
                rows.append(Measure(quantity=f"error_{name}", value=last(problem, method, reference)))
        for variant in ("27_weight_2_gradient_y", "27_weight_2_gradient_x", "27_weight_1_gradient_y"):
            rows.append(Measure(quantity=f"order_nag_minus_{variant}_{problem}", value=order(problem, variant, NAG)))
    write_measures(measures, rows)
