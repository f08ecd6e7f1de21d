"""Settings of the permutation alignment study. Presets only shrink or enlarge.

Of the paper's own experiments only what the abstract says could be retrieved. Where a default is somebody else's value,
its description says whose; none of them is presented as the paper's.
"""

from typing import Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from perspectives.workbench.settings import Section

DatasetName = Literal["digits", "fashion-mnist", "mnist", "cifar-10"]
REBASIN = "Ainsworth et al. 2023 (released code); the paper's value was not retrieved"
IZMAILOV = "Izmailov et al. 2021, Table 3; the paper's value was not retrieved"
OURS = "our choice; the paper's value was not retrieved"


class PosteriorSettings(Section):
    """All that decides the training of one posterior, its member's random stream aside."""

    dataset: DatasetName = Field(description="Data trained on.")
    network: Literal["perceptron", "resnet20"] = Field(description="Architecture.")
    depth: PositiveInt = Field(description="Hidden layers of the perceptron; of no meaning for ResNet20.")
    width: PositiveInt = Field(description="Units of a hidden layer; for ResNet20 the multiple of 16 channels.")
    inference: Literal["vi", "map"] = Field(description="Mean-field variational inference, or a point estimate.")
    temperature: PositiveFloat = Field(description="Factor T of the KL divergence; the likelihood is not tempered.")
    prior: Literal["fan_in", "isotropic", "laplace"] = Field(description="Family of the prior.")
    prior_variance: PositiveFloat = Field(description="Variance of weights times fan-in, and of biases.")
    augmentation: bool = Field(description="Random flips and shifts of training images.")
    train_images: PositiveInt | None = Field(description="Training subset; None is the whole set.")
    epochs: PositiveInt = Field(description="Passes over the data.")
    batch: PositiveInt = Field(description="Images of a step.")
    learning_rate: PositiveFloat = Field(description="Adam's first step size; a cosine brings it to zero.")
    initial_deviation: PositiveFloat = Field(description="Initial standard deviation, at most half the prior's.")


class LaboratorySettings(Section):
    """One data set: the networks trained on it and what is varied.

    The reference arm has the reference width, temperature 1 and prior variance 2. Each other arm changes one thing.
    """

    network: Literal["perceptron", "resnet20"] = Field(default="perceptron", description="Architecture.")
    depth: PositiveInt = Field(default=3, description=f"Hidden layers of the perceptron; {REBASIN}.")
    widths: tuple[PositiveInt, ...] = Field(
        default=(32, 64, 128, 256, 512), description=f"Units of a hidden layer; {OURS}."
    )
    reference_width: PositiveInt = Field(default=128, description="Width at which all else is varied; in `widths`.")
    point_widths: tuple[PositiveInt, ...] = Field(
        default=(32, 64, 128, 256, 512), description="Widths of the point estimates."
    )
    temperatures: tuple[PositiveFloat, ...] = Field(default=(0.1, 0.01, 0.001), description=f"Besides 1; {OURS}.")
    cold_widths: tuple[PositiveInt, ...] = Field(
        default=(32, 64, 128, 256, 512), description="Widths trained at temperature 0.01 too, for the width law there."
    )
    prior_variances: tuple[PositiveFloat, ...] = Field(default=(0.02, 0.2, 20.0), description=f"Besides 2; {OURS}.")
    other_priors: tuple[Literal["isotropic", "laplace"], ...] = Field(
        default=("laplace",), description="Prior families besides the Gaussian scaled by fan-in."
    )
    isotropic_variance: PositiveFloat = Field(default=0.2, description=f"Variance of the isotropic prior; {IZMAILOV}.")
    augmentation: bool = Field(default=True, description="Whether one arm augments its images.")
    members: int = Field(default=6, ge=3, description=f"Posteriors of an arm; all pairs are aligned; {OURS}.")
    disjoint_pairs: NonNegativeInt = Field(
        default=6, description="Pairs of the reference arm that share no member, for paired comparisons."
    )
    train_images: PositiveInt | None = Field(default=None, description="Training subset; None is the whole set.")
    epochs: PositiveInt = Field(default=100, description=f"Passes over the data; {REBASIN}.")
    batch: PositiveInt = Field(default=500, description=f"Images of a step; {REBASIN}, for MNIST.")
    learning_rate: PositiveFloat = Field(default=2e-3, description=f"Adam's first step size; {OURS}.")
    initial_deviation: PositiveFloat = Field(default=0.02, description=f"Initial standard deviation; {OURS}.")

    @model_validator(mode="after")
    def _reference_is_trained(self) -> Self:
        if self.reference_width not in self.widths:
            raise ValueError(f"reference_width = {self.reference_width} must be one of widths = {self.widths}")
        return self


class EvaluationSettings(Section):
    """Marginalized losses along paths."""

    draws: int = Field(default=64, ge=2, description="Draws from a posterior, common to all points of all paths.")
    images: PositiveInt = Field(default=10_000, description="Images of each split, the first in their order.")
    times: int = Field(default=25, ge=3, description="Points of a path, both ends among them; odd, to have the middle.")
    restarts: PositiveInt = Field(default=5, description="Starts of the alignment, the identity among them.")


class SliceSettings(Section):
    """The plane through two posteriors and the second one aligned."""

    points: PositiveInt = Field(default=41, description="Points a side of the grid.")
    draws: int = Field(default=16, ge=2, description="Draws from each posterior of the plane.")
    images: PositiveInt = Field(default=2000, description="Test images.")


class AlignmentSettings(Section):
    """The whole study."""

    datasets: tuple[DatasetName, ...] = Field(
        default=("fashion-mnist", "mnist", "cifar-10"), description="Which of the laboratories below are run."
    )
    digits: LaboratorySettings = LaboratorySettings(
        depth=2, widths=(16, 64, 256), reference_width=64, point_widths=(64,), temperatures=(), cold_widths=(),
        prior_variances=(), other_priors=(), augmentation=False, epochs=400, batch=250, learning_rate=5e-3,
    )  # fmt: skip
    fashion_mnist: LaboratorySettings = LaboratorySettings()
    mnist: LaboratorySettings = LaboratorySettings()
    cifar_10: LaboratorySettings = LaboratorySettings(
        network="resnet20", widths=(1, 2, 4, 8, 16), reference_width=4, point_widths=(4,), cold_widths=(),
        epochs=300, batch=80, learning_rate=1e-4, initial_deviation=0.1,
    )  # fmt: skip
    evaluation: EvaluationSettings = EvaluationSettings()
    slice: SliceSettings = SliceSettings()
