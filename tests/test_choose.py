from __future__ import annotations

import pytest
from support import only

from tlbench.choose import choose_row
from tlbench.errors import StoreError, UsageError


@pytest.fixture
def board(catalog, run_wish, shared_settings):
    """A board with two rows, and the row of `frozen`."""
    outcome = run_wish(catalog, tasks=["toy/blobs"], strategies=["finetune", "frozen"])
    return shared_settings.board, only(outcome.rows, strategy="frozen")


def test_a_row_is_found_by_its_file_its_key_or_a_part_of_its_name(board):
    folder, row = board
    path = folder / "rows" / row.file_name
    for name in (str(path), row.key, "toy/blobs--toy-mlp--frozen", "frozen--s0"):
        assert choose_row(folder, name) == (path, row)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "toy/blobs",
            r'"toy/blobs" names 2 rows: toy/blobs--.*finetune.*, toy/blobs--.*frozen.* Give more of the name',
        ),
        ("toy/blobs--toy-mlp--frosen--s0", r"did you mean 'toy/blobs--toy-mlp--frozen--s0--"),
        ("zzz", r'There is no row "zzz" below ".*rows": known: toy/blobs--'),
    ],
)
def test_a_name_of_none_or_of_several_is_answered(board, name, says):
    with pytest.raises(UsageError, match=says):
        choose_row(board[0], name)


def test_an_empty_board_knows_none(tmp_path):
    with pytest.raises(UsageError, match=r"known: none\."):
        choose_row(tmp_path, "zzz")


def test_a_file_that_is_no_row_is_named(tmp_path):
    (tmp_path / "row.json").write_text("{}")
    with pytest.raises(StoreError, match=r'row.json" cannot be read'):
        choose_row(tmp_path, str(tmp_path / "row.json"))
