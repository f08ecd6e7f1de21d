"""Compare both proposals of times on the swiss roll."""

import numpy as np
from jaxtyping import Float

from perspectives.numerics.statistics import mean_interval
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import write_rows

Points = Float[np.ndarray, "seeds points"]


def compare_swiss_roll(*, uniform: Input, debiasing: Input, table: Output, measures: Output) -> None:
    """Write means, standard errors and medians by training, and gaps over seeds.

    A gap is the log density less a bound or a likelihood, at the same points. Seeds are paired between proposals.
    """
    found = {"uniform": read_groups(uniform)["points"], "debiasing": read_groups(debiasing)["points"]}
    truth = found["uniform"]["truth"]
    gaps = {
        (proposal, name): truth - points[name].astype(float)
        for proposal, points in found.items()
        for name in ("elbo_average", "elbo_last", "flow")
    }
    rows = [
        {
            "proposal": proposal,
            "seed": seed,
            "quantity": name,
            "mean": truth.mean() - of_seed.mean(),
            "gap": of_seed.mean(),
            "gap_standard_error": _error(of_seed),
            "gap_median": np.median(of_seed),
            "truth": truth.mean(),
            "truth_standard_error": _error(truth),
        }
        for (proposal, name), gap in gaps.items()
        for seed, of_seed in enumerate(gap)
    ]
    write_rows(table, rows, digits=9)

    z = {key: gap.mean(1) / (gap.std(1, ddof=1) / gap.shape[1] ** 0.5) for key, gap in gaps.items()}
    uniform_gap, debiasing_gap = (gaps[proposal, "elbo_average"] for proposal in ("uniform", "debiasing"))
    write_measures(
        measures,
        [
            _over_seeds("debiasing_minus_uniform", uniform_gap - debiasing_gap),
            Measure(
                quantity="smallest_gap_z",
                value=min(float(z[proposal, "elbo_average"].min()) for proposal in found),
                seeds=len(uniform_gap),
            ),
            _over_seeds("debiasing_gap", debiasing_gap),
            _over_seeds("uniform_gap", uniform_gap),
            _over_seeds("debiasing_flow_gap", gaps["debiasing", "flow"]),
            _over_seeds("uniform_flow_gap", gaps["uniform", "flow"]),
            _over_seeds("average_gain", gaps["debiasing", "elbo_last"] - debiasing_gap),
            _over_seeds("uniform_average_gain", gaps["uniform", "elbo_last"] - uniform_gap),
        ],
    )


def _error(values: Float[np.ndarray, "points"]) -> float:
    return float(values.std(ddof=1) / len(values) ** 0.5)


def _over_seeds(quantity: str, values: Points) -> Measure:
    """Return the mean over points of each seed, averaged over seeds with its interval."""
    mean, low, high = mean_interval(values.mean(1))
    return Measure(quantity=quantity, value=mean, ci_low=low, ci_high=high, seeds=len(values))
