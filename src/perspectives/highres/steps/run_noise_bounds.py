"""Run NNAG (29) and (31) on a noisy quadratic, for all seeds."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from perspectives.highres.bounds import smallest_consistent_start
from perspectives.highres.noisy_quadratic import Descent, descend, noisy_quadratic
from perspectives.highres.schemes import schedule
from perspectives.highres.settings import NoiseBoundSettings
from perspectives.numerics.progress import Progress
from perspectives.numerics.streams import stream
from perspectives.workbench.step import Output

POINTS_PER_DECADE = 50


def run_noise_bounds(*, settings: NoiseBoundSettings, seed: int, runs: Output, progress: Progress) -> None:
    """Write gap, smallest squared gradient and |v_k - x*|^2 at log-spaced k, seed by seed, for both schemes."""
    f = noisy_quadratic(settings.dimensions)
    smoothness = float(f.smoothness)
    s, t = schedule(smoothness**-0.5, settings.iterations)
    decades = np.log10(settings.iterations)
    spaced = np.round(np.logspace(0, decades, round(POINTS_PER_DECADE * decades) + 1)).astype(int)
    k = np.union1d(spaced, smallest_consistent_start(settings.beta))  # bound (30) needs the Lyapunov function there
    keys = jax.random.split(stream(seed, "highres.noise_bounds"), settings.seeds)

    @partial(jax.jit, static_argnums=1)
    def run(keys: Key[Array, "seeds"], beta: float | None) -> Descent:
        descents = jax.vmap(lambda key: descend(f, jnp.asarray(s), jnp.asarray(t), beta=beta, key=key))(keys)
        # Only log-spaced entries leave the compiled function.
        return jax.tree.map(lambda part: part[:, k - 1], descents)

    found = {}
    for done, (name, beta) in enumerate({"29": settings.beta, "31": None}.items()):
        progress(done, 2)
        for part, values in run(keys, beta)._asdict().items():
            found[f"{part}_{name}"] = np.asarray(values)
    progress(2, 2)
    np.savez(runs, k=k, t=t[k - 1], smoothness=smoothness, dimensions=settings.dimensions, **found)
