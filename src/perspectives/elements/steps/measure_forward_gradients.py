"""Measure mean and second moment of forward gradients, and descent by them."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax.scipy.special import logsumexp

from perspectives.elements import forward_gradients
from perspectives.elements.forward_gradients import LAWS
from perspectives.elements.settings import ForwardSettings
from perspectives.numerics.streams import stream
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

COMPANION_CURVATURES = (0.1, 1.0)
COMPANION_START = (-7.0, 3.8)
COMPANION_STEP = 1.6
COMPANION_COUNT = 20
PATHS = {
    "coordinate": COMPANION_STEP,
    "scaled coordinate": COMPANION_STEP,
    "rademacher": COMPANION_STEP / 2,
    "gaussian": COMPANION_STEP / 4,
}
"""Steps on the companion's quadratic: its own, and for the unbiased laws also that over the second moment's factor."""
DIMENSION = 10
PRODUCTS = 1000
"""Jacobian-vector products that a descent of the race in `DIMENSION` dimensions may take."""
RACERS = ("gaussian", "rademacher", "scaled coordinate")
RUNS = 100


def measure_forward_gradients(
    *, settings: ForwardSettings, seed: int, moments: Output, paths: Output, race: Output, measures: Output
) -> None:
    """Write moments of forward gradients by law and dimension, paths on the companion's quadratic, and a race."""
    found: Any = pd.DataFrame([row for d in settings.dimensions for row in _moments(d, settings.draws, seed)])
    found.drop(columns="z").to_csv(moments, index=False)
    rows = [Measure(quantity="companion_step_factor", value=_companion_factor())]
    for law, one in found.groupby("law", sort=False):
        ratio = (one["second_moment"] / one["second_moment_theory"]).to_numpy()
        name = str(law).replace(" ", "_")
        furthest = float(ratio[np.argmax(np.abs(ratio - 1))])
        rows.append(Measure(quantity=f"{name}_moment_over_theory", value=furthest))
        rows.append(Measure(quantity=f"{name}_largest_z", value=float(one["z"].max())))
    losses = _paths(seed)
    losses.to_csv(paths, index=False)
    raced = _race(seed)
    raced.to_csv(race, index=False)
    last = raced[raced["products"] == PRODUCTS].set_index("method")["loss"]
    for method, loss in last.items():
        rows.append(Measure(quantity=f"race_loss_{str(method).replace(' ', '_')}", value=float(loss), seeds=RUNS))
    write_measures(measures, rows)


def _moments(dimension: int, draws: int, seed: int) -> list[dict]:
    """Return a row a law: the mean's component along the gradient, the second moment, and the mean's largest |z|."""
    curvatures = jnp.linspace(0.1, 1, dimension)

    def objective(w: jax.Array) -> jax.Array:
        return jnp.sum(curvatures * w**2) / 2 + logsumexp(w)

    at, of_directions = jax.random.split(stream(seed, f"elements.forward.moments.{dimension}"))
    w = jax.random.normal(at, (dimension,))

    @jax.jit
    def run(w: jax.Array, key: jax.Array) -> tuple:
        return jax.grad(objective)(w), forward_gradients.moments(objective, w, list(LAWS), draws, key=key)

    gradient, found = jax.tree.map(np.asarray, run(w, of_directions))
    square = np.sum(gradient**2)
    rows = []
    for name, mean, error, moment in zip(LAWS, *found, strict=True):
        factor = forward_gradients.mean_factor(name, dimension)
        rows.append(
            {
                "law": name,
                "dimension": dimension,
                "mean": float(mean @ gradient / square),
                "mean_theory": factor,
                "second_moment": float(moment / square),
                "second_moment_theory": forward_gradients.second_moment(name, dimension),
                "z": float(np.abs((mean - factor * gradient) / error).max()),
            }
        )
    return rows


def _companion(w: jax.Array) -> jax.Array:
    return jnp.sum(jnp.array(COMPANION_CURVATURES) * w**2) / 2


def _companion_factor() -> float:
    """Return the mean of the companion's estimate over its two directions, along the gradient and over its length."""

    @jax.jit
    def factor(w: jax.Array) -> jax.Array:
        gradient = jax.grad(_companion)(w)
        mean = jax.vmap(partial(forward_gradients.forward_gradient, _companion, w))(jnp.eye(2)).mean(0)
        return mean @ gradient / (gradient @ gradient)

    return float(factor(jnp.array(COMPANION_START)))


def _paths(seed: int) -> pd.DataFrame:
    """Return the first run's path and the mean loss over runs on the companion's quadratic."""
    start = jnp.array(COMPANION_START)

    @jax.jit
    def run(key: jax.Array) -> dict:
        found = _descents(_companion, start, PATHS, COMPANION_COUNT, key)
        full = forward_gradients.reverse_descend(_companion, start, COMPANION_STEP, COMPANION_COUNT)
        iterates = {"reverse": full[None]} | dict(zip(PATHS, found, strict=True))
        return {name: (w[0], jax.vmap(jax.vmap(_companion))(w).mean(0)) for name, w in iterates.items()}

    tables = []
    for name, (w, loss) in run(stream(seed, "elements.forward.paths")).items():
        step = PATHS.get(name, COMPANION_STEP)
        columns = {"method": name, "step": step, "k": range(len(w)), "w_1": w[:, 0], "w_2": w[:, 1]}
        tables.append(pd.DataFrame(columns | {"mean_loss": loss}))
    return pd.concat(tables)


def _race(seed: int) -> Any:
    """Return mean losses by products taken, in `DIMENSION` dimensions, each law with the step of its best guarantee.

    For an L-smooth f, E f(w - step ghat) <= f - (step - L step^2 m / 2) |g|^2 with m = E|ghat|^2 / |g|^2: best at
    step = 1 / (L m), and then the loss falls m times less than by a full gradient with step 1 / L. A gradient by
    forward mode takes d products; by reverse mode it takes about one product's work.
    """
    curvatures = jnp.geomspace(0.1, 1, DIMENSION)

    def objective(w: jax.Array) -> jax.Array:
        return jnp.sum(curvatures * w**2) / 2

    start = jnp.ones(DIMENSION)
    steps = {name: 1 / forward_gradients.second_moment(name, DIMENSION) for name in RACERS}

    @jax.jit
    def run(key: jax.Array) -> tuple:
        losses = jax.vmap(jax.vmap(jax.vmap(objective)))(_descents(objective, start, steps, PRODUCTS, key)).mean(1)
        full = jax.vmap(objective)(forward_gradients.reverse_descend(objective, start, 1.0, PRODUCTS))
        return losses, full

    losses, full = run(stream(seed, "elements.forward.race"))
    curves = dict(zip(steps, losses, strict=True)) | {
        "reverse": full,
        "full forward": full[: PRODUCTS // DIMENSION + 1],
    }
    tables = []
    for name, loss in curves.items():
        a_step = DIMENSION if name == "full forward" else 1
        tables.append(pd.DataFrame({"method": name, "products": np.arange(len(loss)) * a_step, "loss": loss}))
    return pd.concat(tables)


def _descents(
    objective: forward_gradients.Objective, start: jax.Array, steps: dict[str, float], count: int, key: jax.Array
) -> jax.Array:
    """Return the iterates of `RUNS` descents by each law that `steps` names: (laws, runs, count + 1, dim)."""
    shape = (RUNS, count, start.shape[0])
    directions = jnp.stack([LAWS[law](key, RUNS * count, shape[-1]).reshape(shape) for law in steps])
    descend = partial(forward_gradients.descend, objective, start)
    return jax.vmap(jax.vmap(descend, in_axes=(None, 0)))(jnp.array(list(steps.values())), directions)
