"""One's own questions, from files to a task, and what is wrong with them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

import tlbench
from tlbench import BadInputError, LoadRequest, TaskLabels
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.cli.export_command import command as export_command
from tlbench.cli.inspection import inspect_task
from tlbench.planning.catalog import load_catalog
from tlbench_answers.examples import LONGEST
from tlbench_answers.reader import question_reader

CONTEXT = "Anna lives in Port Maule. Boris lives in Fenn."


def asked(answer="Fenn", start=41, **fields):
    return {"question": "Where?", "context": CONTEXT, "answers": [{"text": answer, "answer_start": start}], **fields}


def many(count=20, **fields):
    """Questions on contexts of their own."""
    return [
        {"id": f"q{i}", "question": "Where is it?", "context": f"Ship {i} is in Fenn.", "answer": "Fenn", **fields}
        for i in range(count)
    ]


def lines(path, records):
    path.write_text("\n".join(map(json.dumps, records)))
    return str(path)


def request(**options):
    task = load_catalog().task("nlp/qa-table")
    given = {option.name: option.default for option in task.options}
    return task, LoadRequest(task=task.name, options={**given, **options}, data_root=None, faults=CollectedFaults())


def squad(version, **extra):
    paragraphs = [
        {"context": record["context"], "qas": [{**{k: record[k] for k in ("id", "question")}, **fields}]}
        for record, fields in zip(
            many(), [{"answers": [{"text": "Fenn", "answer_start": 10}]}] * 19 + [extra], strict=True
        )
    ]
    return {"version": version, "data": [{"title": "Ships", "paragraphs": paragraphs}]}


FORMS = {
    "texts": {"answers": ["Fenn"]},
    "objects": {"answers": [{"text": "Fenn", "start": 41}]},
    "lists": {"answers": {"text": ["Fenn"], "answer_start": [41]}},
    "lists without offsets": {"answers": {"text": ["Fenn"], "answer_start": 41}},
    "beside": {"answer": "Fenn", "answer_start": 41},
    "object": {"answer": {"text": " Fenn ", "answer_start": 40}},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_answer_is_the_same(form, tmp_path):
    record = {"question": "Where?", "context": CONTEXT, **FORMS[form]}
    task, given = request(target=lines(tmp_path / "a.jsonl", [*many(), record]))
    data = task.load(given)
    known = [
        (reference, label)
        for split in (data.target.train, data.target.test)
        for reference, label in zip(split.references, split.labels, strict=True)
        if reference["context"] == CONTEXT
    ]
    ((reference, label),) = known
    assert reference["answers"] == ["Fenn"]
    assert label.tolist() == [0] * 9 + [3, 0]
    assert given.faults.errors == []


def test_squad_1_and_2_are_domains_of_one_task(tmp_path):
    (tmp_path / "one.json").write_text(json.dumps(squad("1.1", answers=[{"text": "Fenn", "answer_start": 11}])))
    impossible = {"answers": [], "is_impossible": True, "plausible_answers": [{"text": "Ship", "answer_start": 0}]}
    (tmp_path / "two.json").write_text(json.dumps(squad("v2.0", **impossible)))
    task, given = request(source=str(tmp_path / "one.json"), target=str(tmp_path / "two.json"))
    assert [path.name for path in task.files(given)] == ["one.json", "two.json"]
    # A question of one domain has no answer: both domains have the label, so that the same head serves both.
    assert task.labels(given) == TaskLabels(source=("no answer",), target=("no answer",))
    data = task.load(given)
    both = (*data.target.train.references, *data.target.test.references)
    assert sorted(len(reference["answers"]) for reference in both) == [0] + [1] * 19
    task, given = request(source=str(tmp_path / "one.json"), target=str(tmp_path / "one.json"))
    assert task.labels(given) == TaskLabels(source=(), target=())


def test_questions_on_one_context_stay_together(tmp_path):
    records = [{**record, "context": f"Ship {i // 4} is in Fenn."} for i, record in enumerate(many(40))]
    task, given = request(target=lines(tmp_path / "a.jsonl", records))
    target = task.load(given).target
    assert not set(target.train.groups) & set(target.test.groups)
    assert len(set(target.test.groups)) == 2
    titled = [{**record, "title": f"T{i % 5}"} for i, record in enumerate(records)]
    task, given = request(target=lines(tmp_path / "b.jsonl", titled), group="title")
    assert len(set(task.load(given).target.test.groups)) == 1


def test_tables_of_the_hub_are_read(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    answers = [{"text": ["Fenn"], "answer_start": [one["context"].index("Fenn")]} for one in many()]
    columns = {name: [one[name] for one in many()] for name in ("id", "question", "context")}
    parquet.write_table(pyarrow.table({**columns, "answers": answers}), tmp_path / "a.parquet")
    task, given = request(target=str(tmp_path / "a.parquet"))
    target = task.load(given).target
    assert (len(target.train.inputs), len(target.test.inputs), given.faults.errors) == (16, 4, [])


WRONG = {
    "not in its context": (asked("Oslo"), 'line 21: the answer "Oslo" is not in its context'),
    "no question": ({**asked(), "question": " "}, 'line 21: " " is no question'),
    "no context": ({"question": "Where?", "answer": "x"}, "line 21: null is no context"),
    "context of nothing": ({**asked(), "context": ["a"]}, 'line 21: ["a"] is no context'),
    "nothing said": ({"question": "Where?", "context": CONTEXT}, "line 21: the answers are missing: expected"),
    "contradiction": (asked(is_impossible=True), 'line 21: there are answers, but "is_impossible" is true'),
    "a number": ({**asked(), "answers": [7]}, "line 21: 7 is no answer"),
    "lists": ({**asked(), "answers": [["Fenn"]]}, 'line 21: ["Fenn"] is no answer'),
    "half a character in the question": (
        {**asked(), "question": "Why \ud83d?"},
        'line 21: the question "Why \ufffd?" has half',
    ),
    "half a character in the context": (
        {**asked(), "context": "Fenn \udc00"},
        'line 21: the context "Fenn \ufffd" has half',
    ),
    "half a character in the answer": (asked("Fenn\ud83d"), 'line 21: the answer "Fenn\ufffd" has half a character'),
    "missing answers": ({**asked(), "answers": None}, "line 21: the answers are missing: expected"),
    "possible": ({**asked(), "answers": None, "is_impossible": False}, "line 21: the answers are missing: expected"),
    "empty answer": (
        {"question": "Where?", "context": CONTEXT, "answer": ""},
        "line 21: the answers are missing: expected",
    ),
    "offset as text": (asked(start="41"), 'line 21: "41" is no answer_start: give the place'),
    "offset with a fraction": (asked(start=41.0), "line 21: 41.0 is no answer_start: give the place"),
    "offset of a truth": (asked(start=True), "line 21: true is no answer_start: give the place"),
    "offset in a list": ({**asked(), "answers": {"text": ["Fenn"], "answer_start": ["41"]}}, '"41" is no answer_start'),
    "offset beside": ({**asked(), "answers": ["Fenn"], "answer_start": 41.5}, "line 21: 41.5 is no answer_start"),
    "no list": ({"context": CONTEXT, "qas": 3}, "line 21: 3 is no list of objects"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_with_its_line(case, tmp_path):
    record, said = WRONG[case]
    task, given = request(target=lines(tmp_path / "a.jsonl", [*many(), record]))
    found = inspect_task(task, given, 5)
    assert [error for error in found.refused if said in error], found.refused
    assert sum(split["examples"] for split in found.splits) == 20
    with pytest.raises(BadInputError, match="line 21"):
        task.load(LoadRequest(task=task.name, options=given.options, data_root=None))


def test_half_a_character_in_a_group_is_named(tmp_path):
    task, given = request(target=lines(tmp_path / "a.jsonl", [*many(title="T"), asked(title="\ud83d")]), group="title")
    task.load(given)
    assert [error for error in given.faults.errors if 'line 21: "title" has half a character' in str(error)]


def test_missing_answers_are_refused_unless_the_question_is_impossible(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    records = many()
    columns = {name: [one[name] for one in records] for name in ("id", "question", "context")}
    answers = [None, None, *([one["answer"]] for one in records[2:])]
    table = pyarrow.table({**columns, "answers": answers, "is_impossible": [False, True] + [False] * 18})
    parquet.write_table(table, tmp_path / "a.parquet")
    task, given = request(target=str(tmp_path / "a.parquet"))
    target = task.load(given).target
    assert ["entry 1: the answers are missing: expected" in str(error) for error in given.faults.errors] == [True]
    known = [len(one["answers"]) for split in (target.train, target.test) for one in split.references]
    assert sorted(known) == [0] + [1] * 18


def test_answers_that_are_too_long_to_be_predicted_are_counted(tmp_path):
    contexts = [" ".join(["word"] * count) + " end" for count in (LONGEST - 1, LONGEST)]
    records = [{"question": "All?", "context": context, "answer": context} for context in contexts]
    task, given = request(target=lines(tmp_path / "a.jsonl", [*many(), *records]))
    task.load(given)
    assert f"1 of 22 answers have more than {LONGEST} words" in " ".join(given.faults.notes)


def test_offsets_are_repaired_and_counted(tmp_path):
    records = [
        *many(),
        asked(start=3, id="q1"),
        {**asked("lives"), "answers": [{"text": "lives", "answer_start": 30}]},
        {**asked(), "answers": ["lives"]},
        asked("ort", 15),
    ]
    task, given = request(target=lines(tmp_path / "a.jsonl", records))
    target = task.load(given).target
    notes = " ".join(given.faults.notes)
    assert "2 of 24 answers stand elsewhere in their context than their offset says" in notes
    assert "1 of 24 answers without an offset occur several times" in notes
    assert "1 of 24 answers begin or end inside a word" in notes
    assert '1 ids are there several times, such as "q1"' in notes
    marked = [
        label.tolist().index(3)
        for split in (target.train, target.test)
        for label, known in zip(split.labels, split.references, strict=True)
        if known["answers"] == ["lives"]
    ]
    # The nearest to the offset, and the first without one.
    assert sorted(marked) == [1, 7]


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json", '"text"', "[1, 2]", '{"data": [{"paragraphs": [{}]}]}'])
def test_files_without_questions_are_refused(text, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(text)
    task, given = request(target=str(path))
    found = inspect_task(task, given, 5)
    assert found.refused
    assert not [error for error in found.refused if "Traceback" in error or "cannot be loaded" in error], found.refused
    with pytest.raises(BadInputError):
        task.load(LoadRequest(task=task.name, options=given.options, data_root=None))


def test_an_export_reads_the_same_questions(tmp_path):
    read = question_reader()
    (tmp_path / "one.json").write_text(json.dumps(squad("1.1", answers=[])))
    pairs = read(tmp_path / "one.json")
    assert (len(pairs), pairs[3]) == (20, ["Where is it?", "Ship 3 is in Fenn."])
    lines(tmp_path / "a.jsonl", many())
    assert read(tmp_path / "a.jsonl") == pairs
    for text, said in (
        ("{", "line 1 is not JSON"),
        ("[]", "no questions"),
        ('{"question": "Where?"}', "expected"),
        ('{"question": "Where?", "context": "Fenn \\ud83d"}', "entry 1: a text has half a character"),
    ):
        (tmp_path / "b.jsonl").write_text(text)
        with pytest.raises(ValueError, match=said):
            read(tmp_path / "b.jsonl")


@pytest.mark.parametrize(
    ("backbone", "options"), [("text/bert-tiny", {"backbone.hidden": 16}), ("hf/bert", {"backbone.max_length": 24})]
)
def test_questions_without_answers_run_to_an_export(backbone, options, tmp_path, session_cache, folders, monkeypatch):
    monkeypatch.chdir(folders["bert"].parent)
    records = [{**one, "answer": None, "answers": []} if i % 2 else one for i, one in enumerate(many(60))]
    steps = {"source.steps": 3, "finetune.steps": 3, **options}
    places = {"task.source": lines(tmp_path / "a.jsonl", many(30)), "task.target": lines(tmp_path / "b.jsonl", records)}
    rows = tlbench.run(
        "nlp/qa-table",
        strategies=["finetune"],
        references=["constant"],
        backbone=backbone,
        options={**steps, **places},
        label_budgets=12,
        seeds=1,
        device="cpu",
        board=tmp_path / "board",
    )
    assert [(row.status, row.setting, row.parity_flips) for row in rows] == [("ok", "transductive", 0)] * 2
    (tuned,) = [row for row in rows if row.strategy == "finetune"]
    words = [tuned.key, "-o", str(tmp_path / "out"), "--board", str(tmp_path / "board")]
    assert CliRunner().invoke(export_command, words, catch_exceptions=False).exit_code == 0
    command = [sys.executable, "-B", "predict.py", str(tmp_path / "b.jsonl")]
    done = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 60
    assert all(" -> " in line for line in done.stdout.splitlines())


def test_inspect_says_how_many_answers_of_how_many_are_behind_the_cut(tmp_path):
    """By the default backbone, which reads 160 tokens."""
    catalog, records = load_catalog(), many(30)
    for record in (*records[:3], *records[20:22]):
        record["context"] = f"Ship {record['id']} sails on. {'It sails. ' * 100}It is in Fenn."
    lines(tmp_path / "train.jsonl", records[:18])
    lines(tmp_path / "test.jsonl", records[18:])
    task, given = request(target=str(tmp_path))
    found = inspect_task(task, given, 5, catalog.backbone(task.backbone))
    assert found.refused == []
    cut = [note for note in found.notes if "behind the cut" in note]
    assert [note.split(" are ")[0] for note in cut] == [
        "3 of 18 answers of the target train split",
        "2 of 12 answers of the target test split",
    ]
    assert all("text/bert-small at 160 tokens" in note and "--set backbone.max_length=320" in note for note in cut)
    assert not any("behind the cut" in note for note in inspect_task(task, given, 5).notes)


@pytest.mark.filterwarnings("ignore:The test split of")
def test_the_latest_questions_are_the_test_split(tmp_path):
    """Questions on one context stay together, and are as late as the last of them."""
    records = [record | {"asked": f"2024-01-{20 - number:02d}"} for number, record in enumerate(many())]
    first, last = records[0]["context"], records[-1]["context"]
    records.append({"question": "Which place?", "context": last, "answer": "Fenn", "asked": "2024-02-01"})
    task, given = request(target=lines(tmp_path / "a.jsonl", records), time="asked")
    test = task.load(given).target.test
    contexts = [reference["context"] for reference in test.references]
    assert contexts == [first, records[1]["context"], last, last]
    task, given = request(target=lines(tmp_path / "b.jsonl", [*records, many(1)[0]]), time="asked")
    task.load(given)
    assert any('line 22: "asked" is empty or missing' in str(error) for error in given.faults.errors)


def test_fields_of_articles_and_paragraphs_divide_their_questions(tmp_path):
    content = squad("1.1", answers=[{"text": "Fenn", "answer_start": 11}])
    content["data"][0]["written"] = "2024-01-01"
    for number, paragraph in enumerate(content["data"][0]["paragraphs"]):
        paragraph["editor"] = f"e{number % 4}"
    content["data"].append({"title": "Later", "written": "2024-02-01", "paragraphs": [
        {"context": f"Boat {number} is in Maule.", "editor": "e9", "qas": [{"question": "Where?", "answer": "Maule"}]}
        for number in range(5)
    ]})  # fmt: skip
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    task, given = request(target=str(path), group="editor")
    groups = [task.load(given).target.test.groups, task.load(given).target.train.groups]
    assert set(groups[0]) | set(groups[1]) == {"e0", "e1", "e2", "e3", "e9"}
    assert not set(groups[0]) & set(groups[1])
    task, given = request(target=str(path), time="written")
    assert all("Boat" in reference["context"] for reference in task.load(given).target.test.references)
    assert given.faults.errors == []
