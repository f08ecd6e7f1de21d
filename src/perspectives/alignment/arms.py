"""The arms of the study: which posteriors are trained, in whose company, and which pairs are aligned."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Literal

from perspectives.alignment.settings import (
    DatasetName,
    LaboratoriesSettings,
    LaboratorySettings,
    NetworkSettings,
    PosteriorSettings,
)

PRIOR_VARIANCE = 2.0
"""Of the reference arm, times fan-in: He et al.'s (2015) initial distribution is then the prior."""
COLD = 0.01
"""Temperature of the second sweep of widths."""
DIVERGENCES = ("mean", "w2")
"""How posteriors are aligned; a point estimate by its means alone."""
REFERENCE_DIVERGENCES = ("mean", "deviation", "w2", "kl")
"""How those of the reference arms are: only there are all divergences compared."""
SHAPES: Mapping[DatasetName, tuple[int, int, int]] = MappingProxyType(
    {"digits": (8, 8, 1), "fashion-mnist": (28, 28, 1), "mnist": (28, 28, 1), "cifar-10": (32, 32, 3)}
)
"""Height, width and channels of the images."""
CLASSES = 10


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way of training, by name, with its members and the pairs of them that are aligned."""

    name: str
    training: PosteriorSettings
    members: int
    pairs: tuple[tuple[int, int], ...]
    role: Literal["reference", "width", "cold", "point", "temperature", "prior", "family", "augmentation"]

    @property
    def divergences(self) -> tuple[str, ...]:
        """The divergences by which this arm's pairs are aligned."""
        if self.training.inference == "map":
            return ("mean",)
        return REFERENCE_DIVERGENCES if self.role == "reference" else DIVERGENCES


def laboratory(settings: LaboratoriesSettings, dataset: DatasetName) -> LaboratorySettings:
    """Return the settings of a data set's laboratory."""
    return getattr(settings, dataset.replace("-", "_"))


def network_name(training: NetworkSettings) -> str:
    """Return a name that arms with the same arrays share."""
    return f"{training.dataset}_w{training.width}"


def arms(settings: LaboratoriesSettings) -> dict[str, Arm]:
    """Return all arms by name, those of each data set in the order of the settings."""
    return {arm.name: arm for dataset in settings.datasets for arm in _of(dataset, laboratory(settings, dataset))}


def _of(dataset: DatasetName, lab: LaboratorySettings) -> Iterator[Arm]:
    def training(**changed: object) -> PosteriorSettings:
        values = {
            "dataset": dataset, "network": lab.network, "depth": lab.depth, "width": lab.reference_width,
            "inference": "vi", "temperature": 1.0, "prior": "fan_in", "prior_variance": PRIOR_VARIANCE,
            "augmentation": False, "train_images": lab.train_images, "epochs": lab.epochs, "batch": lab.batch,
            "learning_rate": lab.learning_rate, "initial_deviation": lab.initial_deviation,
        }  # fmt: skip
        return PosteriorSettings.model_validate(values | changed)

    every = tuple(combinations(range(lab.members), 2))

    def arm(suffix: str, role: str, **changed: object) -> Arm:
        values = training(**changed)
        name = network_name(values) + suffix
        return Arm(name=name, training=values, members=lab.members, pairs=every, role=role)  # type: ignore[arg-type]

    for width in lab.widths:
        if width == lab.reference_width:
            disjoint = tuple((2 * i, 2 * i + 1) for i in range(lab.disjoint_pairs))
            yield Arm(
                name=network_name(training()),
                training=training(),
                members=max(lab.members, 2 * lab.disjoint_pairs),
                pairs=tuple(dict.fromkeys((*every, *disjoint))),
                role="reference",
            )
        else:
            yield arm("", "width", width=width)
    for width in lab.point_widths:
        yield arm("_map", "point", width=width, inference="map")
    for width in lab.cold_widths:
        yield arm(f"_t{COLD:g}", "cold", width=width, temperature=COLD)
    for temperature in lab.temperatures:
        if not (temperature == COLD and lab.reference_width in lab.cold_widths):
            yield arm(f"_t{temperature:g}", "temperature", temperature=temperature)
    for variance in lab.prior_variances:
        yield arm(f"_v{variance:g}", "prior", prior_variance=variance)
    for family in lab.other_priors:
        variance = lab.isotropic_variance if family == "isotropic" else PRIOR_VARIANCE
        yield arm(f"_{family}", "family", prior=family, prior_variance=variance)
    if lab.augmentation:
        yield arm("_augmented", "augmentation", augmentation=True)
