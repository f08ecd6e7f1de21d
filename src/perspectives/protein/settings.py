"""Settings of the protein study. Presets only shrink or enlarge.

Where the authors' released code or checkpoints fix a value, that is the default. The paper's text was not at hand.
"""

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from perspectives.workbench.settings import Section

TaskName = Literal["gb1_default", "gb1_medium", "gb1_hard", "aav_medium", "aav_hard", "gfp_medium", "gfp_hard"]
SourceName = Literal["own", "released"]
PredictorName = Literal["unsmoothed", "smoothed"]
TimeIndex = Literal["old", "new"]
CHECKPOINT = "read off the released checkpoints"
RELEASED = "the released code's value"
RECALLED = "recalled from the paper, unverified"
GRAPH = "stated by Kirjner et al. 2024 or in their released code"
OURS = "our choice; the paper's value was not retrieved"


class AutoencoderSettings(Section):
    """The variational autoencoder of sequences and its training."""

    network: Literal["convolutions", "perceptron"] = Field(default="convolutions", description="Architecture.")
    latent: PositiveInt = Field(default=16, description=f"Dimensions of the latent space; {CHECKPOINT}.")
    divergence_weight: NonNegativeFloat = Field(
        default=0.01, description=f"beta: of the KL divergence beside the mean cross-entropy of a token; {RECALLED}."
    )
    batch: PositiveInt = Field(default=1024, description=f"Sequences of a step; {CHECKPOINT}, inferred.")
    steps: PositiveInt = Field(default=2800, description=f"Steps of AdamW; {CHECKPOINT}.")
    learning_rate: PositiveFloat = Field(default=1e-3, description=f"AdamW's step size; {CHECKPOINT}.")
    weight_decay: NonNegativeFloat = Field(default=0.01, description=f"AdamW's decay; {CHECKPOINT}.")


class PriorSettings(Section):
    """The flow-matching prior of latent codes and its training."""

    network: Literal["unet", "perceptron"] = Field(default="unet", description="Architecture of the velocity.")
    width: PositiveInt = Field(default=256, description=f"Units of a hidden layer of the perceptron; {OURS}.")
    depth: PositiveInt = Field(default=3, description=f"Hidden layers of the perceptron; {OURS}.")
    codes: Literal["draw", "mean"] = Field(
        default="draw", description=f"Whether the flow ends at posterior draws or means; {OURS}."
    )
    batch: PositiveInt = Field(default=1024, description=f"Codes of a step; {CHECKPOINT}, inferred.")
    steps: PositiveInt = Field(default=3000, description=f"Steps of AdamW; {CHECKPOINT}.")
    learning_rate: PositiveFloat = Field(default=5e-5, description=f"AdamW's step size; {CHECKPOINT}.")
    weight_decay: NonNegativeFloat = Field(default=0.01, description=f"AdamW's decay; {CHECKPOINT}.")


class FitSettings(Section):
    """What is fitted to measured fitness and guides the search."""

    kind: Literal["convolutions", "ridge"] = Field(default="convolutions", description="Architecture.")
    penalty: PositiveFloat = Field(default=1.0, description=f"Of squared weights of the ridge; {OURS}.")
    batch: PositiveInt = Field(default=1024, description=f"Sequences of a step; {GRAPH}.")
    epochs: PositiveInt = Field(default=100, description=f"Passes over the base set's number of rows; {GRAPH}.")
    learning_rate: PositiveFloat = Field(default=1e-4, description=f"Adam's step size; {GRAPH}.")
    weight_decay: NonNegativeFloat = Field(
        default=1e-4, description=f"Of the weights, added to the gradient before Adam; {GRAPH}."
    )


class PredictorSettings(FitSettings):
    """What is fitted to the base set and guides the search."""

    anchor: PositiveFloat = Field(
        default=200.0, description=f"Rows' worth of weight of the wild type's value, known to the ridge; {OURS}."
    )


class SmoothingSettings(Section):
    """Graph-based smoothing of the predictor."""

    nodes: int = Field(default=250_000, ge=100, description=f"Sequences of the graph; {GRAPH}.")
    weight: PositiveFloat = Field(default=1.0, description=f"gamma: of roughness against fidelity; {GRAPH}.")


class GuidanceStrength(Section):
    """How strongly a predictor guides."""

    strength: NonNegativeFloat = Field(description="alpha, K times the paper's, of a gradient step.")
    inner: int = Field(ge=0, description="J: gradient steps after each step of the prior.")


class Selection(Section):
    """How many samples are drawn, and how many of them are handed over."""

    samples: PositiveInt = Field(default=512, description=f"Designs before selection; {RELEASED}.")
    keep: PositiveInt = Field(default=128, description=f"Designs after selection, at most; {RELEASED}.")

    @model_validator(mode="after")
    def _keep_some(self) -> "Selection":
        if self.keep > self.samples:
            raise ValueError(f"keep = {self.keep} must not exceed samples = {self.samples}")
        return self


class SamplingSettings(Selection):
    """Samples of the prior and of the guided posterior."""

    steps: PositiveInt = Field(default=32, description=f"K: Euler steps of the prior; {RELEASED}.")
    time_index: TimeIndex = Field(
        default="old", description=f"Time of the velocity in the end-point estimate; {RELEASED}: 'old'."
    )
    unsmoothed: GuidanceStrength = GuidanceStrength(strength=34, inner=39)
    smoothed: GuidanceStrength = GuidanceStrength(strength=10, inner=20)
    strengths: tuple[NonNegativeFloat, ...] = Field(
        default=(), description=f"Values of alpha on the map of alpha and J; {OURS}."
    )
    inners: tuple[PositiveInt, ...] = Field(default=(), description=f"Values of J on it; {OURS}.")
    step_counts: tuple[PositiveInt, ...] = Field(default=(), description=f"Values of K compared; {OURS}.")


class SearchSettings(Section):
    """Methods that search in sequences, all with one budget of predictor calls."""

    calls: int = Field(default=20_000, ge=100, description=f"Sequences that a method may have predicted; {OURS}.")
    rounds: PositiveInt = Field(default=10, description=f"Rounds over which the calls are divided; {OURS}.")
    threshold: NonNegativeFloat = Field(
        default=0.05, description="kappa: how far below the best a parent may be; AdaLead's default."
    )
    recombination: NonNegativeFloat = Field(default=0.2, le=1, description="Rate per position; AdaLead's default.")
    temperature: PositiveFloat = Field(default=0.1, description=f"Of Gibbs with gradients; {GRAPH}.")
    clusters: PositiveInt = Field(default=128, description=f"Chains kept after each round of it; {GRAPH}.")
    refits: NonNegativeInt = Field(
        default=10, description="Weighted refits of the autoencoder in CbAS, for a GPU; 0 leaves it out."
    )
    mutations: PositiveInt | None = Field(
        default=None, description="Most mutations from the wild type that a method may propose; None is any number."
    )


class TaskSettings(Section):
    """One base set and all that is done with it. Defaults are those of AAV."""

    rows: PositiveInt | None = Field(default=None, description="Rows drawn from the pool; None is all of it.")
    seeds: int = Field(default=5, ge=1, description=f"Of training and sampling; {RELEASED}, which only samples anew.")
    sources: tuple[SourceName, ...] = Field(
        default=("own", "released"), min_length=1, description="Models trained here, and the authors'."
    )
    predictors: tuple[PredictorName, ...] = Field(
        default=("unsmoothed", "smoothed"), min_length=1, description="Which predictors guide."
    )
    autoencoder: AutoencoderSettings = AutoencoderSettings()
    prior: PriorSettings = PriorSettings()
    predictor: PredictorSettings = PredictorSettings()
    smoothing: SmoothingSettings = SmoothingSettings()
    sampling: SamplingSettings = SamplingSettings()
    search: SearchSettings = SearchSettings()


# A section of its own for every task, since what a user sets inside one replaces the section's other defaults.


class Gb1Autoencoder(AutoencoderSettings):
    """A perceptron of 642,956 parameters."""

    network: Literal["convolutions", "perceptron"] = Field(default="perceptron", description="Architecture.")
    latent: PositiveInt = Field(default=32, description=f"Dimensions of the latent space; {OURS}.")
    divergence_weight: NonNegativeFloat = Field(default=3e-4, description=f"beta; {OURS}.")
    batch: PositiveInt = Field(default=128, description=f"Sequences of a step; {OURS}.")
    steps: PositiveInt = Field(default=2000, description=f"Steps of AdamW; {OURS}.")


class Gb1Prior(PriorSettings):
    """A perceptron."""

    network: Literal["unet", "perceptron"] = Field(default="perceptron", description="Architecture.")
    batch: PositiveInt = Field(default=512, description=f"Codes of a step; {OURS}.")
    steps: PositiveInt = Field(default=2000, description=f"Steps of AdamW; {OURS}.")
    learning_rate: PositiveFloat = Field(default=1e-3, description=f"AdamW's step size; {OURS}.")


class Gb1Predictor(PredictorSettings):
    """A ridge regression on the substitutions of the base set."""

    kind: Literal["convolutions", "ridge"] = Field(default="ridge", description="Architecture.")


class Gb1Smoothing(SmoothingSettings):
    """A graph for a laptop."""

    nodes: int = Field(default=4000, ge=100, description=f"Sequences of the graph; {OURS}.")


class Gb1Sampling(SamplingSettings):
    """Half of AAV's samples, selected as strictly."""

    samples: PositiveInt = Field(default=256, description=f"Designs before selection; {OURS}.")
    keep: PositiveInt = Field(default=64, description=f"Designs after selection; {OURS}.")
    unsmoothed: GuidanceStrength = GuidanceStrength(strength=10, inner=20)


class Gb1Search(SearchSettings):
    """Designs as near to the wild type as the measured rows, where the oracles can be trusted."""

    mutations: PositiveInt | None = Field(default=2, description=f"Most mutations from the wild type; {OURS}.")
    refits: NonNegativeInt = Field(
        default=0, description="Weighted refits of the autoencoder in CbAS; 0 leaves it out."
    )


class Gb1TaskSettings(TaskSettings):
    """GB1, with models small enough for a laptop; no value of these is published."""

    rows: PositiveInt | None = Field(default=2000, description=f"Rows drawn from the pool by seed; {OURS}.")
    seeds: int = Field(default=2, ge=1, description=f"Of base set, training and sampling; {OURS}.")
    sources: tuple[SourceName, ...] = Field(default=("own",), min_length=1, description="Nothing is released for it.")
    predictors: tuple[PredictorName, ...] = Field(default=("unsmoothed",), min_length=1, description="Which guide.")
    autoencoder: Gb1Autoencoder = Gb1Autoencoder()
    prior: Gb1Prior = Gb1Prior()
    predictor: Gb1Predictor = Gb1Predictor()
    smoothing: Gb1Smoothing = Gb1Smoothing()
    sampling: Gb1Sampling = Gb1Sampling()
    search: Gb1Search = Gb1Search()


class AavHardAutoencoder(AutoencoderSettings):
    """That of AAV, hard."""

    steps: PositiveInt = Field(default=4000, description=f"Steps of AdamW; {CHECKPOINT}.")


class AavHardPrior(PriorSettings):
    """That of AAV, hard."""

    steps: PositiveInt = Field(default=4000, description=f"Steps of AdamW; {CHECKPOINT}.")


class AavHardSampling(SamplingSettings):
    """That of AAV, hard."""

    unsmoothed: GuidanceStrength = GuidanceStrength(strength=38, inner=19)


class AavHardSettings(TaskSettings):
    """AAV, hard."""

    autoencoder: AavHardAutoencoder = AavHardAutoencoder()
    prior: AavHardPrior = AavHardPrior()
    sampling: AavHardSampling = AavHardSampling()


class GfpMediumAutoencoder(AutoencoderSettings):
    """That of GFP, medium."""

    latent: PositiveInt = Field(default=32, description=f"Dimensions of the latent space; {CHECKPOINT}.")
    divergence_weight: NonNegativeFloat = Field(default=0.001, description=f"beta; {RECALLED}.")
    batch: PositiveInt = Field(default=128, description=f"Sequences of a step; {CHECKPOINT}, inferred.")
    steps: PositiveInt = Field(default=20_000, description=f"Steps of AdamW; {CHECKPOINT}.")


class GfpMediumSampling(SamplingSettings):
    """That of GFP, medium."""

    unsmoothed: GuidanceStrength = GuidanceStrength(strength=18, inner=37)
    smoothed: GuidanceStrength = GuidanceStrength(strength=0.5, inner=5)


class GfpMediumSettings(TaskSettings):
    """GFP, medium."""

    autoencoder: GfpMediumAutoencoder = GfpMediumAutoencoder()
    sampling: GfpMediumSampling = GfpMediumSampling()


class GfpHardAutoencoder(AutoencoderSettings):
    """That of GFP, hard."""

    latent: PositiveInt = Field(default=32, description=f"Dimensions of the latent space; {CHECKPOINT}.")
    divergence_weight: NonNegativeFloat = Field(default=0.001, description=f"beta; {RECALLED}.")
    steps: PositiveInt = Field(default=3000, description=f"Steps of AdamW; {CHECKPOINT}.")


class GfpHardSampling(SamplingSettings):
    """That of GFP, hard."""

    unsmoothed: GuidanceStrength = GuidanceStrength(strength=0.5, inner=5)
    smoothed: GuidanceStrength = GuidanceStrength(strength=0.5, inner=5)


class GfpHardSettings(TaskSettings):
    """GFP, hard."""

    autoencoder: GfpHardAutoencoder = GfpHardAutoencoder()
    sampling: GfpHardSampling = GfpHardSampling()


class ProposalSampling(Selection):
    """Guided samples for data of one's own. How strongly to guide is a matter of the data: start from the defaults."""

    steps: PositiveInt = Field(default=32, description=f"K: Euler steps of the prior; {RELEASED}.")
    time_index: TimeIndex = Field(
        default="old", description=f"Time of the velocity in the end-point estimate; {RELEASED}: 'old'."
    )
    strength: NonNegativeFloat = Field(
        default=34.0,
        description="alpha, K times the paper's, of a gradient step: that of AAV, medium, without smoothing, as here. "
        "Raise it when too few designs are new or fit, lower it when they are too much alike.",
    )
    inner: NonNegativeInt = Field(
        default=39,
        description="J: gradient steps after each step of the prior; as strength, of which it is a multiple.",
    )


class ProposalSettings(Section):
    """Models of one's own data and samples of them. Defaults are the published networks and sizes, for a GPU."""

    autoencoder: AutoencoderSettings = AutoencoderSettings()
    prior: PriorSettings = PriorSettings()
    predictor: FitSettings = FitSettings()
    sampling: ProposalSampling = ProposalSampling()


class OracleSettings(Section):
    """Networks fitted to all measured fitness, which judge designs; the released ones judge AAV and GFP."""

    batch: PositiveInt = Field(default=2048, description=f"Sequences of a step; {OURS}.")
    steps: PositiveInt = Field(default=4000, description=f"Steps of Adam for GB1's perceptron; {OURS}.")
    epistasis_batch: PositiveInt = Field(default=4096, description=f"Sequences of a step, additive oracle; {OURS}.")
    epistasis_steps: PositiveInt = Field(default=2000, description=f"Steps of Adam for the additive oracle; {OURS}.")
    from_scratch: bool = Field(default=True, description="Whether an oracle of AAV is trained here, beside that given.")
    epochs: PositiveInt = Field(default=2000, description=f"Of that training; {GRAPH}.")


class ProteinSettings(Section):
    """The whole study."""

    tasks: tuple[TaskName, ...] = Field(
        default=("gb1_default", "gb1_medium", "gb1_hard", "aav_medium", "aav_hard", "gfp_medium", "gfp_hard"),
        min_length=1,
        description="Which of those below.",
    )
    oracles: OracleSettings = OracleSettings()
    gb1_default: Gb1TaskSettings = Gb1TaskSettings()
    gb1_medium: Gb1TaskSettings = Gb1TaskSettings()
    gb1_hard: Gb1TaskSettings = Gb1TaskSettings()
    aav_medium: TaskSettings = TaskSettings()
    aav_hard: AavHardSettings = AavHardSettings()
    gfp_medium: GfpMediumSettings = GfpMediumSettings()
    gfp_hard: GfpHardSettings = GfpHardSettings()

    @model_validator(mode="after")
    def _once_each(self) -> "ProteinSettings":
        if len(set(self.tasks)) < len(self.tasks):
            raise ValueError(f"tasks = {self.tasks} names one of them twice")
        if "gb1_default" not in self.tasks:
            raise ValueError(f"tasks = {self.tasks} must have gb1_default, which the laws are about")
        return self
