"""The data of the interactive page, and the file that it becomes: without a browser."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from site_rows import board_rows
from sklearn.metrics import confusion_matrix
from test_hostile_text import EVIL, assert_printable, hostile_rows

from tlbench.leaderboard.aggregate import aggregate, without_score
from tlbench.leaderboard.comparison import compare_entries
from tlbench.leaderboard.site import page as pages
from tlbench.leaderboard.site.columnar import FINE, Texts, columns, rounded
from tlbench.leaderboard.site.data import site_data
from tlbench.leaderboard.site.descriptions import Card, Descriptions
from tlbench.leaderboard.site.page import page
from tlbench.leaderboard.site.stored import confusion, latencies
from tlbench.results.files import file_sha256, write_json

NOTHING = Descriptions()


class Elements(HTMLParser):
    """The elements of a page with their attributes, and what is inside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.inside: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.found and self.found[-1][0] in ("script", "style") and data.strip():
            self.inside.append((self.found[-1][0], data))


def data_in(text: str) -> dict:
    return unpacked(re.search(r'id="data">(.*?)</script>', text).group(1))


def unpacked(text: str) -> dict:
    return json.loads(gzip.decompress(base64.b64decode(text, validate=True)))


def column(data: dict, table: str, name: str) -> list:
    """Return a column of a table as the page reads it."""
    values = data[table][name]
    return values if isinstance(values, list) else [None if at is None else data["texts"][at] for at in values["t"]]


def in_rows(table: dict, texts: list) -> list[dict]:
    """Return the records of a table."""
    read = {name: [texts[at] for at in one["t"]] if isinstance(one, dict) else one for name, one in table.items()}
    return [dict(zip(read, values, strict=True)) for values in zip(*read.values(), strict=True)]


@pytest.fixture
def rows(row):
    return board_rows(row, 4)


def test_every_entry_and_every_run_is_on_the_page(rows, tmp_path):
    data = data_in(page(site_data(rows, tmp_path, NOTHING, "Board")))
    entries = [*aggregate(rows), *without_score(rows)]
    assert sorted(column(data, "entries", "strategy")) == sorted(entry.first.strategy for entry in entries)
    assert len(column(data, "runs", "id")) == len(rows) == len(set(column(data, "runs", "id")))
    fields = ("task", "backbone", "label", "status", "score")
    shown = list(zip(*(column(data, "entries", name) for name in fields), strict=True))
    expected = [
        (e.first.task, e.first.backbone, e.strategy, e.first.status, rounded(e.mean("score"), FINE)) for e in entries
    ]
    assert sorted(map(str, shown)) == sorted(map(str, expected))


@pytest.mark.parametrize("text", EVIL.values(), ids=EVIL)
def test_text_of_rows_cannot_leave_the_data(row, text, tmp_path):
    cards = Descriptions(
        tasks={f"toy/{text}": Card(title=text, summary=text, facts={text: text}, kind=text)},
        strategies={text: Card(title=text, summary=text)},
        repeat=lambda _: text,
    )
    made = page(site_data(hostile_rows(row, text), tmp_path, cards, text))
    assert_printable(made)
    elements = Elements(made)
    assert [tag for tag, _ in elements.found if tag == "script"] == ["script", "script"]
    assert not {"img", "svg", "iframe", "object", "link", "base"} & {tag for tag, _ in elements.found}
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]
    packed_text = next(inside for tag, inside in elements.inside if tag == "script")
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", packed_text)
    assert_printable(json.dumps(data_in(made), ensure_ascii=False))
    assert unpacked(packed_text) == data_in(made)


def test_the_policy_allows_the_program_and_the_style_of_the_page_alone(rows):
    made = page(site_data(rows, None, NOTHING, "Board"))
    elements = Elements(made)
    (policy,) = [a["content"] for t, a in elements.found if a.get("http-equiv") == "Content-Security-Policy"]
    hashes = {
        tag: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for tag, text in elements.inside
    }  # of two scripts the last, which is the program
    assert policy.split("; ") == [
        "default-src 'none'",
        f"script-src 'sha256-{hashes['script']}'",
        f"style-src 'sha256-{hashes['style']}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert not [a for _, a in elements.found if "src" in a or "style" in a or a.get("href", "#")[0] != "#"]


def test_the_same_rows_make_the_same_page(rows):
    made = [page(site_data(some, None, NOTHING, "Board")) for some in (rows, list(reversed(rows)))]
    assert made[0] == made[1]


def test_the_program_puts_no_html_together():
    program = pages.program()
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch("):
        assert word not in program
    assert {path.stem for path in (pages.FOLDER / "js").iterdir()} == set(pages.MODULES)


def test_comparisons_are_those_of_the_command(rows):
    data = data_in(page(site_data(rows, None, NOTHING, "Board")))
    entries, texts = aggregate(rows), data["texts"]
    a, b = ([entry for entry in entries if entry.first.strategy == name] for name in ("finetune", "frozen"))
    expected, uncompared = compare_entries(a, b, "strategy")
    names = [column(data, "entries", name) for name in ("task", "backbone", "strategy")]
    named = [tuple(values[at] for values in names) for at in range(len(names[0]))]
    table = data["compared"]["strategy"]
    records = [
        one
        for one in in_rows(table["records"], texts)
        if (named[one["a"]][2], named[one["b"]][2]) == ("finetune", "frozen")
    ]
    assert len(records) == len(expected) > 1
    for record, one in zip(records, expected, strict=True):
        assert named[record["a"]] == (one.task, one.backbone, "finetune")
        assert named[record["b"]] == (one.task, one.backbone, "frozen")
        for side, score in (("a", one.score_a), ("b", one.score_b)):
            own = record.get(f"score_{side}")
            assert (data["entries"]["score"][record[side]] if own is None else own) == rounded(score, FINE)
        assert f"{record['difference']:+.3f}" == f"{rounded(one.difference, FINE):+.3f}"
        assert record["error"] == pytest.approx(rounded(one.error, FINE), abs=6e-4)
        assert (record["verdict"], record["paired"]) == (one.verdict, one.paired)
    reasons = [times for a, b, _, times in table["reasons"] if (texts[a], texts[b]) == ("finetune", "frozen")]
    assert sum(reasons) == sum(bool(one.a and one.b) for one in uncompared)


def test_a_score_is_not_rounded_twice(row):
    data = data_in(page(site_data([row("finetune", 0, 0.94946)], None, NOTHING, "Board")))
    (fact,) = [fact for fact in data["facts"] if fact["field"] == "score"]
    for score in (*column(data, "entries", "score"), *fact["values"]):
        assert f"{score:.3f}" == "0.949"  # of four digits, 0.9495, it would be 0.950


def test_fields_stand_once_for_all_seeds_that_share_them(row):
    rows = [row("finetune", seed, 0.5 + seed / 10) for seed in range(3)]
    data = data_in(page(site_data(rows, None, NOTHING, "Board")))
    facts = {fact["field"]: fact for fact in data["facts"]}
    assert (facts["score"]["of"], facts["score"]["values"]) == ("run", [0.5, 0.6, 0.7])
    assert (facts["access"]["of"], [data["texts"][at] for at in facts["access"]["values"]["t"]]) == (
        "entry",
        ["target-labels"],
    )


def test_sentences_share_a_pattern_and_keep_their_numbers(row):
    rows = [row("a", seed, 0.5, eager_score=0.5, train_gap=gap) for seed, gap in enumerate((0.2, 0.3))]
    data = data_in(page(site_data(rows, None, NOTHING, "B")))
    ((first, *ours),), ((second, *theirs),) = (said for _, said in data["sentences"])
    assert (first, ours, theirs) == (second, ["0.700", "0.500"], ["0.800", "0.500"])
    assert data["texts"][first].startswith("Overfitted: {} on the labels that it was given, {} on")
    assert Texts().pattern("{} 0.5") == [0]


def test_numbers_by_name_are_those_of_the_row(row):
    data = data_in(page(site_data([row("a", 0, 0.5, scores={"accuracy": 0.5, "nll": 1.23456})], None, NOTHING, "B")))
    (fact,) = [fact for fact in data["facts"] if fact["field"] == "scores"]
    assert [data["texts"][at] for at in fact["names"][0]] == ["accuracy", "nll"]
    assert fact["values"] == [[0.5, 1.235]]


def stored_row(row, board, predictions, targets, labels, **arrays):
    """Return a row with a file of predictions beside it."""
    made = row("finetune", 0, 0.5)
    path = (board / "rows" / made.file_name).with_suffix(".npz")
    path.parent.mkdir(parents=True, exist_ok=True)
    counts = np.ones(len(targets), np.int64)
    np.savez(path, predictions=predictions, targets=targets, counts=counts, labels=labels, **arrays)
    return dataclasses.replace(made, predictions_sha256=file_sha256(path))


def test_confusions_and_calibration_are_counted_from_stored_predictions(row, tmp_path):
    random = np.random.default_rng(0)
    scores = random.dirichlet(np.ones(4), 500).astype(np.float32)
    targets = random.integers(0, 4, 500)
    made, texts = stored_row(row, tmp_path, scores, targets, np.array(list("abcd"))), Texts()
    found = confusion(made, tmp_path, texts)
    matrix = np.zeros((4, 4), int)
    for target, taken, number in found["counts"]:
        matrix[target, taken] = number
    np.testing.assert_array_equal(matrix, confusion_matrix(targets, scores.argmax(1), labels=range(4)))
    assert [texts.all()[at] for at in found["labels"]] == list("abcd")
    assert sum(number for *_, number in found["bins"]) == 500
    weighted = sum(right * number for _, right, number in found["bins"]) / 500
    assert weighted == pytest.approx((scores.argmax(1) == targets).mean(), abs=2e-3)


@pytest.mark.parametrize("damage", ["other hash", "numbers", "strange targets", "too many classes", "no labels"])
def test_predictions_that_are_no_classes_or_not_those_of_the_row_are_left_out(row, tmp_path, damage):
    classes = 40 if damage == "too many classes" else 3
    scores = np.full((6, classes), 1 / classes, np.float32)
    targets = np.array([0, 1, 2, 0, 1, 9 if damage == "strange targets" else 2])
    labels = np.array([str(number) for number in range(classes)])
    if damage == "numbers":
        scores, labels = scores * 7 - 3, labels
    if damage == "no labels":
        labels = labels[:1]
    made = stored_row(row, tmp_path, scores, targets, labels)
    if damage == "other hash":
        made = dataclasses.replace(made, predictions_sha256="0" * 64)
    assert confusion(made, tmp_path, Texts()) is None


def test_a_histogram_holds_all_queries_but_the_slowest(row, tmp_path):
    raw = [round(float(value), 6) for value in np.random.default_rng(0).gamma(9, 0.1, 1000)]
    made = row("finetune", 0, 0.5, latency="abc")
    write_json(tmp_path / "latency" / "abc.json", {"raw_ms": raw})
    found = latencies(made, tmp_path)
    assert sum(found["counts"]) + found["slower"] == 1000
    assert found["slower"] == sum(value > sorted(raw)[990] for value in raw)
    inside = sum(value < found["start"] + 10 * found["width"] for value in raw)
    assert abs(sum(found["counts"][:10]) - inside) <= 3  # the edges are rounded


def test_a_latency_of_another_name_or_a_damaged_file_is_no_histogram(row, tmp_path):
    write_json(tmp_path / "latency" / "abc.json", {"raw_ms": "no list"})
    assert latencies(row("finetune", 0, 0.5, latency="abc"), tmp_path) is None
    assert latencies(row("finetune", 0, 0.5, latency="../../etc/passwd"), tmp_path) is None


def test_columns_without_values_are_left_out_and_texts_stand_once():
    texts = Texts()
    records = [{"a": "x", "b": None, "c": 1.23456}, {"a": "x", "b": None, "c": float("nan")}]
    assert columns(records, texts) == {"a": {"t": [0, 0]}, "c": [1.235, None]}
    assert texts.all() == ["x"]


def test_of_many_results_the_median_seed_has_the_details(row, monkeypatch):
    rows = [row("a", seed, score, training_loss=(1.0, 0.5)) for seed, score in enumerate((0.5, 0.9, 0.7))]
    rows.append(row("b", 0, 0.6, training_loss=(1.0, 0.4)))
    detailed = lambda: sorted(one[0] for one in site_data(rows, None, Descriptions(), "Board")["training"])  # noqa: E731
    data = site_data(rows, None, Descriptions(), "Board")
    assert detailed() == [0, 1, 2, 3]
    monkeypatch.setattr("tlbench.leaderboard.site.data.MANY", 3)
    kept = [(data["runs"]["entry"][place], data["runs"]["seed"][place]) for place in detailed()]
    assert sorted(seed for _, seed in kept) == [0, 2]
    assert len({entry for entry, _ in kept}) == 2
