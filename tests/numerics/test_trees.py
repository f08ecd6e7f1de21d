import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from perspectives.numerics.trees import named_arrays, with_arrays


class Layer(eqx.Module):
    weight: jax.Array
    count: jax.Array
    name: str = eqx.field(static=True)


@pytest.fixture
def tree():
    layers = [Layer(jnp.arange(6.0).reshape(2, 3), jnp.asarray(7), "first"), Layer(jnp.ones(4), jnp.asarray(8), "last")]
    return {"layers": layers, "scale": 2.0}


def test_names_are_paths_in_the_trees_order(tree):
    assert list(named_arrays(tree)) == ["['layers'][0].weight", "['layers'][1].weight"]


def test_a_tree_of_its_own_arrays_is_itself(tree):
    again = with_arrays(tree, named_arrays(tree))
    assert eqx.tree_equal(again, tree)


def test_arrays_go_where_their_names_say_in_any_order(tree):
    arrays = {name: 10 * array for name, array in named_arrays(tree).items()}
    changed = with_arrays(tree, dict(reversed(arrays.items())))
    np.testing.assert_equal(named_arrays(changed), arrays)
    assert changed["layers"][0].count == 7


def test_shapes_become_arrays(tree):
    hollow = jax.eval_shape(lambda: {"weight": jnp.zeros((2, 3)), "count": jnp.asarray(1)})
    full = with_arrays(hollow, {"['weight']": np.ones((2, 3))})
    assert full["weight"].sum() == 6
    assert isinstance(full["count"], jax.ShapeDtypeStruct)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda arrays: arrays.popitem(), r"\['layers'\]\[1\].weight", id="missing"),
        pytest.param(lambda arrays: arrays.update(more=np.ones(1)), "more", id="unknown"),
        pytest.param(
            lambda arrays: arrays.update({"['layers'][1].weight": np.ones(5)}), r"\(5,\), not \(4,\)", id="shape"
        ),
    ],
)
def test_arrays_of_another_model_are_refused(tree, change, message):
    arrays = named_arrays(tree)
    change(arrays)
    with pytest.raises(ValueError, match=message):
        with_arrays(tree, arrays)
