"""Settings of the permutation alignment study. Presets only shrink or enlarge.

Of the paper's own experiments only what the abstract says could be retrieved. Where a default is somebody else's value,
its description says whose; none of them is presented as the paper's.
"""

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from perspectives.workbench.settings import Section

DatasetName = Literal["digits", "fashion-mnist", "mnist", "cifar-10"]
REBASIN = "Ainsworth et al. 2023 (released code); the paper's value was not retrieved"
IZMAILOV = "Izmailov et al. 2021, Table 3; the paper's value was not retrieved"
OURS = "our choice; the paper's value was not retrieved"


class NetworkSettings(Section):
    """All that decides the shapes of a network's arrays."""

    dataset: DatasetName = Field(description="Data trained on.")
    network: Literal["perceptron", "resnet20"] = Field(description="Architecture.")
    depth: PositiveInt = Field(description="Hidden layers of the perceptron; of no meaning for ResNet20.")
    width: PositiveInt = Field(description="Units of a hidden layer; for ResNet20 the multiple of 16 channels.")


class PosteriorSettings(NetworkSettings):
    """All that decides the training of one posterior, its member's random stream aside."""

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
    The isotropic prior has a variance of its own.
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
    def _reference_is_trained(self) -> "LaboratorySettings":
        if self.reference_width not in self.widths:
            raise ValueError(f"reference_width = {self.reference_width} must be one of widths = {self.widths}")
        if 1.0 in self.temperatures or 2.0 in self.prior_variances:
            raise ValueError("temperature 1 and prior variance 2 are the reference arm's own; leave them out")
        for name in ("widths", "point_widths", "temperatures", "cold_widths", "prior_variances", "other_priors"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name} = {values} names one of them twice")
        if self.train_images is not None and self.train_images < self.batch:
            raise ValueError(f"batch = {self.batch} is more than train_images = {self.train_images}")
        return self


class DigitsSettings(LaboratorySettings):
    """The digits, small and quick to train on: widths, point estimates and paired comparisons only."""

    depth: PositiveInt = Field(default=2, description="Hidden layers of the perceptron.")
    widths: tuple[PositiveInt, ...] = Field(default=(16, 64, 256), description="Units of a hidden layer.")
    reference_width: PositiveInt = Field(default=64, description="Width at which all else is varied; in `widths`.")
    point_widths: tuple[PositiveInt, ...] = Field(default=(64,), description="Widths of the point estimates.")
    temperatures: tuple[PositiveFloat, ...] = Field(default=(), description="Besides 1.")
    cold_widths: tuple[PositiveInt, ...] = Field(default=(), description="Widths trained at temperature 0.01 too.")
    prior_variances: tuple[PositiveFloat, ...] = Field(default=(), description="Besides 2.")
    other_priors: tuple[Literal["isotropic", "laplace"], ...] = Field(default=(), description="Other prior families.")
    augmentation: bool = Field(default=False, description="A digit mirrored is no digit.")
    epochs: PositiveInt = Field(default=400, description="Passes over the data.")
    batch: PositiveInt = Field(default=250, description="Images of a step; 1500 train.")
    learning_rate: PositiveFloat = Field(default=5e-3, description="Adam's first step size.")


class Cifar10Settings(LaboratorySettings):
    """CIFAR-10 with ResNet20 and filter response normalisation, for a GPU."""

    network: Literal["perceptron", "resnet20"] = Field(default="resnet20", description="Architecture.")
    widths: tuple[PositiveInt, ...] = Field(default=(1, 2, 4, 8, 16), description=f"Multiples of 16 channels; {OURS}.")
    reference_width: PositiveInt = Field(default=4, description="Width at which all else is varied; in `widths`.")
    point_widths: tuple[PositiveInt, ...] = Field(default=(4,), description="Widths of the point estimates.")
    cold_widths: tuple[PositiveInt, ...] = Field(default=(), description="Widths trained at temperature 0.01 too.")
    epochs: PositiveInt = Field(default=300, description=f"Passes over the data; {IZMAILOV}.")
    batch: PositiveInt = Field(default=80, description=f"Images of a step; {IZMAILOV}.")
    learning_rate: PositiveFloat = Field(default=1e-4, description=f"Adam's first step size; {IZMAILOV}.")
    initial_deviation: PositiveFloat = Field(
        default=0.1, description=f"Initial standard deviation, the root of an initial variance of 0.01; {IZMAILOV}."
    )


class EvaluationSettings(Section):
    """Marginalized losses along paths."""

    draws: int = Field(default=64, ge=2, description="Draws from a posterior, common to all points of all paths.")
    images: PositiveInt = Field(default=2000, description="Images of each split, the first in their order.")
    times: int = Field(default=11, ge=3, description="Points of a path, both ends among them; odd, to have the middle.")
    restarts: PositiveInt = Field(
        default=5, description="Starts of an alignment: one placed group by group, the others from it reshuffled."
    )

    @model_validator(mode="after")
    def _has_a_middle(self) -> "EvaluationSettings":
        if self.times % 2 == 0:
            raise ValueError(f"times = {self.times} must be odd, so that the middle of a path is among them")
        return self


class SliceSettings(Section):
    """The plane through two posteriors and the second one aligned."""

    points: int = Field(default=41, ge=2, description="Points a side of the grid.")
    draws: int = Field(default=16, ge=2, description="Draws from each posterior of the plane.")
    images: PositiveInt = Field(default=2000, description="Test images.")


class LangevinSettings(Section):
    """A Langevin reference for the posterior of a small tanh network, and mean-field posteriors of the same network."""

    digits: tuple[NonNegativeInt, ...] = Field(default=(3, 5, 8), min_length=2, description="Digits told apart.")
    components: PositiveInt = Field(default=2, description="Principal components of the images that the network sees.")
    train_images: PositiveInt = Field(default=100, description="Images of the posterior.")
    test_images: PositiveInt = Field(default=100, description="Images of the predictions.")
    hidden: PositiveInt = Field(default=8, description="Hidden units.")
    prior_variance: PositiveFloat = Field(default=1.0, description="Variance of weights times fan-in, and of biases.")
    chains: int = Field(default=8, ge=4, description="Chains; Vehtari et al. 2021 ask for at least 4.")
    step: PositiveFloat = Field(default=0.005, description="Largest step in time; every run is repeated at half of it.")
    steps_between: PositiveInt = Field(default=100, description="Steps between kept draws, at the largest step.")
    draws: int = Field(default=400, ge=10, description="Kept draws of a chain, burn-in among them.")
    burn_in: float = Field(default=0.2, ge=0, lt=1, description="Share of the draws that is thrown away.")
    mean_field_posteriors: int = Field(default=4, ge=2, description="Mean-field posteriors, from starts of their own.")
    mean_field_steps: PositiveInt = Field(default=5000, description="Steps of each, a multiple of 10.")
    mean_field_draws: int = Field(default=1000, ge=2, description="Draws from each for its predictions.")


class LaboratoriesSettings(Section):
    """Which posteriors are trained on which data: all that decides the arms."""

    datasets: tuple[DatasetName, ...] = Field(
        default=("fashion-mnist", "mnist", "cifar-10", "digits"),
        min_length=1,
        description="Which of the laboratories below are run.",
    )
    digits: DigitsSettings = DigitsSettings()
    fashion_mnist: LaboratorySettings = LaboratorySettings()
    mnist: LaboratorySettings = LaboratorySettings()
    cifar_10: Cifar10Settings = Cifar10Settings()

    @model_validator(mode="after")
    def _once_each(self) -> "LaboratoriesSettings":
        if len(set(self.datasets)) < len(self.datasets):
            raise ValueError(f"datasets = {self.datasets} names one of them twice")
        return self


class AlignmentSettings(LaboratoriesSettings):
    """The whole study."""

    evaluation: EvaluationSettings = EvaluationSettings()
    slice: SliceSettings = SliceSettings()
    langevin: LangevinSettings = LangevinSettings()
