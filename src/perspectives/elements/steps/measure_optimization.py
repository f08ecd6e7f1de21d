"""Measure rates of convergence on a quadratic, progress ratios, and the gap of Pinsker's inequality."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from perspectives.elements import divergences, rates
from perspectives.elements.entropies import simplex_lattice
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

COUNT = 400
COMPANION = ((0.5, 0.0), (1.8, 0.0), (1.8, 0.2))
"""(step, momentum) of the companion code's three figures."""
COMPARED = (*COMPANION, (2.05, 0.0), (rates.BEST_STEP, 0.0))
"""And one step beyond the limit, and the best one."""
MOMENTA = (0.0, 0.2, 0.5)
SWEEP = np.linspace(0.1, 3.1, 61)
ERROR = 1e-8
PROGRESS_AT = 1e4


def measure_optimization(
    *, trajectories: Output, sweep: Output, errors: Output, progress_ratios: Output, pinsker: Output, measures: Output
) -> None:
    """Write iterates, rates by step and momentum, errors by gradients taken, progress ratios and Pinsker gaps."""
    swept = [(step, momentum) for momentum in MOMENTA for step in SWEEP]

    @jax.jit
    def run(steps: jax.Array, momenta: jax.Array) -> tuple:
        iterates = jax.vmap(lambda step, momentum: rates.descend(step, momentum, COUNT))(steps, momenta)
        newton = rates.newton(lambda w: jnp.exp(w) - w, 1.0, 5)
        return iterates, rates.limited_memory(20), newton, rates.quartic_descent(1.0, 0.5, 100)

    iterates, searched, newton, quartic = jax.tree.map(np.asarray, run(*jnp.array([*COMPARED, *swept]).T))
    distances = np.linalg.norm(iterates, axis=-1)
    radius = np.array([rates.spectral_radius(step, momentum) for step, momentum in (*COMPARED, *swept)])
    measured = np.array([rates.measured_rate(one) for one in distances])
    difference = np.abs(measured - radius)
    first = len(COMPARED)
    rows = [
        Measure(quantity="largest_rate_difference", value=float(difference[:first].max())),
        Measure(quantity="largest_rate_difference_of_sweep", value=float(difference[first:].max())),
    ]
    for (step, momentum), one in zip(COMPARED, measured[:first], strict=True):
        rows.append(Measure(quantity=f"rate_step_{step:.3g}_momentum_{momentum:g}", value=float(one)))
    table = pd.DataFrame(swept, columns=["step", "momentum"])
    table.assign(measured=measured[first:], radius=radius[first:]).to_csv(sweep, index=False)
    pd.concat([_iterates(*of, one) for of, one in zip(COMPANION, iterates, strict=False)]).to_csv(
        trajectories, index=False
    )

    best = distances[COMPARED.index((rates.BEST_STEP, 0.0))]
    curves = {
        f"step {step:.3g}, momentum {momentum:g}": (np.arange(COUNT + 1), one)
        for (step, momentum), one in zip(COMPARED, distances, strict=False)
    }
    curves["L-BFGS"] = (searched.gradients, np.linalg.norm(searched.iterates, axis=-1))
    pd.concat(
        [pd.DataFrame({"method": name, "gradients": n, "error": error}) for name, (n, error) in curves.items()]
    ).to_csv(errors, index=False)
    needed = int(searched.gradients[np.argmax(curves["L-BFGS"][1] <= ERROR)])
    by_descent = int(np.argmax(best <= ERROR))
    rows += [
        Measure(quantity="lbfgs_gradients", value=float(needed)),
        Measure(quantity="gradient_descent_gradients", value=float(by_descent)),
        Measure(quantity="lbfgs_over_gradient_descent", value=needed / by_descent),
    ]

    far = np.array([PROGRESS_AT])
    off = [abs(float(rate.progress(far)[0]) - rate.limit) for rate in rates.RATES.values()]
    rows.append(Measure(quantity="largest_progress_difference", value=max(off)))
    with np.errstate(invalid="ignore"):
        underflown = np.exp(rates.RATES["exp(-t^2)"].logarithm(np.arange(1.0, 100.0)))
        undefined = int(np.isnan(underflown[1:] / underflown[:-1]).sum())
    rows.append(Measure(quantity="companion_undefined_ratios", value=float(undefined)))
    _progress(newton, quartic, best).to_csv(progress_ratios, index=False)

    rows += _pinsker(pinsker)
    write_measures(measures, rows)


def _iterates(step: float, momentum: float, w: np.ndarray) -> pd.DataFrame:
    """Return the start and the first five iterates with their values, as the companion code draws them."""
    value = jax.vmap(rates.quadratic)(jnp.asarray(w[:6]))
    return pd.DataFrame(
        {"step": step, "momentum": momentum, "k": range(6), "w_1": w[:6, 0], "w_2": w[:6, 1], "value": value}
    )


def _progress(newton: np.ndarray, quartic: np.ndarray, best: np.ndarray) -> pd.DataFrame:
    """Return R(t) and its progress ratio: of the five closed forms for t = 1 ... 99, and of three methods' errors."""
    t = np.arange(1.0, 100.0)
    tables = []
    for name, rate in rates.RATES.items():
        ratio = np.concatenate([[np.nan], rate.progress(t[1:])])
        tables.append(pd.DataFrame({"rate": name, "t": t, "log10": rate.logarithm(t) / np.log(10), "ratio": ratio}))
    errors = {
        "gradient descent on w^4/4": np.concatenate([[1.0], quartic]),
        "gradient descent, best step": best[:100],
        "Newton on exp(w) - w": np.concatenate([[1.0], newton]),
    }
    for name, error in errors.items():
        error = error[error > 1e-12]  # below, Newton's iterates are rounding
        ratio = np.concatenate([[np.nan], error[1:] / error[:-1]])
        tables.append(
            pd.DataFrame({"rate": name, "t": np.arange(len(error)), "log10": np.log10(error), "ratio": ratio})
        )
    return pd.concat(tables)


def _pinsker(path: Output) -> list[Measure]:
    """Write divergences and bounds of pairs (p, q) over two outcomes; return the measures of these and of three."""
    inside = np.linspace(0, 1, 101)
    p, q = divergences.pairs(inside)[:, None], divergences.pairs(inside[1:-1])[None]
    kl, bound = divergences.kullback_leibler(p, q), divergences.pinsker_bound(p, q)
    of_p, of_q = np.meshgrid(inside, inside[1:-1], indexing="ij")
    columns = {"p": of_p, "q": of_q, "divergence": kl, "bound": bound}
    pd.DataFrame({name: column.ravel() for name, column in columns.items()}).to_csv(path, index=False)
    triples = simplex_lattice(20)
    others = triples[(triples > 0).all(-1)]
    gap = divergences.kullback_leibler(triples[:, None], others) - divergences.pinsker_bound(triples[:, None], others)
    contact = np.abs(divergences.kullback_leibler(others, others) - divergences.pinsker_bound(others, others))
    equal = np.abs((kl - bound)[of_p == of_q])
    return [
        Measure(quantity="smallest_pinsker_gap", value=float(min((kl - bound).min(), gap.min()))),
        Measure(quantity="pinsker_contact_gap", value=float(max(equal.max(), contact.max()))),
    ]
