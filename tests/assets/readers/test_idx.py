from __future__ import annotations

import gzip

import numpy as np
import pytest

from tlbench import BadInputError
from tlbench.assets.readers.idx import read_idx

VALUES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
CONTENT = b"\0\0\x08\x03" + np.array(VALUES.shape, ">u4").tobytes() + VALUES.tobytes()


@pytest.mark.parametrize("content", [CONTENT, gzip.compress(CONTENT)], ids=["plain", "gzipped"])
def test_bytes_are_read(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    assert np.array_equal(read_idx(tmp_path / "x"), VALUES)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\0\x08", CONTENT[:-1], b"\0\0\x0d" + CONTENT[3:], gzip.compress(CONTENT)[:-9]],
    # A gzip file holds the time: as an id it would name another test in every run.
    ids=["empty", "cut in the header", "cut", "of floats", "cut and gzipped"],
)
def test_a_broken_file_is_named(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(BadInputError, match=r'x" cannot be read as idx'):
        read_idx(tmp_path / "x")
