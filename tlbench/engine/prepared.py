"""What the stage prepare computes: raw data, checked against its task, and model inputs of all splits on disk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tlbench.assets.readers.faults import NotedFaults
from tlbench.contract.requests import SELF_LABELLED, FitRequest, PrepareRequest, learns_nothing
from tlbench.contract.specs import KindSpec, Setting, TaskSpec
from tlbench.contract.task_data import Array, ExampleSequence, Side, Split, TaskData
from tlbench.engine.facts import SizedExamples, write_facts
from tlbench.engine.groups import check_groups, read_groups, save_groups
from tlbench.engine.label_budget import budget_positions
from tlbench.engine.near_copies import Watched, near_copies
from tlbench.engine.samples import write_samples
from tlbench.engine.splits import load_examples, prepare_chunks, save_examples
from tlbench.errors import BadInputError, ContractError
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.ragged import Ragged
from tlbench.learning.targets import Targets
from tlbench.planning.plan import SourcePlan
from tlbench.results.files import digest, file_sha256

TAUGHT = "features.npy"
"""What the stage `teach` leaves."""
SPLITS = ("source-train", "source-test", "target-train", "target-test")
FITTED_ON_SOURCE, FITTED_ON_BUDGET, FITTED_ON_TARGET = (
    "source training inputs",
    "label budget",
    "target training inputs",
)


@dataclass(frozen=True)
class Prepared:
    """Prepared inputs of a (task, backbone) on disk; splits are read when they are asked for."""

    folder: Path
    source_labels: tuple[str, ...] | None
    """None for a task without a source."""
    target_labels: tuple[str, ...]
    fitted: Mapping[str, Any]
    modality: str
    """Of the backbone."""
    sample_rate: int | None
    """Of audio, in Hz."""
    columns: tuple[str, ...] | None
    """Names of the columns of rows."""
    fitted_on: str | None
    """What `fitted` was learnt from; None if the backbone learns nothing."""
    sha256: str
    near_copies: int | None
    """Target test examples that nearly equal a training example; None for a modality without a rule."""
    taught: Path | None = None
    """The folder of a teacher's features, of a strategy that learns from one."""

    @classmethod
    def read(cls, folder: Path, taught: Path | None = None) -> Prepared:
        known = json.loads((folder / "prepared.json").read_text(encoding="utf-8"))
        source = known["source_labels"]
        return cls(
            folder,
            None if source is None else tuple(source),
            tuple(known["target_labels"]),
            known["fitted"],
            known["modality"],
            known["sample_rate"],
            None if known["columns"] is None else tuple(known["columns"]),
            known["fitted_on"],
            known["sha256"],
            known["near_copies"],
            taught,
        )

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads of an adapted model: without a source there is no head `source`."""
        return ("target",) if self.source_labels is None else ("source", "target")

    def split(self, name: str) -> Examples:
        return load_examples(self.folder, name)

    def seen_by_teacher(self) -> Examples:
        """Return the target's training split with the teacher's features, one column `(N, D)`, as its inputs."""
        assert self.taught is not None
        features = np.load(self.taught / TAUGHT, allow_pickle=False)
        return replace(self.split("target-train"), inputs=Inputs((features,)))

    def groups(self, name: str) -> Array | None:
        """Return the name of the group of each example of a split, `(N,)` text; None for a split without groups."""
        return read_groups(self.folder, name)


def prepare(plan: SourcePlan, folder: Path) -> Prepared:
    """Load the raw data and write all its splits as model inputs, after the backbone learnt vocabulary and statistics.

    It learns from the source's training inputs; without a source, from those that `plan.fit_inputs` names.
    """
    faults = NotedFaults()
    data = plan.task.load(replace(plan.load_request, faults=faults))
    prepared = _prepare(plan, data, folder)
    faults.warn()  # Now that every example has been read.
    return prepared


def _prepare(plan: SourcePlan, data: TaskData, folder: Path) -> Prepared:
    task, backbone = plan.task, plan.backbone
    targets = check_data(task, plan.setting, data)
    inputs, fitted_on = _to_fit(plan, data, targets)
    request = FitRequest(
        inputs=inputs,
        options=plan.backbone_options,
        sample_rate=data.sample_rate,
        layout=task.kind.layout,
        files=plan.files,
    )
    # By way of JSON, as a later process reads it: tuples and number types would differ between the two.
    fitted = json.loads(json.dumps(backbone.fit(request)))
    seen = {name: SizedExamples(split_of(data, name).inputs) for name in splits_of(data)}
    read = {name: Watched(backbone.modality, inputs) for name, inputs in seen.items()}
    for name, inputs in read.items():
        _save(plan, name, replace(split_of(data, name), inputs=inputs), targets.get(name), fitted, folder)
        save_groups(folder, name, split_of(data, name))
    written = sorted([*folder.glob("*.npy"), *folder.glob("*-references.json")])
    arrays = {path.name: file_sha256(path) for path in written}
    known = {
        **{f"{side}_labels": _labels(task, data, side, fitted) for side in ("source", "target")},
        "fitted": fitted,
        "fitted_on": fitted_on,
        "modality": backbone.modality,
        "sample_rate": data.sample_rate,
        "columns": data.columns,
        "reading": None if data.reading is None else dict(data.reading),
        "sha256": digest(arrays),
        "near_copies": near_copies(read["target-train"], read["target-test"]),
    }
    (folder / "prepared.json").write_text(json.dumps(known), encoding="utf-8")
    made = {name: load_examples(folder, name).inputs for name in seen}
    layouts = {name: _kind(task, name).layout for name in seen}
    marks = {name: of.values[:, :2] for name, of in targets.items() if layouts[name] == "context"}
    write_facts(folder, seen, made, plan.backbone_options, layouts, marks)
    # Without a preprocessing module an export takes prepared arrays, and raw examples would be of no use beside it.
    raw = None if backbone.preprocess is None else data.target.test.inputs
    write_samples(folder, load_examples(folder, "target-test").inputs, raw)
    return Prepared.read(folder)


def _to_fit(plan: SourcePlan, data: TaskData, targets: Mapping[str, Targets]) -> tuple[ExampleSequence, str | None]:
    """Return the raw inputs that a backbone may learn from, and what they are."""
    chosen, learns = plan.fit_inputs, plan.backbone.fit is not learns_nothing
    if data.source is not None:
        return data.source.train.inputs, FITTED_ON_SOURCE if learns else None
    inputs = data.target.train.inputs
    if chosen is None:
        return inputs, None
    if chosen.seed is None or chosen.budget is None:
        return inputs, FITTED_ON_TARGET
    # Texts that are their own labels have no targets yet; their budget is drawn without them.
    known = targets.get("target-train") or Targets(np.zeros(0, np.int64), np.ones(len(inputs), np.int64))
    positions = budget_positions(plan.task.kind, known, chosen.seed, chosen.budget)
    return [inputs[int(position)] for position in positions], FITTED_ON_BUDGET


def _save(
    plan: SourcePlan, name: str, split: Split, targets: Targets | None, fitted: Mapping[str, Any], folder: Path
) -> None:
    """Write one split; `targets` is None for texts that are their own labels."""
    kind = _kind(plan.task, name)
    request = PrepareRequest(
        inputs=split.inputs, fitted=fitted, layout=kind.layout, options=plan.backbone_options, files=plan.files
    )
    if targets is not None:
        save_examples(folder, name, prepare_chunks(plan.backbone.prepare, request), targets)
        return
    # Such texts hold their own targets, which are known only when the backbone has made tokens of them.
    *rest, tokens = plan.backbone.prepare(request)
    assert isinstance(tokens, Ragged)
    told = replace(split, labels=tokens.split())
    save_examples(folder, name, [tuple(rest)], targets_of(plan.task, name, told, kind, fitted["vocabulary"]))


def check_data(task: TaskSpec, setting: Setting, data: TaskData) -> dict[str, Targets]:
    """Return the targets of every split. Raises `BadInputError`, or `ContractError` for data of another setting."""
    if (data.source is None) != (setting == "target-only"):
        has = "no source domain" if data.source is None else "a source domain"
        raise ContractError(
            f'Task "{task.name}" is {setting}, but `load` returns {has}: correct `labels` or `setting`.'
        )
    targets = {
        name: targets_of(task, name, split_of(data, name), _kind(task, name), side_of(data, name).labels)
        for name in splits_of(data)
        if _kind(task, name).layout not in SELF_LABELLED
    }
    if setting == "transductive" and data.source is not None and data.source.labels != data.target.labels:
        raise ContractError(f'Task "{task.name}" is transductive (same labels), but its domains have different labels.')
    check_groups(task.name, data)
    _check_columns(task.name, data)
    return targets


def _check_columns(task: str, data: TaskData) -> None:
    """Raise `ContractError` unless the first example of each side has a value for each named column."""
    if data.columns is None:
        return
    for side in filter(None, (data.source, data.target)):
        shape = np.shape(side.train.inputs[0])
        if shape != (len(data.columns),):
            raise ContractError(
                f'Task "{task}": `load` names {len(data.columns)} columns, but its examples have the shape {shape}: '
                f"name every column of rows `(F,)`, or set `columns` to None."
            )


def splits_of(data: TaskData) -> tuple[str, ...]:
    """Return the names of the splits that there are."""
    return SPLITS if data.source is not None else SPLITS[2:]


def side_of(data: TaskData, name: str) -> Side:
    """Return the domain that a split, or the name of a domain, belongs to."""
    side = data.target if name.startswith("target") else data.source
    assert side is not None
    return side


def split_of(data: TaskData, name: str) -> Split:
    """Return a split by name, such as `target-train`."""
    side = side_of(data, name)
    return side.train if name.endswith("train") else side.test


def _labels(task: TaskSpec, data: TaskData, side: str, fitted: Mapping[str, Any]) -> Sequence[str] | None:
    """Return the names of a side's outputs; None for a side that there is not."""
    if side == "source" and data.source is None:
        return None
    if _kind(task, side).layout in SELF_LABELLED:
        return tuple(fitted["vocabulary"])
    return side_of(data, side).labels


def _kind(task: TaskSpec, name: str) -> KindSpec:
    return task.kind if name.startswith("target") else task.kind_of_source


def targets_of(task: TaskSpec, name: str, split: Split, kind: KindSpec, labels: Sequence[str]) -> Targets:
    """Return the targets of a split. Raises `BadInputError` if it is empty or has invalid labels."""
    where = f'Task "{task.name}", {name.replace("-train", " training").replace("-test", " test")} split'
    if len(split.inputs) == 0:
        raise BadInputError(f"{where}: no examples. Add some.")
    if len(split.inputs) != len(split.labels):
        raise BadInputError(f"{where}: {len(split.inputs)} examples but {len(split.labels)} labels.")
    if kind.layout not in SELF_LABELLED and (twice := [name for name, n in Counter(labels).items() if n > 1]):
        raise BadInputError(
            f"{where}: several labels have the same name, {', '.join(map(repr, twice[:3]))}. Rename them."
        )
    references = () if split.references is None else list(split.references)
    try:
        json.dumps(references, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"{where}: a reference is no JSON value: {error}.") from error
    if references and len(references) != len(split.inputs):
        raise BadInputError(f"{where}: {len(split.inputs)} examples but {len(references)} references.")
    try:
        targets = kind.create().targets(split.labels, labels)
        return replace(targets, references=references or targets.references)
    except BadInputError as error:
        raise BadInputError(f"{where}: {error}.") from error
