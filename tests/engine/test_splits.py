"""Splits that are written chunk by chunk."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from support import silent

from tlbench import BadInputError, ContractError, PrepareRequest
from tlbench.engine import splits
from tlbench.engine.adaptation import adapt
from tlbench.engine.source_model import train_source
from tlbench.engine.splits import load_examples, prepare_chunks, save_examples
from tlbench.learning import data
from tlbench.learning.mapped import is_mapped
from tlbench.learning.model import state_hash
from tlbench.learning.ragged import Ragged
from tlbench.learning.targets import Targets

SEQUENCES = [[1, 2, 3], [4], [5, 6], [7, 8, 9, 10], [], [1]]


def columns(first, last):
    images = np.arange(6 * 2 * 3, dtype=np.float32).reshape(6, 2, 3)
    return images[first:last], Ragged.of(SEQUENCES[first:last])


def test_chunks_leave_the_files_that_one_piece_leaves(tmp_path):
    targets = Targets.of(range(6))
    for name, cuts in (("whole", [0, 6]), ("chunks", [0, 2, 5, 6])):
        chunks = (columns(first, last) for first, last in pairwise(cuts))
        save_examples(tmp_path, name, chunks, targets)
    for path in tmp_path.glob("whole-*.npy"):
        assert path.read_bytes() == path.with_name(path.name.replace("whole", "chunks")).read_bytes()
    np.save(tmp_path / "numpy.npy", columns(0, 6)[0])
    assert (tmp_path / "numpy.npy").read_bytes() == (tmp_path / "chunks-0-values.npy").read_bytes()
    loaded = load_examples(tmp_path, "chunks")
    assert loaded.inputs.batch(np.array([3, 4]))[1].tolist() == [[7, 8, 9, 10], [0, 0, 0, 0]]


def test_rows_in_another_order_in_memory_are_written_as_others(tmp_path):
    rows = np.arange(24.0).reshape(4, 6)
    chunks = [(np.asfortranarray(rows[:3]),), (rows[3:, ::-1][:, ::-1],)]
    save_examples(tmp_path, "split", chunks, Targets.of([0] * 4))
    assert np.array_equal(np.load(tmp_path / "split-0-values.npy"), rows)


def test_examples_that_are_python_objects_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="object"):
        save_examples(tmp_path, "split", [(np.array([{}, {}]),)], Targets.of([0] * 2))


def test_examples_of_unequal_shapes_are_refused(tmp_path):
    with pytest.raises(BadInputError, match=r"\(3,\).*\(4,\)"):
        save_examples(tmp_path, "split", [(np.zeros((2, 3)),), (np.zeros((2, 4)),)], Targets.of([0] * 4))


@pytest.mark.parametrize("examples", [3, 5])
def test_more_or_fewer_rows_than_examples_are_refused(tmp_path, examples):
    with pytest.raises(ContractError, match=f"`prepare` gave .* rows for {examples} examples"):
        save_examples(tmp_path, "split", [(np.zeros((2, 3)),)] * 2, Targets.of([0] * examples))


def test_a_chunk_of_raw_examples_is_asked_for_at_a_time(monkeypatch):
    monkeypatch.setattr(splits, "CHUNK", 4)
    asked = []

    class ExampleSequence:
        def __len__(self):
            return 10

        def __getitem__(self, index):
            asked.append(index)
            return index

    def prepare(request):
        return (np.array(request.inputs),)

    request = PrepareRequest(inputs=ExampleSequence(), fitted={}, layout="pooled", options={})
    chunks = prepare_chunks(prepare, request)
    assert next(chunks)[0].tolist() == asked == [0, 1, 2, 3]
    assert [chunk[0].tolist() for chunk in chunks] == [[4, 5, 6, 7], [8, 9]]


def test_what_streams_gives_what_memory_gives(blobs, prepare_in, monkeypatch):
    def models(name):
        prepared = prepare_in(blobs, name)
        source = train_source(blobs, prepared, "cpu", silent)
        return prepared.sha256, state_hash(source), state_hash(adapt(blobs, prepared, source, silent).model)

    expected = models("in memory")
    monkeypatch.setattr(data, "COPIED_BYTES", 0)
    monkeypatch.setattr(splits, "CHUNK", 7)
    assert models("streamed") == expected
    selected = load_examples(prepare_in(blobs, "streamed").folder, "source-train").select(np.arange(5))
    assert is_mapped(selected.inputs.columns[0])
