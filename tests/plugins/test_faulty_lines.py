"""JSON lines of own data: each faulty line is listed, with the faults behind it."""

from __future__ import annotations

import json

import pytest

from tlbench import BadInputError, LoadRequest
from tlbench.cli.inspection import inspect_task
from tlbench.planning.catalog import load_catalog

QUESTION = {"question": "Where?", "context": "Ship {} is in Fenn.", "answers": ["Fenn"]}
TASKS = {
    "nlp/qa-table": (QUESTION, {**QUESTION, "answers": ["Oslo"]}),
    "nlp/ner-table": (
        {"text": "Ada met {}.", "spans": [{"start": 0, "end": 3, "label": "PER"}]},
        {"text": "Ada", "spans": [{"start": 0, "end": 9, "label": "PER"}]},
    ),
    "nlp/prompt-table": ({"prompt": "Say {}", "answer": "{}"}, {"prompt": "", "answer": "x"}),
    "nlp/text-table": ({"text": "a {}", "label": "x"}, {"text": "a", "label": ""}),
    "anomaly/table": ({"a": "{}", "label": "normal"}, {"a": "many", "label": "normal"}),
}


def numbered(record, number):
    return json.dumps(record).replace("{}", str(number))


@pytest.mark.parametrize("name", TASKS)
def test_all_faulty_lines_are_listed(name, tmp_path):
    good, wrong = TASKS[name]
    lines = [numbered(good, number) for number in range(24)]
    lines[4], lines[7], lines[11] = '{"broken": ', "[3]", numbered(wrong, 11)
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines))
    task = load_catalog().task(name)
    options = {option.name: option.default for option in task.options} | {"target": str(path)}
    given = LoadRequest(task=name, options=options, data_root=None)
    refused = inspect_task(task, given, 5).refused
    for number in (5, 8, 12):
        assert [error for error in refused if f"line {number}" in error or f"record {number}" in error], refused
    with pytest.raises(BadInputError, match="line 5 is not JSON"):
        task.load(given)


@pytest.mark.parametrize("name", TASKS)
def test_a_domain_that_cannot_be_read_hides_no_fault_of_the_other(name, tmp_path):
    good, _ = TASKS[name]
    lines = [numbered(good, number) for number in range(24)]
    lines[4] = "{"
    for option in ("source", "target"):
        # The records of the source have other fields, each with a list.
        records = lines if option == "target" else [json.dumps({"other": [1]})] * 9
        (tmp_path / f"{option}.jsonl").write_text("\n".join(records))
    task = load_catalog().task(name)
    options = {option.name: option.default for option in task.options}
    options |= {option: str(tmp_path / f"{option}.jsonl") for option in ("source", "target")}
    refused = inspect_task(task, LoadRequest(task=name, options=options, data_root=None), 5).refused
    for option in ("source", "target"):
        assert [error for error in refused if f"{option}.jsonl" in error], refused
    assert len(refused) == len(set(refused))


def test_the_files_of_squad_are_its_splits(tmp_path):
    for split, count in (("train", 6), ("dev", 2)):
        paragraphs = [
            {
                "context": f"Ship {i} of {split} is in Fenn.",
                "qas": [{"question": "Where?", "id": f"{split}{i}", **answers}],
            }
            for i in range(count)
            for answers in [{"answers": [{"text": "Fenn", "answer_start": len(f"Ship {i} of {split} is in ")}]}]
        ]
        content = {"version": "v2.0", "data": [{"title": "Ships", "paragraphs": paragraphs}]}
        (tmp_path / f"{split}-v2.0.json").write_text(json.dumps(content))
    task = load_catalog().task("nlp/qa-table")
    options = {option.name: option.default for option in task.options} | {"target": str(tmp_path)}
    found = inspect_task(task, LoadRequest(task=task.name, options=options, data_root=None), 5)
    assert found.refused == []
    assert [split["examples"] for split in found.splits] == [6, 2]
