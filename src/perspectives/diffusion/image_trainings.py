"""Which trainings on images there are, and in what order their files are named."""

from typing import NamedTuple, get_args

from perspectives.diffusion.settings import DatasetName, ImageSettings, ImagesSettings, ProposalName

PROPOSAL_NAMES: tuple[ProposalName, ...] = get_args(ProposalName)


class ImageTraining(NamedTuple):
    """One training; those of one data set and number share their random numbers."""

    dataset: DatasetName
    proposal: ProposalName
    member: int


def settings_of(images: ImagesSettings, dataset: DatasetName) -> ImageSettings:
    """Return the settings of one data set."""
    return getattr(images, dataset.replace("-", "_"))


def trainings(images: ImagesSettings) -> list[ImageTraining]:
    """Return all trainings, by data set, then proposal."""
    return [
        ImageTraining(dataset, proposal, member)
        for dataset in images.datasets
        for proposal in PROPOSAL_NAMES
        for member in range(settings_of(images, dataset).seeds)
    ]
