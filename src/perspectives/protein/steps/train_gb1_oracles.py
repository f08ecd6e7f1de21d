"""Fit both oracles of GB1 to its measured fitness, and measure how far they can be trusted."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.numerics.trees import named_arrays
from perspectives.protein.budget import predictions as predicted
from perspectives.protein.landscapes import WILD_TYPE_FITNESS, restored
from perspectives.protein.metrics import rank_correlation
from perspectives.protein.oracles import (
    LEARNING_RATES,
    TEST,
    GlobalEpistasis,
    PerceptronOracle,
    combined,
    explained_variance,
    good_substitutions,
    noise_ceiling,
    trained,
    training_rows,
)
from perspectives.protein.settings import OracleSettings
from perspectives.workbench.arrays import read_groups, write_groups
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Input, Output

MUTATIONS = (2, 3, 4, 6, 8)
GOOD = 100
"""Substitutions that are combined: those fittest on average over their partners."""
COMBINATIONS = 2000
CURVE = 200
"""Points of the nonlinearity that is drawn."""


def train_gb1_oracles(
    *,
    settings: OracleSettings,
    seed: int,
    landscape: Input,
    oracles: Output,
    predictions: Output,
    measures: Output,
    progress: Progress,
) -> None:
    """Write both oracles, what they predict for the test split, and their agreement where nothing is measured."""
    found = restored(read_groups(landscape)["gb1"])
    rows = training_rows(found)
    keys = jax.random.split(stream(seed, "protein/gb1 oracles"), 4)
    arms = {
        "epistasis": (GlobalEpistasis(len(found.wild_type)), settings.epistasis_batch, settings.epistasis_steps),
        "perceptron": (PerceptronOracle(found.wild_type, key=keys[0]), settings.batch, settings.steps),
    }
    models = {
        name: trained(
            model, rows, batch=batch, steps=steps, learning_rate=LEARNING_RATES[name], progress=progress, key=key
        )
        for (name, (model, batch, steps)), key in zip(arms.items(), keys[1:3], strict=True)
    }
    write_groups(oracles, {name: named_arrays(model) for name, model in models.items()})

    deep = found.taken(found.deep)
    test = deep.taken(np.flatnonzero(deep.split == TEST))
    substitutions = jnp.asarray(test.substitutions)
    of_test = {
        name: np.asarray(eqx.filter_jit(type(model).of_doubles)(model, substitutions), np.float64)
        for name, model in models.items()
    }
    phenotype = np.asarray(models["epistasis"].phenotype(substitutions))
    curve = np.linspace(phenotype.min(), phenotype.max(), CURVE, dtype=np.float32)
    drawn = {
        "test": {"measured": test.clipped, "phenotype": phenotype, **of_test},
        "nonlinearity": {"phenotype": curve, "fitness": np.asarray(models["epistasis"].response(jnp.asarray(curve)))},
    }
    write_groups(predictions, drawn)

    wild_type = [abs(float(model.of_wild_type()) - WILD_TYPE_FITNESS) for model in models.values()]
    values = {"largest_wild_type_error": max(wild_type), "noise_ceiling": noise_ceiling(test)}
    for name, prediction in of_test.items():
        values[f"{name}_rank_correlation"] = rank_correlation(test.clipped, prediction)
        values[f"{name}_r2"] = explained_variance(test.clipped, prediction)
    good = good_substitutions(found, GOOD)
    for number in MUTATIONS:
        key = jax.random.fold_in(keys[3], number)
        tokens = combined(found.wild_type, good, number, COMBINATIONS, key=key)
        one, other = (predicted(model, tokens) for model in models.values())
        values[f"agreement_{number}"] = rank_correlation(one, other)
        values[f"difference_{number}"] = np.median(np.abs(one - other))
    write_measures(measures, [Measure(quantity=name, value=float(value)) for name, value in values.items()])
