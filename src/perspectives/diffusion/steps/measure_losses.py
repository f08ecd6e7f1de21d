"""Measure score matching losses and their gradients against each other, and proposals of times by what they cost."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float, Key

from perspectives.diffusion.mixtures import ExactScore, marginal, ring_of_modes, three_modes
from perspectives.diffusion.perturbed import PerturbedScore
from perspectives.diffusion.proposals import (
    Above,
    Debiasing,
    Histogram,
    Proposal,
    Uniform,
    independent,
    learned,
    low_discrepancy,
)
from perspectives.diffusion.score_matching import (
    denoising_loss,
    explicit_loss,
    implicit_loss,
    scaled_denoising_loss,
    sliced_loss,
)
from perspectives.diffusion.sde import END, VariancePreserving
from perspectives.diffusion.settings import LaboratorySettings
from perspectives.numerics.divergence import rademacher, value_and_divergence, value_and_probed_divergence
from perspectives.numerics.streams import stream
from perspectives.workbench.arrays import write_groups
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

TIMES = (0.01, 0.1, 0.5)
SIZE = 0.3
"""Of the perturbation: the losses must not be compared where all gradients vanish."""
CURVE_TIMES = 12
CURVE_DRAWS = 16
"""The draws of a point on the curves are fewer by this factor."""
EPSILON = 1e-3
"""Where the debiasing proposal is truncated; variances are compared at later times."""
DIMENSIONS = (2, 16, 64)
CLAIMED = 16
"""The dimension whose variances the claims are about."""
CELLS = 32
BATCH = 128
"""Times of a batch whose mean is taken."""
CHUNK = 8192
ROUNDING = 1e-10
"""Parameters without influence on the divergence have equal gradients, draw by draw: no deviation to compare with."""
PROBE_TIME = 0.1
"""The time at which divergences are probed."""


class LinearScore(NamedTuple):
    """A score that is linear in its parameters, those of two outputs by five features of y."""

    parameters: Float[Array, "two five"]

    def __call__(self, y: Float[Array, "two"], s: Any) -> Float[Array, "two"]:
        """Return the score at y, alike at all times."""
        features = jnp.stack([jnp.ones(()), y[0], y[1], jnp.sin(2 * y[0]) * y[1], jnp.tanh(y[0] - y[1])])
        return self.parameters @ features


def measure_losses(
    *,
    settings: LaboratorySettings,
    seed: int,
    losses: Output,
    gradients: Output,
    variances: Output,
    curves: Output,
    measures: Output,
) -> None:
    """Write losses by time, gradients by parameter, variances by proposal and dimension, and curves for the figure."""
    draws = settings.draws
    by_loss: Any = _losses(draws, key=stream(seed, "diffusion/losses/plane"))
    by_parameter: Any = _gradients(draws, key=stream(seed, "diffusion/losses/gradients"))
    found = {dim: _proposals(dim, draws, seed) for dim in DIMENSIONS}
    by_proposal = pd.DataFrame([row for rows, _ in found.values() for row in rows])
    by_loss.to_csv(losses, index=False, float_format="%.9g")
    by_parameter.to_csv(gradients, index=False, float_format="%.9g")
    by_proposal.to_csv(variances, index=False, float_format="%.9g")
    write_groups(curves, found[CLAIMED][1])

    variance: dict[Any, dict[str, float]] = by_proposal.set_index(["dimension", "proposal"]).to_dict("index")
    of_debiasing = {dim: variance[dim, "debiasing"] for dim in DIMENSIONS}
    of_uniform = {dim: variance[dim, "uniform"] for dim in DIMENSIONS}
    of_learned = {dim: variance[dim, "learned"] for dim in DIMENSIONS}
    deviations = _probe_deviations(draws, key=stream(seed, "diffusion/losses/probes"))
    proposal = Debiasing()
    sliced = by_loss["loss"] == "sliced"

    def stratified(of: Any) -> Any:
        return {dim: {"batch_variance": row["stratified_batch_variance"]} for dim, row in of.items()}

    def ratios(name: str, column: str, over: Any, under: Any) -> list[Measure]:
        of = {dim: over[dim][column] / under[dim][column] for dim in DIMENSIONS}
        others = [Measure(quantity=f"{name}_{dim}", value=value) for dim, value in of.items() if dim != CLAIMED]
        return [Measure(quantity=name, value=of[CLAIMED]), *others]

    write_measures(
        measures,
        [
            Measure(quantity="largest_loss_z", value=float(by_loss[~sliced]["z"].abs().max())),
            Measure(quantity="largest_sliced_loss_z", value=float(by_loss[sliced]["z"].abs().max())),
            Measure(quantity="largest_gradient_z", value=float(by_parameter["z"].abs().max())),
            *ratios("loss_variance_ratio", "loss_variance", of_uniform, of_debiasing),
            *ratios("gradient_variance_ratio", "gradient_variance", of_uniform, of_debiasing),
            *ratios("learned_variance_ratio", "loss_variance", of_debiasing, of_learned),
            *ratios("learned_gradient_ratio", "gradient_variance", of_debiasing, of_learned),
            *ratios("stratified_variance_ratio", "batch_variance", of_debiasing, stratified(of_debiasing)),
            *ratios("uniform_stratified_ratio", "batch_variance", of_uniform, stratified(of_uniform)),
            *ratios("learned_stratified_ratio", "batch_variance", of_learned, stratified(of_learned)),
            Measure(quantity="largest_proposal_z", value=of_debiasing[CLAIMED]["largest_z"]),
            Measure(quantity="largest_learned_z", value=of_learned[CLAIMED]["largest_z"]),
            Measure(quantity="probe_deviation_ratio", value=deviations["rademacher"] / deviations["gaussian"]),
            *(Measure(quantity=f"probe_deviation_{name}", value=value) for name, value in deviations.items()),
            Measure(quantity="truncated_share", value=float(proposal.distribution(proposal.epsilon))),
        ],
    )


def _z(values: Float[Array, "draws *more"]) -> tuple[Float[np.ndarray, "*more"], Float[np.ndarray, "*more"]]:
    """Return means and their standard errors."""
    return np.asarray(values.mean(0)), np.asarray(values.std(0, ddof=1) / len(values) ** 0.5)


def _losses(draws: int, *, key: Key[Array, ""]) -> pd.DataFrame:
    """Return what losses have beside the implicit one, less what theory says, by time: paired draws, a wrong score."""
    sde, mixture = VariancePreserving(), three_modes()
    score = PerturbedScore(ExactScore(mixture, sde), SIZE)

    @jax.jit
    def at(s: Array, x: Array, noise: Array, probe: Array) -> Any:
        q = marginal(mixture, sde, s)

        def of_one(draw: Any) -> Any:
            x, noise, probe = draw
            y = sde.perturbed(s, x, noise)
            truth = q.score(y)
            implicit = implicit_loss(score, y, s)
            return {
                "implicit": (implicit, jnp.zeros(())),
                "denoising": (denoising_loss(score, sde, x, s, noise), 0.5 * x.size / sde.variance(s)),
                "explicit": (explicit_loss(score, y, s, truth), 0.5 * truth @ truth),
                "sliced": (sliced_loss(score, y, s, probe), jnp.zeros(())),
            }

        found = jax.lax.map(of_one, (x, noise, probe), batch_size=CHUNK)
        implicit = found["implicit"][0]
        return {name: (loss, constant, loss - implicit - constant) for name, (loss, constant) in found.items()}

    rows = []
    sizes = [(s, draws, True) for s in TIMES]
    sizes += [(float(s), draws // CURVE_DRAWS, False) for s in np.geomspace(EPSILON, END, CURVE_TIMES)]
    for number, (s, count, claimed) in enumerate(sizes):
        data_key, noise_key, probe_key = jax.random.split(jax.random.fold_in(key, number), 3)
        x = mixture.sample(count, key=data_key)
        noise = jax.random.normal(noise_key, x.shape, x.dtype)
        found = at(jnp.asarray(s), x, noise, rademacher(probe_key, x))
        for name, (loss, constant, difference) in found.items():
            mean, error = _z(difference)
            rows.append({
                "s": s, "claimed": claimed, "loss": name, "mean": float(loss.mean()),
                "standard_error": float(_z(loss)[1]), "constant": float(constant.mean()),
                "difference": float(mean), "difference_error": float(error),
                "z": float(mean / error) if name != "implicit" and claimed else np.nan,
            })  # fmt: skip
    return pd.DataFrame(rows)


def _gradients(draws: int, *, key: Key[Array, ""]) -> pd.DataFrame:
    """Return gradients by each parameter of a linear score, and how far the losses' differ, by time: paired draws."""
    sde, mixture = VariancePreserving(), three_modes()
    parameters = jnp.linspace(-1.0, 1.0, 10).reshape(2, 5)

    @jax.jit
    def at(s: Array, x: Array, noise: Array, probe: Array) -> Any:
        def of_one(draw: Any) -> Any:
            x, noise, probe = draw
            y = sde.perturbed(s, x, noise)
            losses = {
                "implicit": lambda p: implicit_loss(LinearScore(p), y, s),
                "sliced": lambda p: sliced_loss(LinearScore(p), y, s, probe),
                "denoising": lambda p: denoising_loss(LinearScore(p), sde, x, s, noise),
            }
            return {name: jax.grad(loss)(parameters).ravel() for name, loss in losses.items()}

        return jax.lax.map(of_one, (x, noise, probe), batch_size=CHUNK)

    rows = []
    for number, s in enumerate(TIMES):
        data_key, noise_key, probe_key = jax.random.split(jax.random.fold_in(key, number), 3)
        x = mixture.sample(draws, key=data_key)
        noise = jax.random.normal(noise_key, x.shape, x.dtype)
        found = at(jnp.asarray(s), x, noise, rademacher(probe_key, x))
        for name in ("sliced", "denoising"):
            mean, error = _z(found[name] - found["implicit"])
            of_implicit, of_name = _z(found["implicit"]), _z(found[name])
            rows += [
                {
                    "s": s, "loss": name, "parameter": i, "implicit": of_implicit[0][i],
                    "implicit_error": of_implicit[1][i], "gradient": of_name[0][i], "gradient_error": of_name[1][i],
                    "z": mean[i] / error[i] if error[i] > ROUNDING * of_implicit[1][i] else 0.0,
                }
                for i in range(parameters.size)
            ]  # fmt: skip
    return pd.DataFrame(rows)


def _proposals(
    dim: int, draws: int, seed: int
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Float[np.ndarray, "..."]]]]:
    """Return a row a proposal with the variances of loss and gradient under it, and densities and losses over time.

    Loss and gradient are of one time and example, weighted so that their mean is that of the integral over times from
    `EPSILON` on. The gradient is by the network's output, a = g score, at the true score.
    """
    sde = VariancePreserving()
    mixture = ring_of_modes(dim, key=stream(seed, f"diffusion/losses/modes/{dim}"))
    score = ExactScore(mixture, sde)
    key = stream(seed, f"diffusion/losses/proposals/{dim}")
    data_key, noise_key, time_key, batch_key, pilot_key, curve_key = jax.random.split(key, 6)

    def weighted_loss(output: Any, s: Any, x: Any, noise: Any) -> Any:
        def shifted(y: Any, s: Any) -> Any:
            return score(y, s) + output / sde.diffusion(s)

        return sde.diffusion(s) ** 2 / sde.variance(s) * scaled_denoising_loss(shifted, sde, x, s, noise)

    @jax.jit
    def at(s: Array, x: Array, noise: Array) -> tuple[Array, Array]:
        def of_one(draw: Any) -> Any:
            s, x, noise = draw
            return jax.value_and_grad(weighted_loss)(jnp.zeros_like(x), s, x, noise)

        return jax.lax.map(of_one, (s, x, noise), batch_size=CHUNK)

    x = mixture.sample(draws, key=data_key)
    noise = jax.random.normal(noise_key, x.shape, x.dtype)
    u = independent(draws, dtype=x.dtype, key=time_key)
    batches = draws // BATCH
    even_of = jax.vmap(lambda key: low_discrepancy(BATCH, dtype=x.dtype, key=key))
    even_u = even_of(jax.random.split(batch_key, batches + 1)).ravel()[:draws]

    debiasing = Debiasing(epsilon=EPSILON)
    proposals: dict[str, Proposal] = {
        "uniform": Above(Uniform(), EPSILON, EPSILON),
        "debiasing": Above(debiasing, EPSILON, debiasing.distribution(EPSILON)),
    }
    # The histogram is learnt from draws of its own.
    pilot_keys = jax.random.split(pilot_key, 3)
    pilot_x = mixture.sample(draws, key=pilot_keys[0])
    pilot_s = proposals["debiasing"].quantile(independent(draws, dtype=x.dtype, key=pilot_keys[1]))
    pilot_losses, _ = at(pilot_s, pilot_x, jax.random.normal(pilot_keys[2], pilot_x.shape, x.dtype))
    histogram = learned(pilot_s, pilot_losses, proposals["debiasing"].density(pilot_s), cells=CELLS)
    proposals["learned"] = Above(histogram, EPSILON, EPSILON * histogram.density(0.0))

    rows, kept = [], {}
    for name, proposal in proposals.items():
        s = proposal.quantile(u)
        density = proposal.density(s)
        loss, gradient = at(s, x, noise)
        values = jnp.concatenate([loss[:, None], gradient], axis=1) / density[:, None]
        kept[name] = values
        difference, error = _z(values - kept["uniform"])
        s = proposal.quantile(even_u)
        even = (at(s, x, noise)[0] / proposal.density(s))[: batches * BATCH]
        variance = np.asarray(values.var(0, ddof=1))
        rows.append({
            "dimension": dim, "proposal": name, "loss": float(values[:, 0].mean()),
            "standard_error": float((variance[0] / draws) ** 0.5), "loss_variance": float(variance[0]),
            "gradient_variance": float(variance[1:].sum()), "batch_variance": float(variance[0] / BATCH),
            "stratified_batch_variance": float(even.reshape(batches, BATCH).mean(1).var(ddof=1)),
            "largest_z": 0.0 if name == "uniform" else float(np.abs(difference / error).max()),
        })  # fmt: skip
    return rows, _curves(proposals, histogram, at, x, key=curve_key)


def _curves(
    proposals: dict[str, Proposal], histogram: Histogram, at: Any, x: Array, *, key: Key[Array, ""]
) -> dict[str, dict[str, Float[np.ndarray, "..."]]]:
    """Return densities of the proposals over time, and mean and root mean square of the weighted loss."""
    fine = jnp.geomspace(1.001 * EPSILON, END, 400)
    coarse = jnp.geomspace(EPSILON, END, 2 * CURVE_TIMES)
    which = np.arange(len(x)) % len(coarse)
    losses = np.asarray(at(coarse[which], x, jax.random.normal(key, x.shape, x.dtype))[0])
    count = np.bincount(which)
    return {
        "density": {"s": np.asarray(fine), **{name: np.asarray(of.density(fine)) for name, of in proposals.items()}},
        "loss": {
            "s": np.asarray(coarse),
            "mean": np.bincount(which, losses) / count,
            "root_mean_square": np.sqrt(np.bincount(which, losses**2) / count),
        },
        "learned": {"edges": np.asarray(histogram.edges), "masses": np.asarray(histogram.masses)},
    }


def _probe_deviations(draws: int, *, key: Key[Array, ""]) -> dict[str, float]:
    """Return the root mean square error of a divergence by one probe, Rademacher and Gaussian, of the true score."""
    sde, mixture = VariancePreserving(), three_modes()
    score, s = ExactScore(mixture, sde), PROBE_TIME
    data_key, sign_key, normal_key = jax.random.split(key, 3)
    y = marginal(mixture, sde, s).sample(draws, key=data_key)
    probes = {"rademacher": rademacher(sign_key, y), "gaussian": jax.random.normal(normal_key, y.shape, y.dtype)}

    @jax.jit
    def errors(y: Array, probes: Any) -> Any:
        def of_one(draw: Any) -> Any:
            y, probes = draw
            exact = value_and_divergence(lambda y: score(y, s), y)[1]
            return {
                name: value_and_probed_divergence(lambda y: score(y, s), y, probe)[1] - exact
                for name, probe in probes.items()
            }

        return jax.lax.map(of_one, (y, probes), batch_size=CHUNK)

    return {name: float(jnp.sqrt(jnp.mean(error**2))) for name, error in errors(y, probes).items()}
