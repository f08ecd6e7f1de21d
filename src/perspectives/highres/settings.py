"""Settings of the high-resolution ODE study. Defaults are the paper's values; presets only shrink or enlarge."""

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from perspectives.workbench.settings import Section

SPEC = "not in the paper, which plots no trajectories"


class FlowSettings(Section):
    """Trajectories of the ODEs (10), (14) and (19) on which the Lyapunov functions are evaluated."""

    dimensions: PositiveInt = Field(default=5, description=f"Unknowns of the ridge logistic regression; {SPEC}.")
    samples: PositiveInt = Field(default=100, description=f"Rows of the logistic regression; {SPEC}.")
    ridge: PositiveFloat = Field(default=0.02, description=f"Strong convexity mu; {SPEC}.")
    horizon: PositiveFloat = Field(default=60.0, description=f"End time of (10) and (14); {SPEC}.")
    horizon_strongly_convex: PositiveFloat = Field(default=80.0, description=f"End time of (19); {SPEC}.")
    points: PositiveInt = Field(default=2000, description="Sampled times of a trajectory.")


class DiscretisationSettings(Section):
    """Distance of the discrete methods from the ODEs as the step shrinks."""

    halvings_from: PositiveInt = Field(default=4, description="Largest step s is 2 to minus this.")
    halvings_to: PositiveInt = Field(default=12, description="Smallest step s is 2 to minus this.")
    horizon: PositiveFloat = Field(
        default=20.0, description="End time; the error is the supremum over t in [1, horizon]."
    )
    dimensions: PositiveInt = Field(default=5, description=f"Unknowns of the quadratic and of the logistic; {SPEC}.")
    samples: PositiveInt = Field(default=100, description=f"Rows of the logistic regression; {SPEC}.")


class ConstantSettings(Section):
    """Theorem 3.1's constants along NAG at s = 1/L."""

    iterations: PositiveInt = Field(default=2000, description=f"Iterations of NAG; {SPEC}.")
    bootstrap: PositiveInt = Field(default=1000, description="Bootstrap resamples of the fitted slope.")
    worst_case_dimensions: int = Field(default=200, ge=50, description=f"Unknowns of Nesterov's worst case; {SPEC}.")
    quadratic_dimensions: PositiveInt = Field(default=500, description=f"n of the eigenvalues (i/n)^2; {SPEC}.")


class BoundSettings(Section):
    """Fig. 1a: the upper bounds (30), (32) and Laborde's, for c = 1/sqrt(L), beta = L, sigma = 1, k0 = 1."""

    smoothness: tuple[PositiveFloat, ...] = Field(default=(100.0, 1000.0), description="L of the two panels, Fig. 1a.")
    log10_iterations: PositiveFloat = Field(default=8.0, description="Largest k as a power of ten, Fig. 1a.")
    points_per_decade: PositiveInt = Field(default=40, description="Points drawn per decade.")


class NoiseBoundSettings(Section):
    """NNAG against its bounds (30), (32), (33) on a quadratic with additive noise."""

    dimensions: PositiveInt = Field(default=20, description=f"Unknowns of the quadratic; {SPEC}.")
    seeds: PositiveInt = Field(default=100, description="Independent noise streams.")
    iterations: PositiveInt = Field(default=20_000, description=f"Iterations; {SPEC}.")
    beta: PositiveFloat = Field(default=2.0, description="beta of (29); Theorem 5.1 asks for at least 2.")


class RaceSettings(Section):
    """Fig. 1b: seven methods on one logistic regression."""

    samples: PositiveInt = Field(default=1000, description="n, released script (the text swaps n and d).")
    dimensions: PositiveInt = Field(default=10, description="d, released script.")
    seeds: int = Field(default=100, ge=2, description="Runs, section 5.1; each draws its own x0 and noise.")
    epochs: PositiveInt = Field(default=100, description="Fig. 1b's horizontal axis.")
    iterations_per_epoch: PositiveInt = Field(default=2000, description="From the published file name: 2e5 iterations.")
    logs_per_epoch: PositiveInt = Field(default=20, description="Loss evaluations per epoch.")


class DeepSettings(Section):
    """Fig. 2: four optimisers on image classification."""

    dataset: Literal["digits", "fashion-mnist", "cifar-10"] = Field(default="cifar-10", description="Section 5.2.")
    train_images: PositiveInt | None = Field(
        default=None, description="Training subset; None is the whole set, as in the paper."
    )
    seeds: int = Field(default=20, ge=2, description="Runs, section 5.2.")
    epochs: PositiveInt = Field(default=100, description="Section 5.2.")
    batch: PositiveInt = Field(default=64, description="Section 5.2.")
    published_curves: bool = Field(
        default=True, description="Whether to fetch the authors' own curves from their repository."
    )


class HighresSettings(Section):
    """The whole study."""

    flow: FlowSettings = FlowSettings()
    discretisation: DiscretisationSettings = DiscretisationSettings()
    constants: ConstantSettings = ConstantSettings()
    bounds: BoundSettings = BoundSettings()
    noise_bounds: NoiseBoundSettings = NoiseBoundSettings()
    race: RaceSettings = RaceSettings()
    deep: DeepSettings = DeepSettings()
