"""Test examples that are training examples too."""

from __future__ import annotations

import numpy as np
from support import only

from tlbench.engine.copies import count_copies
from tlbench.learning.data import Inputs
from tlbench.learning.ragged import Ragged


def test_rows_are_compared_byte_for_byte():
    training = Inputs((np.arange(12, dtype=np.float32).reshape(4, 3),))
    test = Inputs((np.array([[0, 1, 2], [0, 1, 2], [0, 1, 2.5], [9, 10, 11]], np.float32),))
    assert count_copies(training, test) == 3


def test_every_column_counts():
    same, ids = np.ones((2, 3), np.float32), np.array([[1], [2]])
    assert count_copies(Inputs((same, ids)), Inputs((same, ids + 1))) == 1


def test_sequences_are_compared_without_their_neighbours():
    training = Inputs((Ragged.of([[1, 2], [3]]), Ragged.of([[7], [8]])))
    assert count_copies(training, Inputs((Ragged.of([[1], [1, 2], [3]]), Ragged.of([[2, 7], [7], [7]])))) == 1


def test_a_row_says_how_many_there_are_and_how_much_predictions_vary(catalog, run_pairings, shared_settings):
    """The toy's numbers are drawn anew for every example."""
    row = only(run_pairings(catalog, tasks=["toy/blobs"], strategies=["finetune"]).rows, strategy="finetune")
    assert (row.test_copies, row.source_test_copies) == (0, 0)
    with np.load((shared_settings.board / "rows" / row.file_name).with_suffix(".npz")) as kept:
        decided, targets = kept["predictions"].argmax(1), kept["targets"]
    assert row.most_common_share == np.bincount(decided).max() / len(decided)
    assert row.most_common_target_share == np.bincount(targets).max() / len(targets)
    assert row.prediction_spread is None
