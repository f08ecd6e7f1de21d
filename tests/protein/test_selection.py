"""What is handed over, from small invented sets whose order is known."""

import numpy as np

from perspectives.protein.budget import Predicted
from perspectives.protein.selection import best_measured, design_rows, different, only_selected, select

TOKENS = np.array([[0, 1], [2, 3], [0, 1], [4, 5], [2, 3], [6, 7]], np.uint8)
VALUES = np.array([1.0, 3.0, 1.0, 2.0, 3.0, 2.0])


def test_each_sequence_is_kept_once_where_it_first_occurs():
    np.testing.assert_array_equal(different(TOKENS), [0, 1, 3, 5])
    assert different(TOKENS[:0]).shape == (0,)


def test_the_best_by_the_predictor_are_selected_and_equals_keep_their_order():
    found = select(Predicted(TOKENS, VALUES), keep=2)
    np.testing.assert_array_equal(found.tokens, [[2, 3], [4, 5], [6, 7], [0, 1]])
    np.testing.assert_array_equal(found.predicted, [3, 2, 2, 1])
    np.testing.assert_array_equal(found.selected, [True, True, False, False])
    assert found.drawn == 6


def test_duplicates_are_dropped_before_the_best_are_taken_and_not_after():
    found = select(Predicted(TOKENS, VALUES), keep=3)
    assert found.selected.sum() == 3, "the second copy of the best sequence takes no place"


def test_when_fewer_are_different_than_asked_for_all_are_selected():
    assert select(Predicted(TOKENS, VALUES), keep=100).selected.all()


def test_only_selected_forgets_the_rest_but_not_how_many_were_drawn():
    found = only_selected(select(Predicted(TOKENS, VALUES), keep=2, drawn=77))
    assert found.tokens.shape == (2, 2)
    assert found.drawn == 77
    assert found.selected.all()


def test_the_best_of_the_base_set_are_those_with_the_best_measurement_of_any_copy():
    scores = np.array([0.0, 1.0, 9.0, 5.0, 2.0, 7.0])
    found = best_measured(Predicted(TOKENS, VALUES), scores, keep=2)
    np.testing.assert_array_equal(found.tokens, [[0, 1], [6, 7], [4, 5], [2, 3]])
    np.testing.assert_array_equal(found.selected, [True, True, False, False])


def test_rows_of_the_table_have_what_the_brief_of_designs_says():
    rows = design_rows("guided", select(Predicted(TOKENS, VALUES), keep=1))
    assert rows[0] == {"method": "guided", "sequence": "ND", "predicted": 3.0, "selected": 1, "drawn": 6}
    assert [row["selected"] for row in rows] == [1, 0, 0, 0]
