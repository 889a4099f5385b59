"""The table of stages: a stage reads what it declares, and a change of that moves its key and those below, no others.

Both halves are made from the table, so that an input that is forgotten or not needed, an option that is left out of a
key and a seed that does not count each fail a test.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import plan_only, silent

from tlbench.contract.budget import Budget
from tlbench.contract.deferred import deferred
from tlbench.contract.task_data import Access
from tlbench.engine import pipeline
from tlbench.engine.pipeline import PIPELINE, readable, run_stages, work_of
from tlbench.engine.stage import TEACHER, input_identity, stage_identity
from tlbench.engine.store import Store
from tlbench.errors import ContractError
from tlbench.planning.plan import Pairing, Settings
from tlbench.results.files import digest

DECLARED = [(stage.name, path) for stage in PIPELINE for path in stage.inputs]
PATHS = sorted({path for _, path in DECLARED})
BY_NAME = {stage.name: stage for stage in PIPELINE}
CODE = deferred("tlbench.testing.toy.strategy", "nearest_mean")
"""Any function: another than the one that stands in a spec."""
MADE = ("source_mode", "fit_inputs", "remembered")
"""Made of other fields, or of a pairing without a source."""


@pytest.fixture(scope="module")
def where(tmp_path_factory, session_cache) -> Settings:
    return Settings(cache=session_cache, board=tmp_path_factory.mktemp("board"), data_root=None)


@pytest.fixture(scope="module")
def pairing(catalog, where) -> Pairing:
    """A pairing with one of everything that a stage may read."""
    asked = {"estimators": ["class-share"], "analyses": ["feature-shift"]}
    (found,) = plan_only(catalog, where, tasks=["toy/blobs"], strategies=["finetune"], **asked).pairings
    task = dataclasses.replace(found.task, evaluate=deferred("tlbench.testing.toy.data", "share_right"))
    # Of its 24 labels the strategy could not be tuned otherwise.
    one = dataclasses.replace(found, task=task, few_labels=True)
    return dataclasses.replace(one, teacher=one)


@pytest.fixture(scope="module")
def folders(pairing, where) -> dict[str, Path]:
    """The results of every stage."""
    return {
        name: stage.folder for name, stage in run_stages(pairing, where, Store(root=where.cache, notify=print)).items()
    }


@pytest.fixture(scope="module")
def alone(catalog, where) -> Pairing:
    """A pairing without a source, that has a task to remember."""
    asked = {"tasks": ["toy/alone"], "strategies": ["finetune"], "remember": "toy/blobs"}
    (found,) = plan_only(catalog, where, **asked).pairings
    return found


@pytest.fixture(scope="module")
def folders_alone(alone, where) -> dict[str, Path]:
    """The results of every stage of the pairing without a source."""
    return {
        name: stage.folder for name, stage in run_stages(alone, where, Store(root=where.cache, notify=print)).items()
    }


def keys(pairing: Pairing, settings: Settings, folders: dict[str, Path]) -> dict[str, str]:
    found: dict[str, str] = {}
    for stage in (one for one in PIPELINE if one.needed(pairing)):
        after = [name for name in stage.after if name in found]
        above = {name: folders[name] for name in after}
        identity = stage_identity(stage, pairing, settings, {name: found[name] for name in after}, above)
        found[stage.name] = digest({"stage": stage.name, **identity})
    return found


def below(names: set[str]) -> set[str]:
    """Those stages, and all whose key holds one of their keys."""
    for stage in PIPELINE:
        if stage.content is None and names & set(stage.after):
            names = names | {stage.name}
    return names


def changes(path: str, pairing: Pairing, settings: Settings) -> Iterator[tuple[Pairing, Settings]]:
    """Yield the pairing or the settings with another value at a path: one for every part of it that counts."""
    replace = dataclasses.replace
    if path.startswith(TEACHER):
        assert pairing.teacher is not None
        for changed, asked in changes(path.removeprefix(TEACHER), pairing.teacher, settings):
            yield replace(pairing, teacher=changed), asked
    elif path == "load_request":
        yield replace(pairing, fingerprint="other contents"), settings
        for name in pairing.task_options:
            yield replace(pairing, task_options={**pairing.task_options, name: "other"}), settings
    elif path == "files":
        yield replace(pairing, weights="other contents"), settings
    elif path in MADE:
        return
    elif path == "extension":
        yield replace(pairing, strategy=replace(pairing.strategy, extend=CODE)), settings
    elif path == "label_budget":
        yield replace(pairing, label_budget=Budget(7)), settings
        yield replace(pairing, label_budget=Budget(7, per_class=True)), settings
    elif path == "strength":
        yield replace(pairing, augment="strong"), settings
    elif path == "transformations":
        yield replace(pairing, task=replace(pairing.task, augment=("other",))), settings
    elif path == "sets_aside_source":
        yield replace(pairing, select="source-validation"), settings
    elif path in ("selection", "host_rule"):
        yield replace(pairing, select="target-validation"), settings
    elif path.startswith("settings."):
        name = path.partition(".")[2]
        changed = {
            "device": {"device": "cuda"},
            "training_precision": {"precision": "bf16"},
            "compiled": {"compiled": True},
        }
        yield pairing, replace(settings, **changed.get(name, {name: 7}))
    elif path in ("task.metric_of_source", "task.kind_of_source"):
        kind = replace(pairing.task.kind, metric="balanced-accuracy", summary="Another.")
        yield replace(pairing, task=replace(pairing.task, source_kind=kind)), settings
    elif path in ("estimators", "analyses"):
        (asked,) = getattr(pairing, path)
        function = "estimate" if path == "estimators" else "analyse"
        for changed in (
            replace(asked, options={"alpha": 1}),
            replace(asked, spec=replace(asked.spec, name="other")),
            replace(asked, spec=replace(asked.spec, **{function: CODE})),
        ):
            yield replace(pairing, **{path: (changed,)}), settings
    elif path.endswith("_options"):
        for name, value in getattr(pairing, path).items():
            changed = {**getattr(pairing, path), name: f"{value}1" if isinstance(value, str) else value + 1}
            yield replace(pairing, **{path: changed}), settings
    elif "." in path:
        part, name = path.split(".")
        spec = getattr(pairing, part)
        yield replace(pairing, **{part: replace(spec, **{name: other(getattr(spec, name), name)})}), settings
    else:
        yield replace(pairing, **{path: other(getattr(pairing, path), path)}), settings


def other(value: object, name: str) -> object:
    """Another value of the same type."""
    if name == "setting":  # Not `target-only`: that has other stages.
        return "inductive"
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return f"{value}-2"
    if isinstance(value, tuple):
        return (*value, "more")
    if isinstance(value, frozenset):
        return value | {"more"}
    return dataclasses.replace(value, create=CODE) if name == "kind" else CODE


@pytest.mark.parametrize("path", PATHS)
def test_an_input_moves_the_stages_that_declare_it_and_those_below(pairing, where, folders, path):
    before = keys(pairing, where, folders)
    tried = 0
    for changed, settings in changes(path, pairing, where):
        tried += 1
        assert input_identity(path, changed, settings) != input_identity(path, pairing, where)
        moved_inputs = {
            known
            for known in PATHS
            if input_identity(known, changed, settings) != input_identity(known, pairing, where)
        }
        declaring = {name for name, known in DECLARED if known in moved_inputs}
        after = keys(changed, settings, folders)
        assert {name for name in before if before[name] != after[name]} == below(declaring) & set(before)
    assert tried or path.removeprefix(TEACHER) in MADE


def test_seed_and_budget_move_the_prepared_data_of_a_task_without_a_source(alone, where, folders_alone):
    before = keys(alone, where, folders_alone)
    assert {"remember", "recall"} < set(before)
    assert "features" not in before
    for changed in ({"seed": 7}, {"label_budget": Budget(7)}):
        after = keys(dataclasses.replace(alone, **changed), where, folders_alone)
        assert before["prepare"] != after["prepare"]


def test_a_strategy_that_sees_all_inputs_shares_prepared_data_whatever_seed_and_budget(alone, where, folders_alone):
    whole = dataclasses.replace(alone.strategy, access=frozenset({Access.TARGET_INPUTS}))
    pairings = [
        dataclasses.replace(alone, strategy=whole, **way) for way in ({}, {"seed": 7, "label_budget": Budget(7)})
    ]
    assert len({keys(pairing, where, folders_alone)["prepare"] for pairing in pairings}) == 1


def test_the_remembered_task_moves_what_is_measured_on_it_alone(alone, where, folders_alone):
    kept, before = alone.remembered, keys(alone, where, folders_alone)
    task = dataclasses.replace(kept.task, load=CODE)
    for changed in ({"fingerprint": "other"}, {"task_options": {"noise": 3.0}}, {"side": "target"}, {"task": task}):
        other_task = dataclasses.replace(alone, remembered=dataclasses.replace(kept, **changed))
        after = keys(other_task, where, folders_alone)
        assert {name for name in before if before[name] != after[name]} == {"remember", "recall"}
    on_files = dataclasses.replace(kept.task, files=CODE)
    for place in ("/here", "/elsewhere"):
        places = dataclasses.replace(kept, task=on_files, task_options={**kept.task_options, "source": place})
        assert keys(dataclasses.replace(alone, remembered=places), where, folders_alone) == before


def test_what_no_stage_declares_moves_no_key(pairing, where, folders):
    before = keys(pairing, where, folders)
    kind = dataclasses.replace(pairing.task.kind, summary="Other.")
    shown = dataclasses.replace(pairing.task, title="Other", summary="Other.", licence="other", kind=kind)
    (asked,) = pairing.estimators
    prose = dataclasses.replace(asked.spec, title="Other", summary="Other.", paper="Other.", needs=("other",))
    on_files = dataclasses.replace(pairing.task, files=CODE)
    for changed, settings in (
        (dataclasses.replace(pairing, skip="for a while"), where),
        (dataclasses.replace(pairing, task=shown), where),
        (dataclasses.replace(pairing, estimators=(dataclasses.replace(asked, spec=prose),)), where),
        (dataclasses.replace(pairing, task=on_files, task_options={**pairing.task_options, "source": "/here"}), where),
        (pairing, dataclasses.replace(where, cache=Path("x"), board=Path("x"))),
    ):
        assert keys(changed, settings, folders) == before


def test_a_processor_of_another_class_has_keys_of_its_own(pairing, alone, where, folders, folders_alone, monkeypatch):
    """And one of another model does not, save for latencies."""
    runs = ((pairing, folders), (alone, folders_alone))
    before = [keys(run, where, results) for run, results in runs]
    rows = [run.key() for run, _ in runs]
    monkeypatch.setattr("tlbench.planning.fingerprints.processor", lambda: "another model")
    for (run, results), known in zip(runs, before, strict=True):
        after = keys(run, where, results)
        assert {name for name in known if known[name] != after[name]} == {"latency"}
    monkeypatch.setattr("tlbench.planning.fingerprints.processor_class", lambda: "another class")
    for (run, results), known in zip(runs, before, strict=True):
        after = keys(run, where, results)
        assert not [name for name in known if known[name] == after[name]]
    assert [run.key() for run, _ in runs] == rows


def test_a_result_above_moves_what_is_made_of_it(pairing, where, folders):
    """The graph is shared by architecture and the latency by graph; all others are keyed by what stands above."""
    assert {stage.name for stage in PIPELINE if stage.content is not None} == {"graph", "latency"}
    scored = {"prepare", "source", "features", "remember", "teach", "adapt", "score", "recall", "export"}
    assert below({"prepare"}) == {*scored, "trial", "estimate", "analyse", "curve"}
    assert below({"adapt"}) == {"adapt", "score", "recall", "export", "analyse", "curve"}
    assert below({"curve"}) == {"curve"}
    assert below({"estimate"}) == {"estimate"}
    assert below({"analyse"}) == {"analyse"}
    assert below({"graph"}) == {"graph", "export"}


UNREAD = {
    ("source", "settings.threads"): "set for the whole process before a stage runs: bits may depend on it",
    ("source", "backbone.name"): "in a message on a checkpoint's own head",
    ("source", "backbone.own_head"): "with source.mode=own-head",
    ("source", "backbone.remask"): "of masked texts",
    ("teach", "settings.threads"): "as of source",
    ("teach", "teacher.backbone.name"): "in messages",
    ("teach", "teacher.backbone.own_head"): "declared for source, and never the start of a teacher",
    ("teach", "teacher.backbone.remask"): "declared for source; masked texts have no teacher",
}
"""Inputs that the stage does not read of this pairing, with the reason why they are declared."""


def test_what_is_not_read_here_is_declared_all_the_same():
    assert UNREAD.keys() <= set(DECLARED)


@pytest.mark.parametrize(("name", "path"), [pair for pair in DECLARED if pair not in UNREAD])
def test_a_stage_cannot_read_an_input_that_is_taken_from_its_declaration(
    pairing, alone, where, folders, folders_alone, monkeypatch, tmp_path, name, path
):
    """So every input of the table is one that the stage reads."""
    shortened = dataclasses.replace(
        BY_NAME[name], inputs=tuple(known for known in BY_NAME[name].inputs if known != path)
    )
    others = tuple(shortened if stage.name == name else stage for stage in PIPELINE)
    monkeypatch.setattr(pipeline, "PIPELINE", others)
    if path in readable(shortened):
        pytest.fail(f'a stage above declares "{path}" already: "{name}" need not')
    if not shortened.needed(pairing):
        pairing, folders = alone, folders_alone
    above = {other: folders[other] for other in shortened.after}
    with pytest.raises(ContractError, match=f'"{name}" reads "{path.partition(".")[0]}'):
        shortened.compute(work_of(shortened, pairing, where, above, tmp_path, silent))


def test_a_stage_is_given_what_it_declares_and_nothing_else(pairing, where, tmp_path):
    work = work_of(BY_NAME["prepare"], pairing, where, {}, tmp_path, silent)
    assert work.pairing.task.name == "toy/blobs"
    for read in (lambda: work.pairing.seed, lambda: work.pairing.strategy.adapt, lambda: work.settings.device):
        with pytest.raises(ContractError, match='The stage "prepare" reads'):
            read()
