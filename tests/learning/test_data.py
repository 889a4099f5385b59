from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tlbench.engine.splits import load_examples, save_examples
from tlbench.learning import data
from tlbench.learning.data import Examples, Inputs, concatenate
from tlbench.learning.mapped import is_mapped
from tlbench.learning.ragged import Ragged, restore_order
from tlbench.learning.splitting import draw_budget
from tlbench.learning.targets import Targets

SEQUENCES = [[1, 2, 3], [4], [5, 6], [7, 8, 9, 10]]


@pytest.fixture
def examples():
    images = np.arange(4 * 2 * 3, dtype=np.uint8).reshape(4, 2, 3)
    return Examples(Inputs((images, Ragged.of(SEQUENCES))), Targets.of([[0, 1, 2], [1], [2, 2], [0, 0, 0, 1]]))


def owns_its_memory(array):
    """No view: nothing leads from the array to a larger one, nor to a file."""
    return array.base is None and not isinstance(array, np.memmap)


def arrays_of(examples):
    for column in examples.inputs.columns:
        yield from (column.values, column.offsets) if isinstance(column, Ragged) else (column,)
    yield from (examples.targets.values, examples.targets.counts)


@given(st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=6), min_size=1, max_size=8), st.data())
def test_ragged_sequences_come_back_padded_to_the_longest_chosen(sequences, data):
    ragged = Ragged.of(sequences)
    chosen = np.array(data.draw(st.lists(st.integers(0, len(sequences) - 1), min_size=1)))
    taken = ragged.take(chosen)
    assert (len(ragged), taken.dtype) == (len(sequences), np.int32)
    assert taken.shape[1] == max(len(sequences[i]) for i in chosen)
    assert [row[row > 0].tolist() for row in taken] == [sequences[i] for i in chosen]


def test_empty_sequences_are_padded_to_a_width_of_one():
    assert Ragged.of([[], [3]]).take(np.array([0])).tolist() == [[0]]


def test_a_batch_holds_one_tensor_for_each_column(examples):
    images, ids = examples.inputs.batch(np.array([2, 0]))
    assert (images.dtype, images.shape) == (torch.uint8, (2, 2, 3))
    assert ids.tolist() == [[5, 6, 0], [1, 2, 3]]
    images.zero_()
    assert examples.inputs.columns[0][2].any()


def test_batches_by_length_hold_every_example_once_and_order_can_be_restored(examples):
    batches = list(examples.inputs.by_length(3))
    assert [len(positions) for positions, _ in batches] == [2, 2]
    lengths = [examples.inputs.lengths[positions].tolist() for positions, _ in batches]
    assert [*lengths[0], *lengths[1]] == sorted(examples.inputs.lengths)
    whole = [(positions, batch[0].numpy(), np.ones(len(positions), int)) for positions, batch in batches]
    assert np.array_equal(restore_order(whole), examples.inputs.columns[0])


def test_units_of_several_an_example_come_back_in_the_order_of_the_examples():
    first = (np.array([2, 0]), np.array([20, 21, 0]), np.array([2, 1]))
    second = (np.array([1]), np.array([10, 11, 12]), np.array([3]))
    assert restore_order([first, second]).tolist() == [0, 10, 11, 12, 20, 21]


def test_a_selection_copies_examples_and_their_units(examples):
    chosen = examples.select(np.array([3, 1]))
    assert len(chosen) == len(chosen.targets) == 2
    assert chosen.targets.values.tolist() == [0, 0, 0, 1, 1]
    assert chosen.targets.counts.tolist() == [4, 1]
    assert chosen.inputs.columns[1].take(np.arange(2)).tolist() == [[7, 8, 9, 10], [4, 0, 0, 0]]
    assert all(owns_its_memory(array) for array in arrays_of(chosen))


def test_a_selection_of_mapped_files_leads_to_no_file(examples, tmp_path):
    save_examples(tmp_path, "split", [examples.inputs.columns], examples.targets)
    loaded = load_examples(tmp_path, "split")
    assert isinstance(loaded.inputs.columns[0], np.memmap)
    assert all(owns_its_memory(array) for array in arrays_of(loaded.select(np.arange(4))))


def test_examples_survive_their_files(examples, tmp_path):
    save_examples(tmp_path, "split", [examples.inputs.columns], examples.targets)
    loaded = load_examples(tmp_path, "split")
    for before, after in zip(arrays_of(examples), arrays_of(loaded), strict=True):
        assert before.dtype == after.dtype
        np.testing.assert_array_equal(before, after)


def test_targets_are_one_an_example_or_one_a_unit():
    assert Targets.of([2, 0, 1]).counts.tolist() == [1, 1, 1]
    targets = Targets.of([[2, 0], [], [1]])
    assert targets.counts.tolist() == [2, 0, 1]
    assert [part.tolist() for part in targets.split()] == [[2, 0], [], [1]]
    assert [part.tolist() for part in targets.split(np.array([7, 8, 9]))] == [[7, 8], [], [9]]


def test_two_batches_are_joined_with_the_shorter_sequences_padded():
    rows = torch.ones(2, 3), torch.tensor([[1, 2]])
    longer = torch.zeros(1, 3), torch.tensor([[3, 4, 5]])
    dense, ids = concatenate(rows, longer)
    assert dense.shape == (3, 3)
    assert ids.tolist() == [[1, 2, 0], [3, 4, 5]]


STRATA = hnp.arrays(np.int64, st.integers(1, 120), elements=st.integers(0, 5))


@given(STRATA, st.integers(1, 150), st.integers(0, 9))
def test_a_budget_has_its_size_and_no_example_twice(strata, budget, seed):
    drawn = draw_budget(strata, budget, np.random.default_rng(seed))
    assert len(drawn) == len(set(drawn.tolist())) == min(budget, len(strata))
    assert drawn.min() >= 0
    assert drawn.max() < len(strata)


@given(STRATA, st.integers(1, 150), st.integers(0, 9))
def test_a_budget_leaves_no_stratum_out_where_it_is_large_enough(strata, budget, seed):
    assume(budget >= len(np.unique(strata)))
    drawn = draw_budget(strata, budget, np.random.default_rng(seed))
    assert np.unique(strata[drawn]).tolist() == np.unique(strata).tolist()


@given(STRATA, st.integers(1, 150), st.integers(0, 9))
def test_quotas_are_within_one_of_the_exact_proportion_where_every_stratum_is_due_one(strata, budget, seed):
    exact = np.bincount(strata) * min(budget, len(strata)) / len(strata)
    assume((exact[exact > 0] >= 1).all())
    quotas = np.bincount(strata[draw_budget(strata, budget, np.random.default_rng(seed))], minlength=len(exact))
    assert (np.abs(quotas - exact) < 1).all()


@given(STRATA, st.integers(1, 150), st.integers(0, 9))
def test_a_larger_stratum_never_gets_fewer(strata, budget, seed):
    counts = np.bincount(strata)
    assume(budget >= (counts > 0).sum())
    quotas = np.bincount(strata[draw_budget(strata, budget, np.random.default_rng(seed))], minlength=len(counts))
    larger = counts[:, None] > counts[None, :]
    assert (quotas[:, None] >= quotas[None, :])[larger].all()


def test_a_budget_is_drawn_by_its_seed_alone():
    strata = np.arange(100) % 4
    draws = [draw_budget(strata, 20, np.random.default_rng(seed)).tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_ninety_to_ten_becomes_eighteen_to_two():
    strata = np.array([0] * 90 + [1] * 10)
    drawn = draw_budget(strata, 20, np.random.default_rng(0))
    assert np.bincount(strata[drawn]).tolist() == [18, 2]


def test_a_rare_stratum_takes_its_one_example_from_the_largest():
    strata = np.array([0] * 97 + [1] * 2 + [2])
    drawn = draw_budget(strata, 10, np.random.default_rng(0))
    assert np.bincount(strata[drawn]).tolist() == [8, 1, 1]


def test_a_large_selection_of_a_mapped_file_is_copied_to_a_file_without_a_name(tmp_path, monkeypatch):
    images = np.arange(6 * 5, dtype=np.uint8).reshape(6, 5)
    save_examples(tmp_path, "split", [(images,)], Targets.of(range(6)))
    loaded = load_examples(tmp_path, "split")
    monkeypatch.setattr(data, "COPIED_BYTES", 10)
    large, small = loaded.select(np.array([4, 1, 5])), loaded.select(np.array([4, 1]))
    column = large.inputs.columns[0]
    assert is_mapped(column)
    assert type(column) is np.ndarray  # a memmap would name the stored file
    assert not column.flags.writeable
    assert not is_mapped(small.inputs.columns[0])
    again = large.select(np.array([2, 0]))
    assert again.targets.values.tolist() == [5, 4]
    for chosen, rows in ((large, [4, 1, 5]), (again, [5, 4]), (small, [4, 1])):
        (batch,) = chosen.inputs.batch(np.arange(len(rows)))
        assert batch.tolist() == images[rows].tolist()
        batch.zero_()
    assert np.array_equal(load_examples(tmp_path, "split").inputs.columns[0], images)


def test_evaluation_batches_of_large_examples_are_smaller(monkeypatch):
    monkeypatch.setattr(data, "BATCH_VALUES", 30)
    inputs = Inputs((np.zeros((7, 2, 5), np.uint8),))
    assert [len(positions) for positions, _ in inputs.by_length(256)] == [3, 2, 2]
    assert [len(positions) for positions, _ in inputs.by_length(2)] == [2, 2, 2, 1]


def test_evaluation_batches_have_nearly_the_same_size():
    inputs = Inputs((np.zeros((257, 2), np.float32),))
    assert [len(positions) for positions, _ in inputs.by_length(256)] == [129, 128]
    assert [len(positions) for positions, _ in Inputs((np.zeros((600, 2), np.float32),)).by_length(256)] == [200] * 3
    assert {len(positions) for positions, _ in Inputs((np.zeros((76801, 1), np.uint8),)).by_length(256)} == {255, 256}
    assert list(Inputs((np.zeros((0, 1), np.uint8),)).by_length(256)) == []
