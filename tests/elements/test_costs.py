from typing import Any

import jax
import numpy as np
import pytest
from jax import ShapeDtypeStruct

from perspectives.elements import costs


def test_cost_of_a_matrix_product_is_twice_its_multiplications():
    found = costs.compiled_cost(lambda a, x: a @ x, ShapeDtypeStruct((30, 20), float), ShapeDtypeStruct((20,), float))
    assert found.operations == 2 * 30 * 20


def test_shapes_are_those_of_the_network():
    weights, x = costs.shapes(8, 3)
    assert [weight.shape for weight in weights] == [(8, 8)] * 5 + [(3, 8)]
    assert jax.eval_shape(costs.network, weights, x).shape == (3,)


def test_all_derivatives_are_those_of_the_objective():
    widths = costs.shapes(4)
    keys = jax.random.split(jax.random.key(0), 8)
    weights = [jax.random.normal(key, weight.shape) for key, weight in zip(keys, widths[0], strict=False)]
    x, v = jax.random.normal(keys[6], (2, 4))
    every = jax.jit(lambda *at: {name: one.function(*at) for name, one in costs.DERIVATIVES.items()})
    found = every(weights, x, v)
    gradient, hessian = found["gradient"], found["Hessian"]
    tolerance: Any = {"rtol": 1e-11, "atol": 1e-13}  # rounding of six layers
    np.testing.assert_allclose(found["gradient, forward"], gradient, **tolerance)
    np.testing.assert_allclose(found["gradient, all"][1], gradient, **tolerance)
    np.testing.assert_allclose(found["product"], gradient @ v, **tolerance)
    for nesting in ("forward over reverse", "reverse over reverse"):
        np.testing.assert_allclose(found[f"Hessian product, {nesting}"], hessian @ v, **tolerance)
    above = every([w * (1 + 1e-6) for w in weights], x + 1e-6 * v, v)["gradient"]
    below = every([w * (1 - 1e-6) for w in weights], x - 1e-6 * v, v)["gradient"]
    # central differences: the square of the step, and rounding over it
    np.testing.assert_allclose(found["Hessian product, all"][1], (above - below) / 2e-6, atol=1e-8)


def test_forward_jacobians_cost_inputs_and_reverse_ones_outputs():
    ((_, forward, reverse),) = costs.jacobian_costs(16, [4])
    assert forward == pytest.approx(17, rel=0.15)  # the tanh's derivative comes on top
    assert reverse == pytest.approx(5, rel=0.15)
