"""One's own named entities, and pairs of texts, from files to a result."""

from __future__ import annotations

import json

import pytest
from support import plan_only

from tlbench import BadInputError, LoadRequest, TaskLabels
from tlbench.assets.readers.faults import CollectedFaults
from tlbench.engine.prepared import Prepared, prepare
from tlbench.planning.catalog import load_catalog


def conll(folder, name, kind="PER", documents=20):
    """Documents of two sentences, each with a person, or an entity of another kind."""
    lines = []
    for document in range(documents):
        lines += ["-DOCSTART- -X- O", ""]
        for sentence in range(2):
            lines += ["Mr X O", f"Name{document} X I-{kind}", f"says X O\n{sentence}{document} X O", ""]
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines))
    return str(path)


def spans(folder, name, kind="PER"):
    records = [{"text": f"Mr Name{i} says {i}", "entities": [[3, 7 + len(str(i)), kind]]} for i in range(20)]
    (folder / name).write_text("\n".join(map(json.dumps, records)))
    return str(folder / name)


def request(**options):
    task = load_catalog().task("nlp/ner-table")
    given = {option.name: option.default for option in task.options}
    return task, LoadRequest(task=task.name, options={**given, **options}, data_root=None, faults=CollectedFaults())


def test_both_forms_are_domains_of_one_task(tmp_path):
    task, asked = request(source=conll(tmp_path, "a.conll"), target=spans(tmp_path, "b.jsonl"))
    assert [path.name for path in task.files(asked)] == ["a.conll", "b.jsonl"]
    tags = ("O", "B-PER", "I-PER")
    assert task.labels(asked) == TaskLabels(source=tags, target=tags)
    data = task.load(asked)
    assert [len(split.inputs) for split in (data.source.train, data.source.test)] == [32, 8]
    assert len(set(data.source.test.groups)) == 4
    assert not set(data.source.train.groups) & set(data.source.test.groups)
    assert (len(data.target.test.inputs), data.target.test.groups) == (4, None)
    assert set(map(tuple, data.target.train.labels)) == {(0, 1, 0, 0)}


def test_other_kinds_of_entities_make_the_task_inductive(tmp_path):
    task, asked = request(source=conll(tmp_path, "a.conll"), target=spans(tmp_path, "b.json", "Per"))
    assert task.labels(asked).target == ("O", "B-Per", "I-Per")
    assert any('"B-PER" and "B-Per" differ in case only' in note for note in asked.faults.notes)


def test_published_splits_keep_their_documents(tmp_path):
    for name in ("train.conll", "dev.txt", "test.conll"):
        conll(tmp_path / "set", name, documents=4)
    data_task, asked = request(target=str(tmp_path / "set"))
    data = data_task.load(asked)
    assert (len(data.target.train.inputs), len(data.target.test.inputs), data.source) == (16, 8, None)
    assert set(data.target.test.groups) == {f"test.conll {number}" for number in range(1, 5)}


def test_what_cannot_be_learnt_or_divided_is_refused(tmp_path):
    conll(tmp_path / "set", "train.conll")
    conll(tmp_path / "set", "test.conll", kind="LOC")
    task, asked = request(target=str(tmp_path / "set"))
    task.labels(asked)
    assert 'entities without training examples, of the type "LOC"' in str(asked.faults.errors[0])
    (tmp_path / "none.txt").write_text("a O\n\nb O\n\nc O\n")
    task, asked = request(target=str(tmp_path / "none.txt"))
    task.labels(asked)
    assert "no entity in its training split" in str(asked.faults.errors[0])
    task, asked = request(target=conll(tmp_path, "a.conll"), group="doc")
    with pytest.raises(BadInputError, match='has no column "doc": its groups are the documents'):
        task.labels(asked)


def test_entities_become_model_inputs_with_groups(catalog, settings, tmp_path):
    places = {"source": conll(tmp_path, "a.conll"), "target": conll(tmp_path, "b.conll", kind="LOC", documents=30)}
    overrides = {f"task.{side}": path for side, path in places.items()}
    with pytest.warns(UserWarning, match="inductive"):
        (pairing,) = plan_only(
            catalog, settings, tasks=["nlp/ner-table"], strategies=["finetune"], overrides=overrides
        ).pairings
    assert pairing.setting == "inductive"
    (tmp_path / "out").mkdir()
    with pytest.warns(UserWarning, match="made IOB2"):
        prepare(pairing, tmp_path / "out")
    prepared = Prepared.read(tmp_path / "out")
    assert (prepared.source_labels, prepared.target_labels) == (("O", "B-PER", "I-PER"), ("O", "B-LOC", "I-LOC"))
    assert (len(set(prepared.groups("target-test"))), len(prepared.split("target-test").targets)) == (6, 12)
    assert prepared.near_copies == 0


def test_a_pair_of_texts_is_named_by_its_line(tmp_path):
    (tmp_path / "t.csv").write_text("text,answer,label\na,b,no\na,b,yes\n" + "".join(f"{i},c,no\n" for i in range(9)))
    task = load_catalog().task("nlp/text-table")
    options = {option.name: option.default for option in task.options}
    faults = CollectedFaults()
    options |= {"target": str(tmp_path / "t.csv"), "pair": "answer"}
    data = task.load(LoadRequest(task=task.name, options=options, data_root=None, faults=faults))
    places = [faults.place(pair) for pair in (*data.target.train.inputs, *data.target.test.inputs)]
    assert {place.rpartition(" ")[2] for place in places} == {str(line) for line in range(2, 13)}
