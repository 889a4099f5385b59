from __future__ import annotations

import pytest

from tlbench import BadInputError
from tlbench.assets import read_tagged
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.assets.readers.tagged import to_iob2

IOB2 = "B-PER I-PER O B-PER B-PER I-PER O B-LOC"


@pytest.mark.parametrize(
    "tags",
    [
        IOB2,
        "I-PER I-PER O I-PER B-PER I-PER O I-LOC",  # IOB1
        "B-PER E-PER O S-PER B-PER E-PER O S-LOC",  # BIOES
        "B-PER L-PER O U-PER B-PER L-PER O U-LOC",  # BILOU
        "B-PER E-PER O W-PER B-PER E-PER O W-LOC",  # BMEWO
    ],
)
def test_every_scheme_becomes_iob2(tags):
    assert to_iob2(tags.split()) == IOB2.split()


@pytest.mark.parametrize(
    ("tags", "iob2"),
    [
        ("B-a I-b I-b", "B-a B-b I-b"),
        ("B-x M-x E-x I-x", "B-x I-x I-x B-x"),
        ("O I-x O I-x", "O B-x O B-x"),
        ("B I O B B", "B-ENTITY I-ENTITY O B-ENTITY B-ENTITY"),
        ("B-creative-work I-creative-work", "B-creative-work I-creative-work"),
    ],
)
def test_what_continues_nothing_begins_an_entity(tags, iob2):
    assert to_iob2(tags.split()) == iob2.split()


def read(folder, text, faults=None):
    (folder / "a.conll").write_text(text, encoding="utf-8")
    return read_tagged(folder / "a.conll", faults or CollectedFaults())


@pytest.mark.parametrize(
    "text",
    [
        "Eu NNP B-NP B-ORG\n# NN B-NP O\n\nParis NNP I-NP B-LOC\n",
        "\ufeffEu\tB-ORG\r\n#\tO\r\n \t\r\n\r\n\r\nParis\tB-LOC",
        "# id 7 domain=en\nEu _ _ I-ORG\n# _ _ O\n\n# text = Paris\nParis _ _ I-LOC\n\n\n",
        "1\tEu\tB-ORG\n2\t#\tO\n\n1\tParis\tB-LOC\n",
    ],
)
def test_words_and_tags_are_the_first_and_the_last_column(tmp_path, text):
    sentences = read(tmp_path, text)
    assert sentences.inputs == [(["Eu", "#"], ["B-ORG", "O"]), (["Paris"], ["B-LOC"])]
    assert sentences.groups is None


def test_a_word_may_hold_other_white_space(tmp_path):
    (sentence,) = read(tmp_path, "New York\tB-LOC\n1\u202f000\tO\n").inputs
    assert sentence[0] == ["New York", "1\u202f000"]


def test_documents_are_groups(tmp_path):
    lines = "-DOCSTART- -X- O O\n\na x O\n\nb x O\n\n-DOCSTART- (2)\n\nc x B-y\n"
    assert read(tmp_path, lines).groups == ["a.conll 1", "a.conll 1", "a.conll 2"]
    assert read(tmp_path, "-DOCSTART- O\n\na O\n\nb O\n").groups is None


def test_conversions_are_noted(tmp_path):
    faults = CollectedFaults()
    read(tmp_path, "a I-x\nb O\n", faults)
    read(tmp_path, "1 a O\n2 b O\n", faults)
    assert ["1 tags of another scheme" in faults.notes[0], "counts the words" in faults.notes[1]] == [True, True]
    assert len(faults.notes) == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a O\nb\n", 'a.conll", line 2: expected a word and its tag'),
        ("a\tO\nb\t\n", 'a.conll", line 2: expected a word'),
        ("a\tO\n\tO\n", 'a.conll", line 2: expected a word'),
        ("a x O\n\nb O\n", 'a.conll", line 3: 2 columns, but the lines before have 3'),
        ("a O\nb NNP\n", 'a.conll", line 2: "NNP" is not an entity tag: .*IOB2.*last column'),
        ("a O\nb B-\n", 'line 2: "B-" is not'),
        ("a,O\n", "line 1: expected a word"),
        ("\n\n-DOCSTART- O\n", "no sentences"),
    ],
)
def test_bad_lines_are_named(tmp_path, text, sentence):
    (tmp_path / "a.conll").write_text(text)
    with pytest.raises(BadInputError, match=sentence):
        read_tagged(tmp_path / "a.conll")


def test_every_bad_line_is_reported(tmp_path):
    faults = CollectedFaults()
    assert read(tmp_path, "a\nb O\nc x\n", faults).inputs == [(["b"], ["O"])]
    assert [str(error).partition(":")[0].rpartition(" ")[2] for error in faults.errors] == ["1", "3"]
