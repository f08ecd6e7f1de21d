"""Check identities of the theory and of our formulas, by quadrature and automatic differentiation: the laws."""

from collections.abc import Callable

import diffrax
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from perspectives.diffusion.bits import bits_per_dim, from_logit, to_logit
from perspectives.diffusion.family_bounds import noiseless_bound
from perspectives.diffusion.identities import (
    fokker_planck_residual,
    gap_sides,
    loss_differences,
    moment_errors,
    one_step_expectation,
    probe_error,
    proposal_errors,
)
from perspectives.diffusion.likelihood import flow_log_likelihood
from perspectives.diffusion.mixtures import ExactScore, GaussianMixture, marginal, three_modes, two_modes
from perspectives.diffusion.path_weights import ScaledShift
from perspectives.diffusion.perturbed import PerturbedScore
from perspectives.diffusion.plug_in import RELEASED_MEMBERS, PlugIn
from perspectives.diffusion.proposals import Debiasing
from perspectives.diffusion.sde import (
    END,
    InferenceSde,
    SubVariancePreserving,
    VarianceExploding,
    VariancePreserving,
)
from perspectives.numerics.ode import ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE
from perspectives.workbench.measures import Measure, write_measures
from perspectives.workbench.step import Output

TIMES = (0.01, 0.1, 0.3, 0.5, 0.9)
SIZES = (0.1, 0.3, 1.0)
"""Of the perturbation that makes the score wrong."""
SHARES = (0.0, 0.5, 0.8, 1.0, 1.5)
"""Of the optimal shift."""


def check_identities(*, measures: Output) -> None:
    """Write the largest error of each law, and of its parts."""
    sdes = {"vp": VariancePreserving(), "sub_vp": SubVariancePreserving(), "ve": VarianceExploding()}
    ends = jnp.linspace(0.05, END, 20)
    moments = {name: _largest(lambda sde=sde: moment_errors(sde, ends)) for name, sde in sdes.items()}
    residuals = {name: _largest(lambda sde=sde: _residuals(sde)) for name, sde in sdes.items()}
    family = {name: _largest(lambda sde=sde: _family_residuals(sde)) for name, sde in sdes.items()}
    losses = {name: _largest(lambda sde=sde: _loss_differences(sde)) for name, sde in sdes.items()}
    gaps = dict(zip(SIZES, jnp.abs(jax.jit(_gap_differences)()).tolist(), strict=True))
    proposals = jax.jit(_proposal_errors)()
    parts = {"marginal_error": moments, "fokker_planck_residual": residuals, "family_fokker_planck_residual": family}
    laws = {
        "largest_marginal_error": max(moments.values()),
        "fokker_planck_residual": max(residuals.values()),
        "family_fokker_planck_residual": max(family.values()),
        "largest_loss_difference": max(losses.values()),
        "gap_identity_error": max(gaps.values()),
        "largest_proposal_error": max(float(error.max()) for error in proposals),
        "girsanov_quadrature_error": _largest(_girsanov_differences),
        "hutchinson_error": _largest(_probe_error),
        "bits_error": _largest(_bits_error),
        "flow_bound_difference": _largest(_flow_differences),
    }
    write_measures(
        measures,
        [
            *(Measure(quantity=name, value=value) for name, value in laws.items()),
            *(
                Measure(quantity=f"{part}_{name}", value=value)
                for part, by_sde in (parts | {"loss_difference": losses}).items()
                for name, value in by_sde.items()
            ),
            *(Measure(quantity=f"gap_identity_error_{size:g}", value=value) for size, value in gaps.items()),
            Measure(quantity="proposal_round_trip_error", value=float(proposals[0].max())),
            Measure(quantity="proposal_slope_error", value=float(proposals[1].max())),
        ],
    )


def _largest(errors: Callable[[], Array | tuple[Array, Array]]) -> float:
    return max(float(jnp.abs(error).max()) for error in jax.tree.leaves(jax.jit(errors)()))


def _plane() -> Float[Array, "points two"]:
    side = jnp.linspace(-2.5, 2.5, 11)
    return jnp.stack(jnp.meshgrid(side, side), axis=-1).reshape(-1, 2)


def _residuals(sde: InferenceSde) -> Float[Array, "times points"]:
    mixture = three_modes()

    def residual(s: Float[Array, ""], y: Float[Array, "two"]) -> Float[Array, ""]:
        return fokker_planck_residual(
            lambda s, y: marginal(mixture, sde, s).log_density(y), sde.drift, sde.diffusion, s, y
        )

    return jax.vmap(jax.vmap(residual, (None, 0)), (0, None))(jnp.array(TIMES), _plane())


def _family_residuals(sde: InferenceSde) -> Float[Array, "family times points"]:
    mixture = three_modes()

    def residual(lmbda: Float[Array, ""], t: Float[Array, ""], y: Float[Array, "two"]) -> Float[Array, ""]:
        member = PlugIn(sde, ExactScore(mixture, sde), lmbda)
        return fokker_planck_residual(
            lambda t, y: marginal(mixture, sde, END - t).log_density(y), member.drift, member.diffusion, t, y
        )

    at_points = jax.vmap(residual, (None, None, 0))
    at_times = jax.vmap(at_points, (None, 0, None))
    return jax.vmap(at_times, (0, None, None))(jnp.array(RELEASED_MEMBERS), END - jnp.array(TIMES), _plane())


def _loss_differences(sde: InferenceSde) -> tuple[Float[Array, "times"], Float[Array, "times"]]:
    mixture = two_modes()
    score = PerturbedScore(ExactScore(mixture, sde), max(SIZES))
    return jax.lax.map(lambda s: loss_differences(sde, mixture, score, s), jnp.array(TIMES))


def _gap_differences() -> Float[Array, "sizes"]:
    sde, mixture = VariancePreserving(), two_modes()

    def difference(size: Float[Array, ""]) -> Float[Array, ""]:
        sides = gap_sides(sde, mixture, PerturbedScore(ExactScore(mixture, sde), size))
        return sides.left - sides.right

    return jax.lax.map(difference, jnp.array(SIZES))


def _proposal_errors() -> tuple[Float[Array, "times"], Float[Array, "times"]]:
    proposal = Debiasing()
    below = jnp.linspace(0.01, 0.99, 50) * proposal.epsilon
    above = jnp.geomspace(1.01 * proposal.epsilon, END, 200)
    return proposal_errors(proposal, jnp.concatenate([below, above]))


def _girsanov_differences() -> Float[Array, "shares"]:
    """Return expectations after one step, all shifts less the first, with one large step in the midst of the modes."""
    sde, mixture = VariancePreserving(), two_modes()
    score = ExactScore(mixture, sde)

    def expectation(shift: ScaledShift) -> Float[Array, ""]:
        start = jnp.array([0.5]), jnp.asarray(0.3), jnp.asarray(0.05)
        return one_step_expectation(PlugIn(sde, score), shift, *start)

    values = jnp.stack([expectation(ScaledShift(sde, score, share)) for share in SHARES])
    return values / values[0] - 1


def _probe_error() -> Float[Array, ""]:
    matrix = jnp.sin(jnp.arange(36.0) ** 2).reshape(6, 6)
    return probe_error(lambda y: jnp.tanh(matrix @ y), jnp.linspace(-1, 1, 6))


def _bits_error() -> Float[Array, "levels"]:
    """Return the error for uniform pixels, whose logits have the density that differentiating the inverse map gives."""
    x = (jnp.arange(64) + 0.5) / 64
    logits, log_determinant = to_logit(x)
    log_density = jnp.log(jax.vmap(jax.grad(from_logit))(logits)).sum()
    levels = (2, 17, 256)
    bits = jnp.stack([bits_per_dim(log_density, log_determinant, x.size, number) for number in levels])
    return bits - jnp.log2(jnp.array(levels))


def _flow_differences() -> Float[Array, "points"]:
    """Return the two formulas' differences: of the points of two mixtures, and with a wrong score too."""
    sde = VariancePreserving()
    controller = diffrax.PIDController(rtol=RELATIVE_TOLERANCE, atol=ABSOLUTE_TOLERANCE)

    def differences(mixture: GaussianMixture, x: Float[Array, "points dim"], size: float) -> Float[Array, "points"]:
        score = PerturbedScore(ExactScore(mixture, sde), size)

        def difference(x: Float[Array, "dim"]) -> Float[Array, ""]:
            flow = flow_log_likelihood(sde, score, x, solver=diffrax.Dopri8(), controller=controller)
            return noiseless_bound(PlugIn(sde, score, 1.0), x) - flow.log_likelihood

        return jax.vmap(difference)(x)

    line = differences(two_modes(), jnp.linspace(-2.0, 2.0, 9)[:, None], 0.0)
    plane = differences(three_modes(), _plane()[::20], 0.3)
    return jnp.concatenate([line, plane])
