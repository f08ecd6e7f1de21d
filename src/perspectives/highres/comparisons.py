"""What is compared with what as the step shrinks, as data: evaluation and plots need no more."""

from typing import Literal

NAG, SCHEME_24, SCHEME_27 = "nag", "24", "27"
METHODS = (NAG, SCHEME_24, SCHEME_27)
LOW_RESOLUTION, ODE_10, ODE_14, MODIFIED = "low_resolution", "ode_10", "ode_14", "modified"
REFERENCES = (LOW_RESOLUTION, ODE_10, ODE_14, MODIFIED)
SEMI_IMPLICIT = "semi_implicit"
VARIANTS_27: dict[str, tuple[int, Literal["y", "x"]]] = {
    "27_weight_2_gradient_y": (2, "y"),
    "27_weight_2_gradient_x": (2, "x"),
    "27_weight_1_gradient_y": (1, "y"),
    "27_weight_1_gradient_x": (1, "x"),
}
"""(27) by the summand of its weight k + 2 (printed) or k + 1 (corrected), and by where z takes its gradient."""
