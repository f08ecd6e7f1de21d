"""Check the exact statements behind the study on random input."""

import numpy as np

from perspectives.alignment import identities
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output


def check_identities(*, seed: int, measures: Output) -> None:
    """Write the largest residual, or the number of exceptions, of every statement that must hold exactly."""
    generator = np.random.default_rng(seed)
    distance, height = identities.planted(generator)
    found = {
        "invariance": identities.invariance(generator),
        "invariance_of_mutant": identities.invariance(generator, deviations_too=False),
        "mixture_barrier": identities.mixture_barrier(generator),
        "geodesic": identities.geodesic_error(generator),
        "brute_force_disagreements": identities.brute_force_disagreements(generator),
        "descent_violations": identities.descent_violations(generator),
        "planted_distance": distance,
        "planted_barrier": height,
        "kl_kernel": identities.kl_kernel_error(generator),
        "partition_disagreements": identities.partition_disagreements(),
    }
    write_measures(measures, [Measure(quantity=name, value=float(number)) for name, number in found.items()])
