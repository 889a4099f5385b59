from __future__ import annotations

import dataclasses

import pytest

from tlbench.results.copies import warning, warnings
from tlbench.results.row import Row


@pytest.mark.parametrize(
    ("copies", "nearly", "size", "words"),
    [
        (0, 3, 100, "3 of 100 test examples are nearly equal"),
        (3, 3, 100, "3 of 100 test examples are equal"),
        (2, None, 100, "2 of 100 test examples are equal"),
        (1, 2, 300, ""),
        (None, None, None, ""),
        (0, 0, 0, ""),
    ],
)
def test_copies_are_worth_a_warning_from_one_in_a_hundred_on(copies, nearly, size, words):
    said = warning(copies, nearly, size)
    assert words in said
    assert bool(words) == bool(said)


def test_a_task_is_warned_of_once(blobs, settings):
    row = Row(
        **{**blobs.row_fields(settings), "status": "ok", "test_size": 50, "test_copies": 0, "test_near_copies": 4}
    )
    (said,) = warnings([row, dataclasses.replace(row, seed=7)])
    assert row.task in said
    assert warnings([dataclasses.replace(row, task_options={"group": "patient"})]) == []
