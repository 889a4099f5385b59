"""Examples that an export comes with: raw, prepared where a raw one is large, and not more than a megabyte of them."""

from __future__ import annotations

import numpy as np
import pytest

from tlbench.engine.samples import write_samples
from tlbench.learning.data import Inputs

MEGABYTE = 2**20


def written(folder, sides, prepared_side, raw=True):
    """The kind of file that an export would carry for each example."""
    images = [np.zeros((side, side, 3), np.uint8) for side in sides]
    inputs = Inputs((np.zeros((len(sides), 3, prepared_side, prepared_side), np.uint8),))
    write_samples(folder, inputs, images if raw else None)
    prepared = {path.stem: path for path in folder.glob("*.npz")}
    return {**prepared, **{path.stem: path for path in folder.glob("*.npy")}}


@pytest.mark.parametrize(
    ("sides", "prepared_side", "count", "raw"),
    [
        ([32] * 20, 32, 8, 8),
        ([200] * 20, 224, 6, 6),  # Smaller than what is made of them.
        ([1500] * 20, 224, 6, 0),
        ([1500] * 20, 64, 8, 0),
        ([150, 1500] * 20, 64, 8, 4),
        ([64] * 20, 512, 1, 1),
        ([32] * 3, 32, 3, 3),
    ],
)
def test_examples_take_a_megabyte_at_most(tmp_path, sides, prepared_side, count, raw):
    files = written(tmp_path, sides, prepared_side)
    assert len(files) == count
    assert sum(path.suffix == ".npy" for path in files.values()) == raw
    assert sum(path.stat().st_size for path in files.values()) <= MEGABYTE


def test_prepared_examples_alone_are_within_it_too(tmp_path):
    files = written(tmp_path, [8] * 20, 300, raw=False)
    assert len(files) == 3
    assert sum(path.stat().st_size for path in files.values()) <= MEGABYTE
