"""The methods that are compared, and which predictor is a task's own."""

from collections.abc import Collection

METHODS = {
    "guided": "VLGPO",
    "guided_new_time": "VLGPO, both at the new time",
    "guided_ode": "guided ODE",
    "mean_codes": "VLGPO, prior of posterior means",
    "plain_gradient": "gradient at the code",
    "prior": "prior alone",
    "latent_ascent": "latent ascent, no prior",
    "base": "best of the base set",
    "mutants": "random mutants",
    "evolution": "AdaLead-like evolution",
    "frontier": "PEX-like frontier",
    "gibbs": "Gibbs with gradients",
    "gibbs_inverted": "Gibbs, acceptance inverted",
    "cbas": "CbAS",
    "exhaustive": "all doubles predicted",
}
"""How figures call the methods. All of them get the base set and one predictor, and hand over as many designs. With the
smoothed predictor Gibbs with gradients is GGS."""
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
