from __future__ import annotations

import pytest

from tlbench import BadInputError
from tlbench.assets.readers.conll import read_conll


def test_sentences_end_at_empty_lines(tmp_path):
    (tmp_path / "c").write_text("\nBonn B-LOC\nis O\n\n\nSo\tO\n")
    assert read_conll(tmp_path / "c") == [(["Bonn", "is"], ["B-LOC", "O"]), (["So"], ["O"])]


def test_a_word_without_a_tag_is_named_by_its_line(tmp_path):
    (tmp_path / "c").write_text("Bonn B-LOC\nis\n")
    with pytest.raises(BadInputError, match=r'c", line 2: .*"is"'):
        read_conll(tmp_path / "c")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "c").write_bytes(b"\xff\xfe")
    for name in ("c", "nowhere"):
        with pytest.raises(BadInputError, match=f'{name}" cannot be read'):
            read_conll(tmp_path / name)
