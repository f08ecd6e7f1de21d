"""Published fitness, diversity and novelty of designs, and how each number is known.

No number of the VLGPO paper was read in the paper itself. STATED values stand in tables of other papers: of Kirjner et
al. 2024 (arXiv:2307.00494), and in a later paper's table of AAV, which quotes VLGPO and its competitors. RECALLED ones
are from memory. Methods that are not run here are quoted. Standard deviations of fitness are 0.0 to 0.1 throughout.
"""

from typing import NamedTuple

from perspectives.protein.settings import PredictorName, TaskName


class PublishedScore(NamedTuple):
    """Scaled median fitness, diversity and novelty of a method on a task; `method` is ours where we run it."""

    task: TaskName
    name: str
    method: str | None
    predictor: PredictorName
    fitness: float
    diversity: float
    novelty: float
    recalled: bool = False


def _both(
    landscape: str,
    name: str,
    method: str | None,
    medium: tuple[float, float, float],
    hard: tuple[float, float, float],
    predictor: PredictorName = "unsmoothed",
) -> tuple[PublishedScore, PublishedScore]:
    names: dict[str, tuple[TaskName, TaskName]] = {
        "aav": ("aav_medium", "aav_hard"),
        "gfp": ("gfp_medium", "gfp_hard"),
    }
    first, second = names[landscape]
    return (
        PublishedScore(first, name, method, predictor, *medium),
        PublishedScore(second, name, method, predictor, *hard),
    )


PUBLISHED_SCORES = (
    *_both("aav", "GFN-AL", None, (0.20, 9.6, 19.4), (0.10, 11.6, 19.6)),
    *_both("aav", "CbAS", "cbas", (0.43, 12.7, 7.2), (0.36, 14.4, 8.6)),
    *_both("aav", "AdaLead", "evolution", (0.46, 8.5, 2.8), (0.40, 8.53, 3.4)),
    *_both("aav", "BO-qei", None, (0.38, 15.22, 0.0), (0.32, 17.9, 0.0)),
    *_both("aav", "CoMS", None, (0.37, 10.1, 8.2), (0.26, 10.7, 10.0)),
    *_both("aav", "PEX", "frontier", (0.40, 2.8, 1.4), (0.30, 2.8, 1.3)),
    *_both("aav", "GWG", "gibbs", (0.43, 6.6, 7.7), (0.33, 12.0, 12.2)),
    *_both("aav", "GGS", "gibbs", (0.51, 4.0, 5.4), (0.60, 4.5, 7.0), "smoothed"),
    *_both("aav", "CbAS + GS", "cbas", (0.47, 8.8, 5.3), (0.40, 12.5, 7.0), "smoothed"),
    *_both("aav", "AdaLead + GS", "evolution", (0.43, 3.77, 2.0), (0.44, 2.9, 2.0), "smoothed"),
    *_both("aav", "LatProtRL", None, (0.57, 3.0, 5.0), (0.57, 3.0, 5.0)),
    *_both("aav", "gg-dWJS", None, (0.48, 9.48, 4.2), (0.33, 14.3, 5.3)),
    PublishedScore("aav_medium", "VLGPO", "guided", "unsmoothed", 0.58, 5.58, 5.0),
    PublishedScore("aav_hard", "VLGPO", "guided", "smoothed", 0.61, 4.29, 6.2),
    PublishedScore("aav_medium", "VLGPO", "guided", "smoothed", 0.53, 4.96, 5.0, recalled=True),
    PublishedScore("aav_hard", "VLGPO", "guided", "unsmoothed", 0.61, 8.44, 7.8, recalled=True),
    *_both("gfp", "GFN-AL", None, (0.09, 25.1, 213.0), (0.10, 23.6, 214.0)),
    *_both("gfp", "CbAS", "cbas", (0.14, 9.7, 7.2), (0.18, 9.6, 7.8)),
    *_both("gfp", "AdaLead", "evolution", (0.56, 3.5, 2.0), (0.18, 5.6, 2.8)),
    *_both("gfp", "BO-qei", None, (0.20, 19.3, 0.0), (0.0, 94.6, 54.1)),
    *_both("gfp", "CoMS", None, (0.0, 133.0, 192.0), (0.0, 144.0, 201.0)),
    *_both("gfp", "PEX", "frontier", (0.47, 3.0, 1.4), (0.0, 3.0, 1.3)),
    *_both("gfp", "GWG", "gibbs", (0.10, 33.0, 12.8), (0.0, 4.2, 7.6)),
    *_both("gfp", "GGS", "gibbs", (0.76, 3.7, 5.0), (0.74, 3.6, 8.0), "smoothed"),
    *_both("gfp", "CbAS + GS", "cbas", (0.66, 3.8, 5.0), (0.57, 4.2, 6.3), "smoothed"),
    *_both("gfp", "AdaLead + GS", "evolution", (0.59, 5.5, 2.0), (0.39, 3.5, 2.0), "smoothed"),
    PublishedScore("gfp_medium", "VLGPO", "guided", "smoothed", 0.87, 4.31, 6.0, recalled=True),
    PublishedScore("gfp_hard", "VLGPO", "guided", "smoothed", 0.75, 3.1, 6.0, recalled=True),
)
