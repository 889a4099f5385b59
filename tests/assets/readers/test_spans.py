from __future__ import annotations

import json

import pytest

from tlbench import BadInputError
from tlbench.assets import SplitColumns, read_spans
from tlbench.assets.readers.divided import NO_COLUMNS
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.assets.readers.words import words_of

TEXT = "Ada Byron met Mr. Babbage."
WORDS = ["Ada", "Byron", "met", "Mr", ".", "Babbage", "."]
TAGS = ["B-PER", "I-PER", "O", "O", "O", "B-PER", "O"]
PLACES = [(0, 9), (18, 25)]


def read(folder, *records, columns=NO_COLUMNS, faults=None):
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    return read_spans(folder / "a.jsonl", columns, faults or CollectedFaults())


def joined(sentences):
    return [word for words, _ in sentences.inputs for word in words], [t for _, tags in sentences.inputs for t in tags]


@pytest.mark.parametrize(
    "record",
    [
        {"text": TEXT, "spans": [{"start": start, "end": end, "label": "PER"} for start, end in PLACES]},
        {"id": 3, "text": TEXT, "label": [[start, end, "PER"] for start, end in PLACES[::-1]], "Comments": []},
        {"data": TEXT, "entities": [[start, end, "PER"] for start, end in PLACES]},
        {"text": TEXT, "relations": [], "entities": [
            {"id": 1, "label": "PER", "start_offset": start, "end_offset": end} for start, end in PLACES
        ]},
        {"text": TEXT, "label": [
            {"start": start, "end": end, "text": TEXT[start:end], "labels": ["PER"]} for start, end in PLACES
        ]},
        [TEXT, {"entities": [[start, end, "PER"] for start, end in PLACES]}],
    ],
)  # fmt: skip
def test_each_form_of_spans_is_read(tmp_path, record):
    assert joined(read(tmp_path, record)) == (WORDS, TAGS)
    for whole in ([record], {"classes": ["PER"], "annotations": [record, None]}):
        (tmp_path / "a.json").write_text(json.dumps(whole, indent=1))
        assert joined(read_spans(tmp_path / "a.json")) == (WORDS, TAGS)


def test_tokens_with_tags_are_read_in_any_scheme(tmp_path):
    records = [{"tokens": ["Ada", "met"], name: tags} for name, tags in (("tags", ["S-PER", "O"]), ("ner_tags", "BO"))]
    records[1]["ner_tags"] = ["I-PER", "O"]
    assert read(tmp_path, *records).inputs == [(["Ada", "met"], ["B-PER", "O"])] * 2


def test_what_an_annotator_rejected_is_left_out(tmp_path):
    tokens = [{"text": "Ada-Byron", "start": 0, "end": 9, "id": 0}, {"text": "met", "start": 10, "end": 13, "id": 1}]
    accepted = {"text": "Ada-Byron met", "tokens": tokens, "spans": [{"start": 0, "end": 9, "label": "PER"}]}
    faults = CollectedFaults()
    records = [{**accepted, "answer": answer} for answer in ("accept", "reject", "ignore")]
    sentences = read(tmp_path, *records, {"text": "Nobody", "answer": "accept"}, faults=faults)
    assert sentences.inputs == [(["Ada-Byron", "met"], ["B-PER", "O"]), (["Nobody"], ["O"])]
    assert "2 records were not accepted" in faults.notes[0]


def test_texts_are_cut_into_sentences_but_not_inside_a_span(tmp_path):
    text = "I met Dr. No. He left\nfor St. Ives! 早い。です"
    spans = [[6, 12, "PER"], [26, 34, "LOC"]]
    sentences = read(tmp_path, {"text": text, "entities": spans}, {"text": "One", "entities": []})
    assert [" ".join(words) for words, _ in sentences.inputs] == [
        "I met Dr . No .", "He left", "for St . Ives !", "早 い 。", "で す", "One",
    ]  # fmt: skip
    assert sentences.groups == ["a.jsonl 1"] * 5 + ["a.jsonl 2"]
    assert read(tmp_path, {"text": "One", "entities": []}).groups is None


def test_spans_inside_words_take_the_whole_word(tmp_path):
    faults = CollectedFaults()
    sentences = read(tmp_path, {"text": "the Berliners of Berlin ", "spans": [
        {"start": 4, "end": 10, "label": "a place"}, {"start": 17, "end": 24, "label": "a place"},
    ]}, faults=faults)  # fmt: skip
    assert sentences.inputs[0][1] == ["O", "B-a-place", "O", "B-a-place"]
    assert "1 spans begin or end inside a word" in faults.notes[0]


def test_words_are_runs_of_letters_marks_and_digits():
    text = "Ünal's e-mail: 3,5 हिन्दी 東京_x"
    assert [text[start:end] for start, end, _ in words_of(text)] == [
        "Ünal", "'", "s", "e", "-", "mail", ":", "3", ",", "5", "हिन्दी", "東", "京", "_x",
    ]  # fmt: skip


def test_fields_are_groups_and_times(tmp_path):
    records = [{"text": f"{i}", "spans": [], "doc": i // 2, "when": f"2024-01-0{9 - i}"} for i in range(4)]
    sentences = read(tmp_path, *records, columns=SplitColumns("doc", "when"))
    assert (sentences.groups, sentences.times) == (["0", "0", "1", "1"], sorted(sentences.times, reverse=True))
    with pytest.raises(BadInputError, match='line 5: "doc" is empty or missing'):
        read_bad(tmp_path, *records, {"text": "x", "spans": [], "doc": None}, columns=SplitColumns("doc"))
    with pytest.raises(BadInputError, match=r'field "page" in ".*a.jsonl"'):
        read(tmp_path, *records, columns=SplitColumns("page"))


def read_bad(folder, *records, columns=NO_COLUMNS):
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    read_spans(folder / "a.jsonl", columns)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"text": "Ada", "spans": [{"start": 0, "end": 4, "label": "x"}]}, "0 to 4 is not inside the text of 3"),
        ({"text": "Ada", "spans": [{"start": 2, "end": 2, "label": "x"}]}, "2 to 2 is not inside"),
        ({"text": "Ada", "spans": [{"start": -1, "end": 2, "label": "x"}]}, "-1 to 2 is not inside"),
        ({"text": "Ada B", "entities": [[0, 3, "x"], [2, 5, "y"]]}, r'0 to 3 \("x"\) and 2 to 5 \("y"\) overlap'),
        ({"text": "Ada", "entities": [[0, 1, "x"], [2, 3, "y"]]}, "overlap, or share a word"),
        ({"text": "a  b", "entities": [[1, 3, "x"]]}, "1 to 3 contains no word"),
        ({"text": "Ada", "entities": [[0, 3]]}, r"\[0, 3\] is not a span"),
        ({"text": "Ada", "entities": [["0", 3, "x"]]}, "is not a span"),
        ({"text": "Ada", "entities": [[0, 3, None]]}, "is not a span"),
        ({"text": "😀 Ada", "spans": [{"start": 3, "end": 6, "text": "Ada", "label": "x"}]}, "not inside"),
        ({"text": "é Ada!", "spans": [{"start": 3, "end": 6, "text": "Ada", "label": "x"}]}, "its own text is"),
        ({"text": "Ada"}, "no text with spans"),
        ({"text": "Ada", "label": "PER"}, "no text with spans"),
        ({"text": "Ada", "spans": [], "entities": []}, "several lists of spans, spans and entities"),
        ({"tokens": ["a", "b"], "tags": ["O"]}, "2 words with 1 tags"),
        ({"tokens": ["a"], "ner_tags": [3]}, "are not the names of tags"),
        ({"tokens": ["a", " "], "tags": ["O", "O"]}, "a word without letters"),
        ({"tokens": ["a"], "tags": ["NNP"]}, '"NNP" is not an entity tag'),
        ({"text": "ab", "tokens": [{"start": 1, "end": 9}], "spans": []}, "tokens are not words of the text"),
        ("Ada", "not a record"),
    ],
)
def test_bad_records_are_named_by_line(tmp_path, record, sentence):
    with pytest.raises(BadInputError, match=rf'a.jsonl", line 2: .*{sentence}'):
        read_bad(tmp_path, {"text": "Fine", "spans": []}, record)


def test_what_is_no_json_is_named(tmp_path):
    for text, sentence in (("{}\n{", "line 2 is not JSON|line 1"), ("", "no texts"), ("[" * 99999, "is not JSON")):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(BadInputError, match=sentence):
            read_spans(tmp_path / "a.json")


def test_a_table_of_the_hub_names_the_classes_of_its_tags(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    names = {"feature": {"names": ["O", "B-PER"], "_type": "ClassLabel"}, "_type": "Sequence"}
    table = pyarrow.table({"tokens": [["Ada", "met"], ["x"]], "ner_tags": [[1, 0], [0]], "doc": ["a", "b"]})
    described = json.dumps({"info": {"features": {"ner_tags": names, "tokens": {"feature": {"dtype": "string"}}}}})
    parquet.write_table(table.replace_schema_metadata({"huggingface": described}), tmp_path / "a.parquet")
    sentences = read_spans(tmp_path / "a.parquet", SplitColumns("doc"))
    assert sentences.inputs == [(["Ada", "met"], ["B-PER", "O"]), (["x"], ["O"])]
    assert sentences.groups == ["a", "b"]
    parquet.write_table(table, tmp_path / "b.parquet")
    with pytest.raises(BadInputError, match=r'b.parquet", record 1: .1, 0. are not the names of tags'):
        read_spans(tmp_path / "b.parquet")
    described = described.replace('"B-PER"', "").replace('"O", ', '"O"')
    parquet.write_table(table.replace_schema_metadata({"huggingface": described}), tmp_path / "c.parquet")
    with pytest.raises(BadInputError, match=r'c.parquet", column "ner_tags" has a number without a name'):
        read_spans(tmp_path / "c.parquet")
