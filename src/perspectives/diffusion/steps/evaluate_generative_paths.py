"""Evaluate the three ways to generate two modes on the line by the likelihood or the bound that each has."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from perspectives.diffusion.bounds import elbo
from perspectives.diffusion.generative_paths import VARIANTS, flow_log_likelihoods, simulated_elbos, trained
from perspectives.diffusion.likelihood import flow_log_likelihood
from perspectives.diffusion.mixtures import two_modes
from perspectives.diffusion.networks import DriftScore
from perspectives.diffusion.sde import VariancePreserving
from perspectives.diffusion.settings import GenerativePathsSettings
from perspectives.numerics.streams import stream
from perspectives.workbench.arrays import read_groups
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output
from perspectives.workbench.tables import write_rows

FINER = 4
"""Steps of an evaluation for one of training: a trained network may have learnt to suit coarse ones."""
TIMES = 32
"""Stratified times behind a bound in closed form."""


def evaluate_generative_paths(
    *, settings: GenerativePathsSettings, seed: int, weights: list[Input], table: Output, measures: Output
) -> None:
    """Write the mean log density of fresh points less what each variant reaches, in nats, with standard errors.

    What it reaches is exact for the neural ODE, the simulated ELBO for fixed noise, and for fixed inference both the
    ELBO of the reverse SDE and the likelihood by its ODE.
    """
    saved = {variant: arrays for path in weights for variant, arrays in read_groups(path).items()}
    point_key, path_key, time_key = jax.random.split(stream(seed, "diffusion/generative_paths/evaluation"), 3)
    x = two_modes().sample(settings.paths, key=point_key)
    truth = jax.vmap(two_modes().log_density)(x)
    x = x.astype(jnp.float32)
    sde, steps = VariancePreserving(), FINER * settings.solver_steps

    @eqx.filter_jit
    def reached(models: dict[str, Any]) -> dict[str, Any]:
        score = DriftScore(models["fixed_inference"], sde)
        keys = jax.random.split(time_key, len(x))
        closed = lambda now: elbo(sde, score, now[0], times=TIMES, key=now[1])  # noqa: E731
        flow = lambda x: flow_log_likelihood(sde, score, x).log_likelihood  # noqa: E731
        return {
            "no_noise": flow_log_likelihoods(models["no_noise"], x, steps=steps),
            "fixed_noise": simulated_elbos(models["fixed_noise"], settings.noise, x, steps=steps, key=path_key),
            "fixed_inference": jax.lax.map(closed, (x, keys), batch_size=100),
            "fixed_inference_flow": jax.lax.map(flow, x, batch_size=1000),
        }

    width, depth = settings.width, settings.depth
    found = reached({variant: trained(variant, width, depth, saved[variant]) for variant in VARIANTS})
    gaps = {name: np.asarray(truth) - np.asarray(values, float) for name, values in found.items()}
    mean = float(truth.mean())
    rows = [
        {
            "variant": name,
            "truth": mean,
            "reached": mean - float(gap.mean()),
            "gap": float(gap.mean()),
            "standard_error": float(gap.std(ddof=1) / len(gap) ** 0.5),
        }
        for name, gap in gaps.items()
    ]
    write_rows(table, rows, digits=9)
    write_measures(measures, [Measure(quantity=f"{name}_gap", value=float(gap.mean())) for name, gap in gaps.items()])
