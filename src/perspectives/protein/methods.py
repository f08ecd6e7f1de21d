"""The methods that are compared, and which predictor is a task's own."""

from collections.abc import Collection
from typing import NamedTuple


class Method(NamedTuple):
    """How a method is called in figures, and whether the flow prior has a part in it."""

    title: str
    prior: bool


METHODS = {
    "guided": Method("VLGPO", True),
    "guided_new_time": Method("VLGPO, both at the new time", True),
    "guided_ode": Method("guided ODE", True),
    "mean_codes": Method("VLGPO, prior of posterior means", True),
    "plain_gradient": Method("gradient at the code", True),
    "prior": Method("prior alone", True),
    "latent_ascent": Method("latent ascent, no prior", False),
    "base": Method("best of the base set", False),
    "mutants": Method("random mutants", False),
    "evolution": Method("AdaLead-like evolution", False),
    "frontier": Method("PEX-like frontier", False),
    "gibbs": Method("Gibbs with gradients", False),
    "gibbs_inverted": Method("Gibbs, acceptance inverted", False),
    "cbas": Method("CbAS", False),
    "exhaustive": Method("all doubles predicted", False),
}
"""All of them get the base set and one predictor, and hand over as many designs. With the smoothed predictor Gibbs with
gradients is GGS."""
BASE_SET = "base_set"
"""In tables of designs: what all rows of the base set score, which is no method."""
_SMOOTHED = ("aav_hard", "gfp_medium", "gfp_hard")


def headline_predictor(task: str, among: Collection[str]) -> str:
    """Return the predictor with which the paper has its best number on a task, or the only one of `among`."""
    best = "smoothed" if task in _SMOOTHED else "unsmoothed"
    return best if best in among else next(iter(among))


TASK_TITLES: dict[str, str] = {
    "gb1_default": "GB1, below the wild type",
    "gb1_medium": "GB1, medium",
    "gb1_hard": "GB1, hard",
    "aav_medium": "AAV, medium",
    "aav_hard": "AAV, hard",
    "gfp_medium": "GFP, medium",
    "gfp_hard": "GFP, hard",
}
"""How figures call the tasks."""
