"""Settings of the diffusion study. Presets only shrink or enlarge.

Where the released code fixes a value, that is the default, and where its README's command does, that. The notebook of
the swiss roll was seen in a derivative only. The paper's text was not at hand.
"""

from typing import Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from perspectives.workbench.settings import Section

DatasetName = Literal["digits", "fashion-mnist", "mnist", "cifar-10"]
ProposalName = Literal["uniform", "debiasing"]
RELEASED = "the released code's value"
COMMAND = "the value of the command in the released README"
NOTEBOOK = "a value seen in a derivative of the authors' notebook"
OURS = "our choice; the paper's value was not retrieved"


class LaboratorySettings(Section):
    """Gaussian mixtures, whose score is known exactly: nothing is trained."""

    paths: int = Field(default=20_000, ge=100, description=f"Simulated paths behind an estimate; {OURS}.")
    finest: int = Field(
        default=1600,
        ge=64,
        multiple_of=16,
        description=f"Steps of the finest paths; two more have a quarter each; {OURS}.",
    )
    points: int = Field(default=4000, ge=50, description=f"Points at which densities and bounds are compared; {OURS}.")
    times: int = Field(default=256, ge=8, description=f"Stratified times behind the bound of a point; {OURS}.")
    bound_steps: int = Field(default=1600, ge=50, description=f"Steps of simulated bounds; {OURS}.")
    layers: tuple[PositiveInt, ...] = Field(
        default=(10, 30, 100, 300, 1000), min_length=3, description=f"Layers of the hierarchical VAE; {OURS}."
    )
    draws: int = Field(default=131_072, ge=1000, description=f"Draws behind losses and their variances; {OURS}.")
    samples: int = Field(default=5000, ge=100, description=f"Samples of each member of the family; {OURS}.")
    steps: int = Field(default=1000, ge=20, description=f"Euler-Maruyama steps of the family; {RELEASED}.")


class GenerativePathsSettings(Section):
    """Three ways of learning to generate one dimension: no noise, fixed noise, fixed inference."""

    iterations: PositiveInt = Field(default=20_000, description=f"Steps of Adam, a multiple of 100; {OURS}.")
    batch: PositiveInt = Field(default=128, description=f"Points of a step; {OURS}.")
    width: PositiveInt = Field(default=32, description=f"Units of a hidden layer; {OURS}.")
    depth: PositiveInt = Field(default=2, description=f"Hidden layers; {OURS}.")
    learning_rate: PositiveFloat = Field(default=2e-3, description=f"Adam's step size; {OURS}.")
    solver_steps: int = Field(default=64, ge=8, description=f"Fixed steps of a simulated path; {OURS}.")
    noise: PositiveFloat = Field(default=1.0, description=f"Diffusion of the variant whose noise is fixed; {OURS}.")
    paths: int = Field(default=20_000, ge=100, description=f"Generated paths; {OURS}.")


class SwissRollSettings(Section):
    """A spiral in the plane, with a density that quadrature gives."""

    iterations: PositiveInt = Field(default=100_000, description=f"Steps of Adam, a multiple of 100; {NOTEBOOK}.")
    batch: PositiveInt = Field(default=256, description=f"Points of a step; {NOTEBOOK}.")
    width: PositiveInt = Field(default=128, description=f"Units of a hidden layer; {NOTEBOOK}.")
    depth: PositiveInt = Field(default=3, description=f"Hidden layers; {NOTEBOOK}.")
    learning_rate: PositiveFloat = Field(default=1e-3, description=f"Adam's step size; {NOTEBOOK}.")
    average: NonNegativeFloat = Field(
        default=0.999, lt=1, description="Decay of the average of the weights; the released code has none: 0."
    )
    seeds: int = Field(default=10, ge=2, description=f"Trainings with each proposal; {OURS}.")
    points: int = Field(default=4000, ge=50, description=f"Test points; {OURS}.")
    times: int = Field(default=256, ge=8, description=f"Stratified times behind the bound of a point; {OURS}.")


class FamilySettings(Section):
    """Samples of the swiss roll along the family of reverse equations."""

    samples: int = Field(default=100_000, ge=100, description=f"Samples of each member; {NOTEBOOK}.")
    steps: int = Field(default=1000, ge=100, multiple_of=50, description=f"Euler-Maruyama steps; {RELEASED}.")


class SolverSettings(Section):
    """Solvers and adjoints of the likelihood by the probability-flow ODE."""

    points: int = Field(default=256, ge=8, description=f"Test points; {OURS}.")
    gradient_points: int = Field(default=32, ge=4, description=f"Test points behind a gradient; {OURS}.")


class ImageSettings(Section):
    """One set of images, the network trained on it and how."""

    network: Literal["unet", "perceptron"] = Field(default="unet", description="Architecture of the drift.")
    channels: PositiveInt = Field(default=32, description=f"The U-Net's first channels; {RELEASED}.")
    multipliers: tuple[PositiveInt, ...] = Field(
        default=(1, 2, 2), min_length=1, description=f"Multiples of them by resolution, halving; {RELEASED}."
    )
    width: PositiveInt = Field(default=512, description=f"Units of a hidden layer of the perceptron; {OURS}.")
    depth: PositiveInt = Field(default=3, description=f"Hidden layers of the perceptron; {OURS}.")
    train_images: PositiveInt | None = Field(default=None, description="Training subset; None is the whole set.")
    test_images: PositiveInt | None = Field(default=None, description="Test subset; None is the whole set.")
    batch: PositiveInt = Field(default=64, description=f"Images of a step; {RELEASED}.")
    iterations: PositiveInt = Field(default=10_000, description=f"Steps of Adam; {RELEASED}.")
    evaluate_every: PositiveInt = Field(default=500, description=f"Steps between evaluations; {RELEASED}.")
    learning_rate: PositiveFloat = Field(default=1e-4, description=f"Adam's step size; {RELEASED}.")
    average: NonNegativeFloat = Field(
        default=0.999, lt=1, description="Decay of the average of the weights, evaluated beside them; the released: 0."
    )
    flips: bool = Field(default=False, description=f"Random flips of training images; {RELEASED}.")
    seeds: int = Field(default=3, ge=2, description=f"Trainings with each proposal; {OURS}; one is published.")
    times: int = Field(default=16, ge=1, description=f"Stratified times behind the final bound of an image; {OURS}.")
    samples: PositiveInt = Field(default=16, description=f"Images sampled; {RELEASED}.")
    sampling_steps: int = Field(default=1000, ge=10, description=f"Euler-Maruyama steps; {RELEASED}.")

    @model_validator(mode="after")
    def _whole_rounds(self) -> "ImageSettings":
        if self.iterations % self.evaluate_every:
            raise ValueError(
                f"iterations = {self.iterations} must be a multiple of evaluate_every = {self.evaluate_every}"
            )
        if self.network == "unet" and self.channels % 32:
            raise ValueError(f"channels = {self.channels} must be a multiple of the 32 groups of the normalisation")
        return self


class DigitsSettings(ImageSettings):
    """The digits, 8 x 8 pixels of 17 levels, by a perceptron: small enough for a laptop."""

    network: Literal["unet", "perceptron"] = Field(default="perceptron", description="Architecture of the drift.")
    batch: PositiveInt = Field(default=128, description=f"Images of a step; {OURS}.")
    learning_rate: PositiveFloat = Field(default=1e-3, description=f"Adam's step size; {OURS}.")


class Cifar10Settings(ImageSettings):
    """CIFAR-10 as in the released README, for a GPU."""

    channels: PositiveInt = Field(default=128, description=f"The U-Net's first channels; {RELEASED}.")
    multipliers: tuple[PositiveInt, ...] = Field(
        default=(1, 2, 2, 2), min_length=1, description=f"Multiples of them by resolution, halving; {RELEASED}."
    )
    batch: PositiveInt = Field(default=128, description=f"Images of a step; {COMMAND}.")
    iterations: PositiveInt = Field(default=100_000, description=f"Steps of Adam; {COMMAND}.")
    evaluate_every: PositiveInt = Field(default=2000, description=f"Steps between evaluations; {COMMAND}.")
    flips: bool = Field(
        default=True, description=f"Random flips of training images; {RELEASED}, which flips test images too."
    )


class ImagesSettings(Section):
    """Which images are learnt; the digits stand in where nothing may be downloaded."""

    datasets: tuple[DatasetName, ...] = Field(
        default=("digits", "fashion-mnist", "mnist", "cifar-10"), min_length=1, description="Which of those below."
    )
    digits: DigitsSettings = DigitsSettings()
    fashion_mnist: ImageSettings = ImageSettings()
    mnist: ImageSettings = ImageSettings()
    cifar_10: Cifar10Settings = Cifar10Settings()

    @model_validator(mode="after")
    def _once_each(self) -> "ImagesSettings":
        if len(set(self.datasets)) < len(self.datasets):
            raise ValueError(f"datasets = {self.datasets} names one of them twice")
        return self


class DiffusionSettings(Section):
    """The whole study."""

    laboratory: LaboratorySettings = LaboratorySettings()
    generative_paths: GenerativePathsSettings = GenerativePathsSettings()
    swiss_roll: SwissRollSettings = SwissRollSettings()
    family: FamilySettings = FamilySettings()
    solvers: SolverSettings = SolverSettings()
    images: ImagesSettings = ImagesSettings()
