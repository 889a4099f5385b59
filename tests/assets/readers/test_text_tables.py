from __future__ import annotations

import pytest

from tlbench.assets import read_text_table
from tlbench.errors import BadInputError


@pytest.mark.parametrize(
    "uses", [{"texts": ("a", "b")}, {"texts": ("a", "a ")}, {"texts": ("a",), "labels": ("b", "a")}]
)
def test_a_column_of_texts_has_no_other_use(tmp_path, uses):
    """A label that is also a text of a pair would give itself away."""
    (tmp_path / "t.csv").write_text("a,b,c\n1,2,3\n")
    with pytest.raises(BadInputError, match=r'Column "[ab]" of ".*t.csv" is a text and has another use'):
        read_text_table(tmp_path / "t.csv", **{"labels": ("b",), **uses})
    assert read_text_table(tmp_path / "t.csv", texts=("a", "c"), labels=("b", "b")).rows == [["1", "2", "3"]]
