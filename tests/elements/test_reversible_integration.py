import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.elements import lotka_volterra, reversible_integration
from perspectives.elements.reversible_integration import Pair, reversible_step
from perspectives.numerics.statistics import order

BOTH = jnp.array(lotka_volterra.TRUTH + lotka_volterra.FIRST_STATE)
STEP = jnp.array(0.05)


def test_a_step_forth_and_back_is_the_identity():
    pair = Pair(jnp.array([1.0, 0.4]), jnp.array([0.9, 0.6]))
    there = reversible_step(BOTH[:4], pair, STEP)
    back = reversible_step(BOTH[:4], there, -STEP)
    np.testing.assert_allclose(jnp.stack(back), jnp.stack(pair), rtol=1e-15, atol=0)  # a few roundings
    assert float(jnp.abs(there.y - pair.y).max()) > 1e-3


def test_undone_steps_give_the_gradient_of_the_taped_ones():
    def objective(both):
        pair = Pair(both[4:], both[4:])
        pair, _ = jax.lax.scan(lambda pair, _: (reversible_step(both[:4], pair, STEP), None), pair, length=40)
        return jnp.sum(pair.y**2) / 2

    found = jax.jit(reversible_integration.reversed_gradient)(BOTH, jnp.array(40), STEP)
    np.testing.assert_allclose(found, jax.jit(jax.grad(objective))(BOTH), rtol=1e-12)  # rounding of forty steps


def test_undone_steps_give_diffraxs_discrete_gradient_and_the_adjoint_equation_one_of_order_4_from_it(monkeypatch):
    monkeypatch.setattr(reversible_integration, "SOLVERS", {"reversible Heun": diffrax.ReversibleHeun()})
    steps = jnp.array([0.05, 0.025, 0.0125])
    found = reversible_integration.mismatches(jnp.array([1.0]), steps, 128)
    assert found["reversible Heun, undone"].distances.max() < 1e-13  # rounding of eighty steps
    mismatch = np.asarray(found["reversible Heun"].distances[0])
    assert order(np.asarray(steps), mismatch) == pytest.approx(4, abs=0.1)  # the next term of the expansion
    memory = [found[name].temporary_bytes for name in ("reversible Heun, undone", "reversible Heun, discrete")]
    assert memory[0] < memory[1]
