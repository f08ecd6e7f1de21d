import numpy as np
import pytest

from perspectives.alignment.permutations import (
    Factor,
    Symmetries,
    axis_order,
    drawn,
    identity,
    inverse,
    permuted,
)

UNITS, HEADS, FIXED = Factor("units", 5), Factor("heads", 2), Factor(None, 3)


@pytest.fixture
def symmetries():
    """A matrix between two groups, one of them in a product with a fixed factor, a vector and a scalar."""
    return Symmetries({"matrix": ((UNITS,), (HEADS, FIXED)), "vector": ((UNITS,),), "scalar": ()})


@pytest.fixture
def arrays():
    generator = np.random.default_rng(0)
    return {"matrix": generator.normal(size=(5, 6)), "vector": generator.normal(size=5), "scalar": np.asarray(3.0)}


def test_new_unit_is_the_old_one_that_the_permutation_names(symmetries, arrays):
    order = np.asarray([4, 2, 0, 1, 3])
    moved = permuted(arrays, {"units": order, "heads": np.asarray([1, 0])}, symmetries)
    for new, old in enumerate(order):
        assert moved["vector"][new] == arrays["vector"][old]
        np.testing.assert_array_equal(moved["matrix"][new], arrays["matrix"][old][[3, 4, 5, 0, 1, 2]])


def test_axis_order_of_a_product_is_the_kronecker_product():
    generator = np.random.default_rng(1)
    axis = (HEADS, FIXED, UNITS)
    permutations = {"heads": np.asarray([1, 0]), "units": generator.permutation(5)}
    matrices = [np.eye(2)[permutations["heads"]], np.eye(3), np.eye(5)[permutations["units"]]]
    product = np.kron(np.kron(matrices[0], matrices[1]), matrices[2])
    np.testing.assert_array_equal(np.eye(30)[axis_order(axis, permutations)], product)


def test_identity_moves_nothing(symmetries, arrays):
    np.testing.assert_equal(permuted(arrays, identity(symmetries), symmetries), arrays)


def test_inverse_undoes(symmetries, arrays):
    permutations = drawn(symmetries, np.random.default_rng(2))
    moved = permuted(arrays, permutations, symmetries)
    assert not np.array_equal(moved["matrix"], arrays["matrix"])
    np.testing.assert_equal(permuted(moved, inverse(permutations), symmetries), arrays)


def test_permutations_compose(symmetries, arrays):
    """First p, then q: new unit i is the unit q[i] of those after p, which is old unit p[q[i]]."""
    generator = np.random.default_rng(3)
    first, second = drawn(symmetries, generator), drawn(symmetries, generator)
    both = {group: first[group][second[group]] for group in first}
    twice = permuted(permuted(arrays, first, symmetries), second, symmetries)
    np.testing.assert_equal(permuted(arrays, both, symmetries), twice)


def test_drawn_permutations_are_uniform():
    symmetries = Symmetries({"vector": ((Factor("units", 3),),)})
    generator = np.random.default_rng(4)
    counts = np.zeros((3, 3))
    for _ in range(3000):
        counts[np.arange(3), drawn(symmetries, generator)["units"]] += 1
    # Each entry is binomial with mean 1000 and standard deviation 26; five of them.
    np.testing.assert_allclose(counts, 1000, atol=130)


def test_json_round_trip(symmetries):
    again = Symmetries.from_json(symmetries.to_json())
    assert again == symmetries
    assert again.sizes == {"units": 5, "heads": 2}


def test_partitions_do_not_heed_names(symmetries):
    renamed = Symmetries.from_json(symmetries.to_json().replace("units", "neurons"))
    assert renamed != symmetries
    assert renamed.partition() == symmetries.partition() == {
        frozenset({("matrix", 0), ("vector", 0)}),
        frozenset({("matrix", 1)}),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda arrays: arrays.pop("vector"), "missing.*vector", id="missing"),
        pytest.param(lambda arrays: arrays.update(more=np.ones(1)), "unknown.*more", id="unknown"),
        pytest.param(lambda arrays: arrays.update(vector=np.ones(4)), r"vector.*\(4,\).*\(5,\)", id="shape"),
    ],
)
def test_arrays_of_another_network_are_refused(symmetries, arrays, change, message):
    change(arrays)
    with pytest.raises(ValueError, match=message):
        permuted(arrays, identity(symmetries), symmetries)
