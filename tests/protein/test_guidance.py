"""The sampler against its formulas written out, and against the equation that it splits; all models invented here."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from perspectives.numerics.ode import trajectory
from perspectives.protein.flow_matching import NormalVelocity, prior_samples
from perspectives.protein.guidance import (
    TOGETHER,
    FitnessMisfit,
    guided_ode_samples,
    split_samples,
)
from perspectives.protein.identities import LinearMisfit, order_of_split_scheme
from perspectives.protein.landscapes import Scale

PRIOR = NormalVelocity(jnp.array([0.5, -1.0, 0.2]), jnp.diag(jnp.array([0.16, 2.25, 0.64])))
MISFIT = LinearMisfit(jnp.array([1.0, 0.5, -0.7]))
START = jnp.asarray(np.random.default_rng(0).normal(size=(5, 3)))


class Turning(eqx.Module):
    """A velocity whose derivative is simple: z -> m + (t - 2) z."""

    mean: Float[Array, "d"]

    def __call__(self, z, t):
        return self.mean + (t - 2) * z


class Curved(eqx.Module):
    """A misfit that is no parabola, so that where its gradient is taken matters: the sum of cosh z."""

    def __call__(self, z):
        return jnp.cosh(z).sum(1)


TURNING = Turning(jnp.array([0.5, -1.0, 0.2]))


class LinearDecoder(eqx.Module):
    """Logits linear in the code."""

    weight: Float[Array, "d length 20"]

    def decode(self, z):
        return jnp.einsum("nd,dla->nla", z, self.weight)


class Additive(eqx.Module):
    """Fitness as a sum over positions."""

    weight: Float[Array, "length 20"]

    def __call__(self, x):
        return jnp.einsum("nla,la->n", x, self.weight)


def by_hand(z, *, steps, strength, inner, late=False, through=True, prior=True):
    """The published loop for `TURNING` and `Curved`, with the gradient worked out."""
    mean, z = np.asarray(TURNING.mean), np.asarray(z)
    h = 1 / steps
    for number in range(steps):
        t = number * h
        if prior:
            z = z + h * (mean + (t - 2) * z)
        for _ in range(inner):
            left, at = (1 - t - h if through else 0), t + h if late else t
            end = z + left * (mean + (at - 2) * z)
            z = z - h * strength * (1 + left * (at - 2)) * np.sinh(end)
    return z


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ({}, {}),
        ({"time_index": "new"}, {"late": True}),
        ({"gradient_at": "code"}, {"through": False}),
        ({"gradient_at": "code", "prior": False}, {"through": False, "prior": False}),
    ],
    ids=["released", "new time", "gradient at the code", "no prior"],
)
def test_samples_are_those_of_the_loop_written_out(options, written):
    numbers = {"steps": 4, "strength": 0.8, "inner": 2}
    found = split_samples(TURNING, Curved(), START, **numbers, **options)
    np.testing.assert_allclose(found, by_hand(START, **numbers, **written), atol=1e-12)


def test_all_variants_differ():
    numbers = {"steps": 4, "strength": 0.8, "inner": 2}
    variants = ({}, {"late": True}, {"through": False}, {"prior": False})
    found = [by_hand(START, **numbers, **options) for options in variants]
    for one in range(4):
        for other in range(one):
            assert np.abs(found[one] - found[other]).max() > 1e-3


@pytest.mark.parametrize("silent", [{"strength": 0.0, "inner": 3}, {"strength": 2.0, "inner": 0}])
def test_without_guidance_the_sampler_is_eulers_method_for_the_prior(silent):
    found = split_samples(TURNING, Curved(), START, steps=16, **silent)
    np.testing.assert_allclose(found, prior_samples(TURNING, START, 16), atol=1e-12)


def test_samples_do_not_depend_on_those_beside_them():
    numbers = {"steps": 4, "strength": 0.8, "inner": 2}
    together = split_samples(TURNING, Curved(), START, **numbers)
    apart = split_samples(TURNING, Curved(), START.at[1:].set(2.0), **numbers)
    np.testing.assert_array_equal(together[0], apart[0])


@pytest.mark.parametrize("number", [TOGETHER, TOGETHER + 1, 2 * TOGETHER + 2])
def test_more_codes_than_are_carried_at_once_come_out_in_order(number):
    start = jax.random.normal(jax.random.key(0), (number, 3))
    guided = {"strength": 1.5, "inner": 2}
    found = split_samples(PRIOR, MISFIT, start, steps=4, **guided)
    solved, steps = guided_ode_samples(PRIOR, MISFIT, start, **guided)
    assert found.shape == solved.shape == start.shape
    assert steps.shape == (number,)
    for one in (0, number // 2, number - 1):
        alone = split_samples(PRIOR, MISFIT, start[one : one + 1], steps=4, **guided)
        np.testing.assert_allclose(found[one], alone[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            solved[one], guided_ode_samples(PRIOR, MISFIT, start[one : one + 1], **guided)[0][0], rtol=1e-4, atol=1e-5
        )


def test_one_program_serves_every_strength_and_count():
    traces = []

    class Traced(eqx.Module):
        def __call__(self, z):
            traces.append(z)
            return MISFIT(z)

    split_samples(TURNING, Traced(), START, steps=3, strength=0.5, inner=2)
    before = len(traces)
    split_samples(TURNING, Traced(), START, steps=7, strength=1.5, inner=1, time_index="new")
    assert before > 0
    assert len(traces) == before


def test_the_split_scheme_tends_to_the_guided_ode_at_first_order():
    assert order_of_split_scheme() == pytest.approx(1, abs=0.1)


def test_guidance_of_a_normal_prior_by_a_linear_fitness_goes_towards_its_target():
    before = MISFIT(split_samples(PRIOR, MISFIT, START, steps=32, strength=0.0, inner=0))
    after = MISFIT(split_samples(PRIOR, MISFIT, START, steps=32, strength=5.0, inner=5))
    assert (after < 0.2 * before).all()


@pytest.mark.parametrize("strength", [1.5, 300.0], ids=["mild", "stiff"])
def test_the_solver_gives_the_solution_of_the_guided_ode(strength):
    found, steps = guided_ode_samples(PRIOR, MISFIT, START, strength=strength, inner=2, tolerance=1e-4)
    exact = trajectory(guided_field, START, jnp.array([1.0]), jnp.asarray(2 * strength), since=0.0).states[-1]
    np.testing.assert_allclose(found, exact, atol=1e-3)  # ten times the tolerance of a step
    assert int(steps.max()) < 400


def guided_field(t, z, rate):
    return PRIOR(z, t) - rate * jax.grad(lambda codes: MISFIT(codes + (1 - t) * PRIOR(codes, t)).sum())(z)


def test_the_misfit_is_half_the_square_of_how_far_scaled_fitness_is_from_one():
    rng = np.random.default_rng(1)
    decoder = LinearDecoder(jnp.asarray(rng.normal(size=(3, 4, 20))))
    predictor = Additive(jnp.asarray(rng.normal(size=(4, 20))))
    misfit = FitnessMisfit(decoder, predictor, Scale(-1.0, 3.0))
    logits = np.einsum("nd,dla->nla", START, decoder.weight)
    soft = np.exp(logits) / np.exp(logits).sum(2, keepdims=True)
    scaled = (np.einsum("nla,la->n", soft, predictor.weight) + 1) / 4
    np.testing.assert_allclose(misfit.fitness(START), scaled, rtol=1e-12)
    np.testing.assert_allclose(misfit(START), (scaled - 1) ** 2 / 2, rtol=1e-12)


def test_guided_samples_of_networks_decode_to_fitter_sequences_than_those_of_the_prior():
    rng = np.random.default_rng(2)
    decoder = LinearDecoder(jnp.asarray(rng.normal(size=(3, 4, 20)), jnp.float32))
    predictor = Additive(jnp.asarray(rng.random((4, 20)), jnp.float32))
    misfit = FitnessMisfit(decoder, predictor, Scale(0.0, 4.0))
    prior = Turning(jnp.zeros(3, jnp.float32))
    start = jnp.asarray(rng.normal(size=(64, 3)), jnp.float32)
    fitness = {}
    for name, strength in (("prior", 0.0), ("guided", 50.0)):
        codes = split_samples(prior, misfit, start, steps=16, strength=strength, inner=5)
        assert codes.dtype == jnp.float32
        fitness[name] = float(jnp.median(misfit.fitness(codes)))
    assert fitness["guided"] > fitness["prior"] + 0.05
