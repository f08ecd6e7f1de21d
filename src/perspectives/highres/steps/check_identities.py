"""Check the exact identities behind the study on random input."""

import jax
import jax.numpy as jnp

from perspectives.highres import identities
from perspectives.highres.problems import planted_logistic
from perspectives.numerics.streams import stream
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

SAMPLES, DIMENSIONS, MU = 100, 5, 0.02
H = 0.3
ITERATIONS = 2000


def check_identities(*, seed: int, measures: Output) -> None:
    """Write the largest relative residual of every identity that must hold exactly."""
    problem = planted_logistic(SAMPLES, DIMENSIONS, MU, key=stream(seed, "highres.identities.problem"))
    x, snapshot = jax.random.normal(stream(seed, "highres.identities.points"), (2, DIMENSIONS))
    found = {
        "euler_lagrange_residual": identities.euler_lagrange_residual(
            problem, jnp.array(H), jnp.array(MU), key=stream(seed, "highres.identities.states")
        ),
        "noise_free_nnag_minus_semi_implicit": identities.noise_free_nnag_minus_semi_implicit(
            problem, 2.0 * jnp.ones(DIMENSIONS), 1 / problem.smoothness, ITERATIONS
        ),
        "svrg_bias": identities.svrg_bias(problem, x, snapshot),
        "convolution_difference": identities.convolution_difference(key=stream(seed, "highres.identities.convolution")),
    }
    write_measures(measures, [Measure(quantity=name, value=float(value)) for name, value in found.items()])
