from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies
from support import plan_only
from tokenizers import Tokenizer

from tlbench import BadInputError, FitRequest, LoadRequest
from tlbench.engine.prepared import Prepared, prepare
from tlbench.planning.catalog import load_catalog
from tlbench.planning.settings import Settings
from tlbench_nlp.backbones import bert
from tlbench_nlp.preprocess import preprocessor
from tlbench_nlp.tasks import reviews

real_data = pytest.mark.skipif("TLBENCH_DATA" not in os.environ, reason="TLBENCH_DATA is not set: reads real data")


def elsewhere(name):
    """Call a function of this file in another process and return what it gives."""
    here = Path(__file__)
    code = f"import sys; sys.path += {[str(here.parents[1])]}; import {here.stem} as here; print(here.{name}())"
    words = [sys.executable, "-c", code]
    return subprocess.run(words, capture_output=True, text=True, check=True, cwd=here.parent).stdout.strip()


def hash_of_pieces():
    inputs = reviews.load(None).source.train.inputs
    return sha256(bert.fit(FitRequest(inputs=inputs, options={"vocabulary": 150}))["tokenizer"].encode()).hexdigest()


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


@pytest.fixture(scope="module")
def written():
    return reviews.load(None)


def load(catalog, name):
    task = catalog.task(name)
    options = {option.name: option.default for option in task.options}
    return task.load(LoadRequest(task=name, options=options, data_root=Path(os.environ["TLBENCH_DATA"])))


def test_pieces_are_the_same_in_every_process():
    """The library's trainer of word pieces, which is not taken, gives others each time."""
    assert hash_of_pieces() == elsewhere("hash_of_pieces")


@pytest.fixture(scope="module")
def fitted():
    texts = ["It's the 1st café, isn't it?  They'll say: Zürich, 東京 １２ ²!", "the then there these thesis"]
    return bert.fit(FitRequest(inputs=texts, options={"vocabulary": 340}))


def library(fitted, max_length):
    tokenizer = Tokenizer.from_str(fitted["tokenizer"])
    tokenizer.enable_truncation(max_length)
    return tokenizer


def word_pieces(tokenizer, words):
    """Ids, and each word's first position or the last one, as the library gives them."""
    encoding = tokenizer.encode(words, is_pretokenized=True)
    first = {}
    for position, word in enumerate(encoding.word_ids):
        if word is not None:
            first.setdefault(word, position)
    return encoding.ids, [first.get(word, len(encoding.ids) - 1) for word in range(len(words))]


# Not the brackets: the library takes a special token's name in a text for the token, which ours does not.
SIGNS = strategies.sampled_from("aeést'lvrmd  \t\n\x1c\u2009.!1²") | strategies.characters(exclude_characters="[")
TEXTS = strategies.text(SIGNS)


@hypothesis.given(text=TEXTS)
def test_texts_become_the_pieces_of_the_library(fitted, text):
    (ids,) = preprocessor(fitted, {"max_length": 24}, "pooled")(text)
    assert ids.tolist() == library(fitted, 24).encode(text).ids


@hypothesis.given(words=strategies.lists(TEXTS))
def test_words_become_the_pieces_of_the_library(fitted, words):
    ids, first = preprocessor(fitted, {"max_length": 24}, "sequence")(words)
    assert (ids.tolist(), first.tolist()) == word_pieces(library(fitted, 24), words)


def test_the_name_of_a_special_token_is_text_like_any_other(fitted):
    (ids,) = preprocessor(fitted, {"max_length": 24}, "pooled")("[PAD]")
    assert (ids[0], ids[-1], ids[1:-1].min() > 2) == (1, 2, True)


def test_a_word_of_ten_thousand_letters_is_merged_as_by_the_library(fitted):
    (ids,) = preprocessor(fitted, {"max_length": 10_000}, "pooled")("the" * 5_000)
    assert ids.tolist() == library(fitted, 10_000).encode("the" * 5_000).ids


def test_reviews_are_balanced(written):
    sizes = [
        np.bincount(s.labels).tolist() for side in (written.source, written.target) for s in (side.train, side.test)
    ]
    assert sizes == [[750, 750], [250, 250], [1000, 1000], [400, 400]]


def test_goods_share_general_words_and_no_aspects(written):
    books, kitchen = (set(" ".join(s.train.inputs).split()) for s in (written.source, written.target))
    assert not set(reviews.BOOK_ASPECTS) & kitchen
    assert not set(reviews.KITCHEN_ASPECTS) & books
    assert {*reviews.GENERAL[0], *reviews.GENERAL[1]} <= books & kitchen


def test_five_words_change_sides():
    praise = [set(goods.words[1]) for goods in (reviews.BOOKS, reviews.KITCHEN)]
    blame = [set(goods.words[0]) for goods in (reviews.BOOKS, reviews.KITCHEN)]
    assert praise[0] & blame[1] | blame[0] & praise[1] == {"light", "simple", "predictable", "dark", "heavy"}
    assert praise[0] & praise[1] == {"sharp"}
    assert not blame[0] & blame[1]


def test_words_say_what_the_label_says(written):
    """A count of polar words, aware of no grammar, is mostly right and not always."""
    for side, goods in ((written.source, reviews.BOOKS), (written.target, reviews.KITCHEN)):
        polarity = dict.fromkeys((*reviews.GENERAL[0], *goods.words[0]), -1)
        polarity |= dict.fromkeys((*reviews.GENERAL[1], *goods.words[1]), 1)
        sums = np.array([sum(polarity.get(word, 0) for word in text.split()) for text in side.test.inputs])
        decided = sums != 0
        right = (sums > 0)[decided] == (np.array(side.test.labels) == 1)[decided]
        assert 0.8 < right.mean() < 0.97


@pytest.fixture
def tables(tmp_path):
    """Writes a table of twenty texts a side."""

    def write(name, label="label", names=("bad", "good")):
        rows = [f'"{names[i % 2]}, number {i}",{names[i % 2]}' for i in range(20)]
        (tmp_path / name).write_text("\n".join([f"text,{label}", *rows]))
        return str(tmp_path / name)

    return write


def run_request(source, target):
    overrides = {"task.source": source, "task.target": target}
    return {"tasks": ["nlp/text-table"], "strategies": ["finetune"], "overrides": overrides}


def test_own_texts_become_model_inputs(catalog, tables, tmp_path):
    settings = Settings(cache=tmp_path / "cache", board=tmp_path / "board", data_root=None)
    (pairing,) = plan_only(catalog, settings, **run_request(tables("a.csv"), tables("b.csv"))).pairings
    (tmp_path / "out").mkdir()
    prepare(pairing, tmp_path / "out")
    prepared = Prepared.read(tmp_path / "out")
    assert prepared.target_labels == ("bad", "good")
    assert np.bincount(prepared.split("target-train").targets.values).tolist() == [8, 8]
    assert np.bincount(prepared.split("target-test").targets.values).tolist() == [2, 2]


def test_a_missing_column_is_met_in_planning(catalog, tables, tmp_path):
    asked = run_request(tables("a.csv"), tables("b.csv", label="class"))
    with pytest.raises(BadInputError, match=r'column "label" in ".*b.csv"'):
        plan_only(catalog, Settings(cache=tmp_path / "cache", board=tmp_path / "board"), **asked)


def test_labels_that_differ_make_the_task_inductive_and_are_named(catalog, tables, tmp_path):
    settings = Settings(cache=tmp_path / "cache", board=tmp_path / "board")
    asked = run_request(tables("a.csv"), tables("b.csv", names=("bad", "fine")))
    with pytest.warns(UserWarning, match="good.*fine"):
        (pairing,) = plan_only(catalog, settings, **asked).pairings
    assert pairing.setting == "inductive"
    data = pairing.task.load(pairing.load_request)
    assert (data.source.labels, data.target.labels) == (("bad", "good"), ("bad", "fine"))


@real_data
def test_snippets_are_split_by_document(catalog):
    data = load(catalog, "nlp/sentiment-vader")
    sums = [np.bincount([*side.train.labels, *side.test.labels]).tolist() for side in (data.source, data.target)]
    assert sums == [[5326, 5242], [1482, 2128]]
    where = {}
    path = Path(os.environ["TLBENCH_DATA"]) / "sentiment_vader/amazonReviewSnippets_GroundTruth.txt"
    for line in path.read_text().splitlines():
        name, _, text = line.split("\t")
        where.setdefault(text, set()).add(name.split("_")[0])
    train, test = (
        {next(iter(where[text])) for text in split.inputs if len(where[text]) == 1}
        for split in (data.target.train, data.target.test)
    )
    assert len(train) > 100
    assert len(test) > 100
    assert not train & test


@real_data
def test_named_entity_counts(catalog):
    data = load(catalog, "nlp/ner-wikipedia-social")
    sizes = [len(split.inputs) for side in (data.source, data.target) for split in (side.train, side.test)]
    assert sizes == [1472, 369, 3394 + 1009, 1287]
    words = [sum(map(len, split.inputs)) for side in (data.source, data.target) for split in (side.train, side.test)]
    assert (words[0] + words[1], words[2], words[3]) == (39152, 62730 + 15733, 23394)


@real_data
@pytest.mark.parametrize("task", ["nlp/sentiment-vader", "nlp/ner-wikipedia-social"])
def test_real_texts_become_the_pieces_of_the_library(catalog, task):
    data, layout = load(catalog, task).target, catalog.task(task).kind.layout
    fitted = bert.fit(FitRequest(inputs=data.train.inputs, options={"vocabulary": 1000}))
    tokenizer, prepare = library(fitted, 24), preprocessor(fitted, {"max_length": 24}, layout)
    for example in data.test.inputs:
        pieces = word_pieces(tokenizer, example) if layout == "sequence" else (tokenizer.encode(example).ids,)
        assert tuple(part.tolist() for part in prepare(example)) == pieces


@pytest.mark.parametrize(
    ("one", "other", "kept"), [(2, 3, (2, 3)), (20, 3, (4, 3)), (3, 20, (3, 4)), (20, 20, (3, 4)), (0, 5, (0, 5))]
)
def test_a_pair_of_texts_is_cut_where_it_is_longer(one, other, kept):
    """Ten pieces have room for seven beside [CLS] and twice [SEP]."""
    fitted = bert.fit(FitRequest(inputs=["a b", ("a", "b")], options={"vocabulary": 300}))
    prepare = preprocessor(fitted, {"max_length": 10}, "pooled")
    (ids,) = prepare(("a " * one, "b " * other))
    first, last = np.flatnonzero(ids == 2)
    assert (ids[0], last) == (1, len(ids) - 1)
    assert abs(first - 1 - kept[0]) <= 1
    assert abs(last - first - 1 - kept[1]) <= 1
    assert len(ids) <= 10


def test_a_pair_reads_the_same_from_json_as_from_a_table():
    fitted = bert.fit(FitRequest(inputs=["good bad"], options={"vocabulary": 300}))
    prepare = preprocessor(fitted, {"max_length": 20}, "pooled")
    np.testing.assert_array_equal(prepare(["good", "bad"])[0], prepare(("good", "bad"))[0])
    assert prepare(("good", "bad"))[0].tolist() != prepare(("bad", "good"))[0].tolist()
