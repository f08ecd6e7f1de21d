import numpy as np
import pytest

from perspectives.alignment.labels import Labels


def sizes(labels, atoms):
    return [labels.size(root) for root in labels.expand(atoms)]


def test_joined_atoms_are_one_in_whichever_order_they_met():
    for order in ([(0, 1), (1, 2), (2, 3)], [(2, 3), (0, 1), (3, 0)], [(3, 2), (3, 1), (3, 0)]):
        labels = Labels()
        axes = labels.fresh_axes([5] * 4)
        for left, right in order:
            labels.join(axes[left], axes[right], "test")
        assert len({labels.expand(atoms) for atoms in axes}) == 1


def test_a_product_refines_what_it_meets():
    labels = Labels()
    whole, outer, inner = labels.fresh_axes([6, 2, 3])
    labels.join(whole, (*outer, *inner), "test")
    assert labels.expand(whole) == (*labels.expand(outer), *labels.expand(inner))


def test_two_products_meet_in_their_common_refinement():
    """4 x 6 and 2 x 12 cut a sequence of 24 into runs of 6 and of 12: 2 x 2 x 6 has both cuts."""
    labels = Labels()
    a, b, c, d = labels.fresh_axes([4, 6, 2, 12])
    labels.join((*a, *b), (*c, *d), "test")
    assert sizes(labels, (*a, *b)) == [2, 2, 6]
    assert labels.expand((*a, *b)) == labels.expand((*c, *d))


def test_products_without_a_common_refinement_are_frozen_and_those_beside_them_are_not():
    labels = Labels()
    outer, a, b, inner = labels.fresh_axes([5, 4, 6, 7])
    other_outer, c, d, other_inner = labels.fresh_axes([5, 6, 4, 7])
    labels.join((*outer, *a, *b, *inner), (*other_outer, *c, *d, *other_inner), "mixing")
    assert labels.frozen((a, b, c, d))
    assert {labels.why_frozen(root) for root in labels.expand((*a, *b, *c, *d))} == {"mixing"}
    for left, right in ((outer, other_outer), (inner, other_inner)):
        assert labels.expand(left) == labels.expand(right)
        assert not labels.frozen((left,))


def test_an_atom_that_occurs_twice_is_refined_in_both_places():
    labels = Labels()
    a, b, c, d = labels.fresh_axes([4, 2, 2, 4])
    labels.join((*a, *a), (*b, *c, *d), "test")
    outer, inner = labels.expand(a)
    assert labels.expand((*b, *c, *d)) == (outer, inner, outer, inner)


@pytest.mark.parametrize("frozen_first", [True, False])
def test_freezing_holds_for_all_that_is_joined_and_refined(frozen_first):
    labels = Labels()
    whole, outer, inner, other = labels.fresh_axes([6, 2, 3, 3])
    if frozen_first:
        labels.freeze(whole, "test")
    labels.join(whole, (*outer, *inner), "test")
    labels.join(inner, other, "test")
    if not frozen_first:
        labels.freeze(whole, "test")
    assert labels.frozen((whole, outer, inner, other))


def test_axes_of_length_one_have_no_atoms():
    assert Labels().fresh_axes([1, 1]) == ((), ())


def test_long_chains_stay_short():
    """A thousand equations join a thousand atoms; the search for a root must not recurse as deep."""
    labels = Labels()
    axes = labels.fresh_axes([3] * 5000)
    for left, right in zip(axes[1:], axes[:-1], strict=True):
        labels.join(left, right, "test")
    assert labels.expand(axes[-1]) == labels.expand(axes[0])


def test_empty_axes_are_frozen():
    labels = Labels()
    empty, three = labels.fresh_axes([0, 3])
    labels.join(empty, (*three, *labels.fresh(0)), "test")
    assert labels.frozen((three,)) or np.prod(sizes(labels, three)) == 3
