import jax
import jax.numpy as jnp
import pytest

from perspectives.elements.logic import LOGICS, Logic, violations

BROKEN = {
    "corners": Logic(lambda a, b: a * b / 2, lambda a, b: 1 - (1 - a) * (1 - b) / 2),
    "associativity": Logic(lambda a, b: jnp.sqrt(a * b), lambda a, b: 1 - jnp.sqrt((1 - a) * (1 - b))),
    "de_morgan": Logic(jnp.minimum, lambda a, b: a + b - a * b),
    "commutativity": Logic(lambda a, b: a * b**2, lambda a, b: 1 - (1 - a) * (1 - b) ** 2),
    "unit": Logic(lambda a, b: a * b / 2, lambda a, b: 1 - (1 - a) * (1 - b) / 2),
    "monotonicity": Logic(lambda a, b: a * b * (2 - a), lambda a, b: a + b - 2 * a * b),
}


@pytest.mark.parametrize("name", LOGICS)
def test_soft_logics_keep_the_laws(name):
    found = jax.jit(lambda: violations(LOGICS[name], jnp.linspace(0, 1, 21)))()
    assert set(found) == set(BROKEN)
    assert max(map(float, found.values())) <= 1e-14  # three operations on numbers up to one


@pytest.mark.parametrize("law", BROKEN)
def test_a_broken_law_is_found(law):
    assert float(jax.jit(lambda: violations(BROKEN[law], jnp.linspace(0, 1, 5))[law])()) > 0.01
