import math

import pytest

from perspectives.workbench.errors import UserError
from perspectives.workbench.tables import read_as, read_rows, write_rows


def test_rows_come_back_as_text_and_nan_as_nothing(tmp_path):
    path = tmp_path / "table.csv"
    write_rows(path, [{"name": "a, b", "value": 0.1}, {"name": "c", "value": math.nan}])
    assert read_rows(path) == [{"name": "a, b", "value": "0.1"}, {"name": "c", "value": ""}]


def test_floats_alone_are_rounded(tmp_path):
    path = tmp_path / "table.csv"
    write_rows(path, [{"number": 123456, "value": 1 / 3}], digits=4)
    assert path.read_text() == "number,value\n123456,0.3333\n"


def test_a_row_of_other_columns_is_refused(tmp_path):
    with pytest.raises(ValueError, match="other"):
        write_rows(tmp_path / "table.csv", [{"one": 1}, {"other": 2}])


def test_a_table_that_does_not_fit_is_named(tmp_path):
    path = tmp_path / "table.csv"
    write_rows(path, [{"score": "high"}])
    with pytest.raises(UserError, match=r"table.csv: could not convert string to float: 'high'"):
        read_as(lambda rows: [float(row["score"]) for row in rows], path)
