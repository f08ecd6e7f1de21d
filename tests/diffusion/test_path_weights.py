import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.diffusion.identities import one_step_expectation
from perspectives.diffusion.mixtures import ExactScore, GaussianMixture, three_modes, two_modes
from perspectives.diffusion.path_weights import (
    ScaledShift,
    difference_error,
    euler_step,
    log_mean_exp,
    path_weights,
    shifted_paths,
)
from perspectives.diffusion.plug_in import PlugIn
from perspectives.diffusion.sde import END, VariancePreserving

SDE = VariancePreserving()
SCORE = ExactScore(two_modes(), SDE)
PLUG_IN = PlugIn(SDE, SCORE)
POINT = 0.5


def optimal(share=1.0):
    return ScaledShift(SDE, SCORE, share)


@pytest.mark.parametrize("lmbda", [0.0, 0.5, -1.0])
def test_expectation_of_one_step_is_the_same_for_all_shifts(lmbda):
    start = jnp.array([POINT]), jnp.asarray(0.3), jnp.asarray(0.05)
    member = PlugIn(SDE, SCORE, lmbda)
    none, half, more = (one_step_expectation(member, optimal(share), *start) for share in (0.0, 0.5, 1.3))
    np.testing.assert_allclose([half, more], none, rtol=1e-12)  # 200 nodes


def test_optimal_shift_of_the_reverse_sde_makes_the_inference_sde():
    y, s, step = jnp.array([0.7, -0.1]), jnp.asarray(0.4), jnp.asarray(0.01)
    score = ExactScore(three_modes(), SDE)
    moved = euler_step(PlugIn(SDE, score), ScaledShift(SDE, score), y, s, step, jnp.array([0.05, -0.2])).y
    expected = y + SDE.drift(s, y) * step + SDE.diffusion(s) * jnp.array([0.05, -0.2])
    np.testing.assert_allclose(moved, expected, rtol=1e-12)


class Increments(diffrax.AbstractPath):
    """The increments of `path_weights`, as a path that diffrax may ask."""

    values: jax.Array

    @property
    def t0(self):
        return 0.0

    @property
    def t1(self):
        return END

    def evaluate(self, t0, t1=None, left=True, use_levy=False):
        return self.values[jnp.round(t0 * len(self.values)).astype(int)]


def test_weights_are_those_of_an_euler_solve_by_diffrax():
    steps, key = 50, jax.random.key(3)
    grid = jnp.linspace(0.0, END, steps + 1)
    start = jnp.array([[POINT, 0.1]])
    score = ExactScore(three_modes(), SDE)
    plug_in, shift = PlugIn(SDE, score), ScaledShift(SDE, score, 0.7)
    noise = jnp.stack([jax.random.normal(jax.random.fold_in(key, k), (1, 2)) for k in range(steps)])

    def drift(s, z, args):
        y = z[:2]
        mu, jacobian = plug_in.drift(END - s, y), jax.jacfwd(lambda y: plug_in.drift(END - s, y))(y)
        a, sigma = shift(y, s), plug_in.diffusion(END - s)
        return jnp.append(sigma * a - mu, -jnp.trace(jacobian) - 0.5 * a @ a)

    def diffusion(s, z, args):
        return jnp.concatenate([plug_in.diffusion(END - s) * jnp.eye(2), -shift(z[:2], s)[None]])

    path = Increments(noise[:, 0] * steps**-0.5)
    solution = diffrax.diffeqsolve(
        diffrax.MultiTerm(diffrax.ODETerm(drift), diffrax.ControlTerm(diffusion, path)), diffrax.Euler(),
        0.0, END, None, jnp.append(start[0], 0.0), stepsize_controller=diffrax.StepTo(ts=grid),
    )  # fmt: skip
    assert solution.ys is not None
    expected = SDE.log_prior(solution.ys[-1, :2]) + solution.ys[-1, 2]
    found = path_weights(plug_in, shift, start, grid, key=key)
    np.testing.assert_allclose(found.log_weight[0], expected, rtol=1e-10)
    paths = shifted_paths(plug_in, shift, start, grid, key=key)
    np.testing.assert_array_equal(paths[0], start)
    np.testing.assert_allclose(paths[-1, 0], solution.ys[-1, :2], rtol=1e-10)


def test_weight_fluctuates_with_order_one_half_and_its_mean_errs_with_order_one():
    start, truth = jnp.full((20_000, 1), POINT), float(two_modes().log_density(jnp.array([POINT])))

    def at(steps):
        grid = jnp.linspace(0.0, END, steps + 1)
        weights = path_weights(PLUG_IN, optimal(), start, grid, key=jax.random.key(steps)).log_weight
        return float(weights.std()), abs(float(log_mean_exp(weights).value) - truth)

    (coarse_deviation, coarse_error), (deviation, error) = at(50), at(200)
    assert coarse_deviation / deviation == pytest.approx(2, abs=0.3)
    assert 2.5 < coarse_error / error < 5.5  # 4 in the limit


def test_any_shift_gives_a_bound_below_and_its_martingale_has_mean_zero():
    start, grid = jnp.full((10_000, 1), POINT), jnp.linspace(0.0, END, 201)
    truth = float(two_modes().log_density(jnp.array([POINT])))
    for share in (0.5, 0.8):
        found = path_weights(PLUG_IN, optimal(share), start, grid, key=jax.random.key(1))
        martingale = found.log_weight - found.bound
        assert abs(martingale.mean()) < 4 * martingale.std() / 100
        assert found.bound.mean() < truth


def test_log_mean_exp_of_normal_weights():
    """E exp W = exp(m + v / 2) for W normal, and the effective share is exp(-v)."""
    weights = 1000 + 0.5 * jax.random.normal(jax.random.key(0), (100_000,))
    found = log_mean_exp(weights)
    assert abs(found.value - 1000.125) < 5 * found.error
    np.testing.assert_allclose(found.error, np.sqrt(np.expm1(0.25) / 100_000), rtol=0.05)
    np.testing.assert_allclose(found.effective_share, np.exp(-0.25), rtol=0.02)


def test_error_of_a_difference_is_zero_for_equal_paths_and_adds_squares_for_independent_ones():
    one, other = jax.random.normal(jax.random.key(0), (2, 50_000)) * 0.3
    assert difference_error(one, one + 5.0) == pytest.approx(0, abs=1e-15)
    expected = np.hypot(log_mean_exp(one).error, log_mean_exp(other).error)
    np.testing.assert_allclose(difference_error(one, other), expected, rtol=0.03)


def test_score_of_normal_data_leaves_only_discretisation():
    """With the stationary law as data all is linear, and the weight of a path tends to the log density."""
    normal = GaussianMixture(jnp.ones(1), jnp.zeros((1, 1)), jnp.ones(1))
    score = ExactScore(normal, SDE)
    grid = END * jnp.linspace(0.0, 1.0, 2001) ** 1.5
    found = path_weights(PlugIn(SDE, score), ScaledShift(SDE, score), jnp.zeros((200, 1)), grid, key=jax.random.key(0))
    np.testing.assert_allclose(found.log_weight.mean(), -0.5 * np.log(2 * np.pi), atol=0.05)
