"""Settings of the study of the book; its experiments are synthetic, and presets only shrink or enlarge them.

Where the companion code fixes a size, that is the default; the rest are ours.
"""

from pydantic import Field, PositiveFloat, PositiveInt

from perspectives.workbench.settings import Section

COMPANION = "the companion code's value"
OURS = "our choice"


class DifferentiationSettings(Section):
    """Numerical differentiation of a softplus."""

    steps: int = Field(default=100, ge=20, description=f"Step sizes from 1e-14 to 1; {COMPANION}.")
    points: int = Field(default=41, ge=3, description=f"Points at which the best step is sought; {OURS}.")


class BilevelSettings(Section):
    """A kernel width by hypergradients."""

    samples: int = Field(default=100, ge=20, description=f"Points; {COMPANION}. Half train, {OURS}; its two thirds.")
    ridge: PositiveFloat = Field(default=1.0, description=f"Ridge at which hypergradients are compared; {OURS}.")
    small_ridge: PositiveFloat = Field(default=1e-3, description=f"Ridge of the second search; {COMPANION}.")
    grid: int = Field(default=60, ge=10, description=f"Widths of the search that descent is compared with; {OURS}.")


class IntegrationSettings(Section):
    """Gradients and fits of Lotka-Volterra trajectories."""

    horizon: PositiveFloat = Field(default=30.0, description=f"End time; {COMPANION}.")
    observations: int = Field(default=100, ge=10, description=f"Noisy points; {COMPANION}.")
    noise: PositiveFloat = Field(default=0.1, description=f"Standard deviation of an observation; {OURS}; its 0.01.")


class ChainSettings(Section):
    """Inference on chains small enough to enumerate."""

    states: int = Field(default=4, ge=2, description=f"States of a node; {OURS}.")
    length: int = Field(default=8, ge=3, le=10, description=f"Nodes; all paths are enumerated; {OURS}.")


class EstimatorSettings(Section):
    """Estimators of a smoothed derivative."""

    repetitions: int = Field(default=200, ge=10, description=f"Repetitions behind a root mean square error; {OURS}.")
    largest_draws: int = Field(default=10_000, ge=100, description=f"Draws of the largest sample; {OURS}.")
    gumbel_draws: int = Field(default=200_000, ge=1000, description=f"Draws of the Gumbel perturbation; {OURS}.")


class SortingSettings(Section):
    """Entropic transport against assignment."""

    size: int = Field(default=32, ge=4, description=f"Points on each side; {OURS}.")
    epsilons: tuple[PositiveFloat, ...] = Field(default=(0.1, 0.03, 0.01, 0.003), description=f"Strengths; {OURS}.")
    max_iterations: PositiveInt = Field(default=20_000, description=f"Iterations allowed to a plan; {OURS}.")


class ForwardSettings(Section):
    """Forward gradients."""

    dimensions: tuple[PositiveInt, ...] = Field(default=(2, 10, 100), description=f"Dimensions; {OURS}.")
    draws: int = Field(default=100_000, ge=1000, description=f"Directions drawn in each; {OURS}.")


class DecoderSettings(Section):
    """A tiny decoder that learns to copy."""

    vocabulary: int = Field(default=16, ge=3, description=f"Symbols, a separator among them; {OURS}.")
    length: int = Field(default=8, ge=2, description=f"Symbols that are copied; {OURS}.")
    width: int = Field(default=64, ge=8, multiple_of=8, description=f"Features of a token; {OURS}.")
    steps: PositiveInt = Field(default=1500, description=f"Training steps; {OURS}.")
    batch: PositiveInt = Field(default=64, description=f"Sequences of a step; {OURS}.")


class CostSettings(Section):
    """Compiled cost of derivatives."""

    width: PositiveInt = Field(default=256, description=f"Units of each of six layers; {OURS}.")
    steps: PositiveInt = Field(default=4096, description=f"Steps of the recurrence that is checkpointed; {OURS}.")
    state: PositiveInt = Field(default=512, description=f"Numbers in its state; {OURS}.")


class ElementsSettings(Section):
    """The whole study."""

    differentiation: DifferentiationSettings = DifferentiationSettings()
    bilevel: BilevelSettings = BilevelSettings()
    integration: IntegrationSettings = IntegrationSettings()
    chains: ChainSettings = ChainSettings()
    estimators: EstimatorSettings = EstimatorSettings()
    sorting: SortingSettings = SortingSettings()
    forward: ForwardSettings = ForwardSettings()
    decoder: DecoderSettings = DecoderSettings()
    costs: CostSettings = CostSettings()
