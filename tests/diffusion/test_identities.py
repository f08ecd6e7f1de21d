"""That identities hold is measured by `check_identities`; here, that what is measured would notice."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.diffusion.identities import (
    fokker_planck_residual,
    gap_sides,
    line_quadrature,
    loss_differences,
    moment_errors,
    probe_error,
    proposal_errors,
)
from perspectives.diffusion.mixtures import ExactScore, marginal, three_modes, two_modes
from perspectives.diffusion.perturbed import PerturbedScore, squared_error
from perspectives.diffusion.plug_in import PlugIn
from perspectives.diffusion.proposals import Debiasing
from perspectives.diffusion.sde import END, SubVariancePreserving, VariancePreserving

SDE = VariancePreserving()


class Slower(VariancePreserving):
    def variance(self, s):
        return 1.001 * super().variance(s)


class Tilted(Debiasing):
    def density(self, s):
        return 1.001 * super().density(s)


def test_moments_that_are_wrong_by_a_thousandth_are_seen():
    ends = jnp.array([0.3, 1.0])
    assert max(error.max() for error in moment_errors(SDE, ends)) < 1e-9
    np.testing.assert_allclose(moment_errors(Slower(), ends)[1][1], 1e-3, rtol=0.01)


@pytest.mark.parametrize("lmbda", [-10.0, 0.5, 1.0])
def test_marginals_solve_the_familys_equation_and_no_other(lmbda):
    mixture = three_modes()

    def log_density(t, y):
        return marginal(mixture, SDE, END - t).log_density(y)

    member, t, y = PlugIn(SDE, ExactScore(mixture, SDE), lmbda), jnp.asarray(0.8), jnp.array([0.4, 0.3])
    assert fokker_planck_residual(log_density, member.drift, member.diffusion, t, y) < 1e-12
    other = PlugIn(SDE, member.score, lmbda + 0.01 if lmbda < 1 else 0.99)
    assert fokker_planck_residual(log_density, other.drift, member.diffusion, t, y) > 1e-5


def test_sub_vp_solves_its_equation():
    sde, mixture = SubVariancePreserving(), two_modes()
    residual = fokker_planck_residual(
        lambda s, y: marginal(mixture, sde, s).log_density(y),
        sde.drift,
        sde.diffusion,
        jnp.asarray(0.2),
        jnp.array([0.3]),
    )
    assert residual < 1e-12


def test_losses_differ_by_constants_for_a_very_wrong_score():
    score = PerturbedScore(ExactScore(two_modes(), SDE), 1.0)
    assert max(map(abs, loss_differences(SDE, two_modes(), score, jnp.asarray(0.1)))) < 1e-10


def test_gap_of_a_wrong_score_is_its_squared_error_in_closed_form():
    mixture, size = two_modes(), 0.7
    score = ExactScore(mixture, SDE)
    exact, wrong = (jax.jit(lambda size: gap_sides(SDE, mixture, PerturbedScore(score, size)))(c) for c in (0.0, size))
    s = (jnp.arange(2000) + 0.5) / 2000
    squares = jax.vmap(lambda s: squared_error(mixture, SDE, size, s))(s)
    expected = 0.5 * jnp.mean(SDE.diffusion(s) ** 2 * squares)  # the midpoint rule, to six digits
    np.testing.assert_allclose(wrong.left - exact.left, expected, rtol=1e-5)
    np.testing.assert_allclose(exact.left, exact.right, atol=1e-10)
    assert 0 < exact.right < 1e-4  # KL(q_T, p_0)


def test_quadrature_on_the_line_has_converged():
    y, weight = line_quadrature(two_modes())
    coarse_y, coarse_weight = line_quadrature(two_modes(), nodes=1001)
    fine, coarse = weight @ jnp.sin(3 * y[:, 0]), coarse_weight @ jnp.sin(3 * coarse_y[:, 0])
    np.testing.assert_allclose(fine, coarse, rtol=1e-12)


def test_proposal_that_is_off_by_a_thousandth_is_seen():
    s = jnp.array([5e-4, 0.01, 0.5])
    assert max(error.max() for error in proposal_errors(Debiasing(), s)) < 1e-12
    np.testing.assert_allclose(proposal_errors(Tilted(), s)[1], 1e-3, rtol=0.01)


def test_all_signs_average_to_the_divergence():
    assert probe_error(lambda y: jnp.sin(y[::-1]) * y, jnp.linspace(-1, 1, 5)) < 1e-14
