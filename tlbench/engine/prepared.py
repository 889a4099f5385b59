"""What the stage prepare computes: raw data held against its task, and model inputs of all four splits on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlbench.contract.requests import SELF_LABELLED, FitRequest, PrepareRequest
from tlbench.contract.specs import KindSpec, TaskSpec
from tlbench.contract.task_data import Array, Split, TaskData
from tlbench.engine.groups import check_groups, read_groups, save_groups
from tlbench.engine.samples import write_samples
from tlbench.engine.splits import load_examples, prepare_chunks, save_examples
from tlbench.errors import BadInputError, ContractError
from tlbench.learning.data import Examples, Ragged, Targets
from tlbench.planning.plan import SourcePlan
from tlbench.results.files import digest, file_sha256

SPLITS = ("source-train", "source-test", "target-train", "target-test")


@dataclass(frozen=True)
class Prepared:
    """Prepared inputs of a (task, backbone) on disk; splits are read when they are asked for."""

    folder: Path
    source_labels: tuple[str, ...]
    target_labels: tuple[str, ...]
    fitted: Mapping[str, Any]
    sha256: str

    @classmethod
    def read(cls, folder: Path) -> Prepared:
        known = json.loads((folder / "prepared.json").read_text(encoding="utf-8"))
        return cls(
            folder, tuple(known["source_labels"]), tuple(known["target_labels"]), known["fitted"], known["sha256"]
        )

    def split(self, name: str) -> Examples:
        return load_examples(self.folder, name)

    def groups(self, name: str) -> Array | None:
        """Return the name of the group of each example of a split, `(N,)` text; None for a split without groups."""
        return read_groups(self.folder, name)


def prepare(plan: SourcePlan, folder: Path) -> Prepared:
    """Load the raw data and write all four splits as model inputs; vocabulary and statistics come from source-train."""
    task, backbone, options = plan.task, plan.backbone, plan.backbone_options
    data = task.load(plan.load_request)
    targets = check_data(task, data)
    inputs, rate = data.source.train.inputs, data.sample_rate
    layout = task.kind.layout
    learnt = backbone.fit(FitRequest(inputs=inputs, options=options, sample_rate=rate, layout=layout, files=plan.files))
    # By way of JSON, as a later process reads it: tuples and number types would differ between the two.
    fitted = json.loads(json.dumps(learnt))
    for name in SPLITS:
        inputs, layout = _split(data, name).inputs, _kind(task, name).layout
        request = PrepareRequest(inputs=inputs, fitted=fitted, layout=layout, options=options, files=plan.files)
        chunks = prepare_chunks(backbone.prepare, request)
        # Such texts hold their own targets, which are known only when the backbone has made tokens of them.
        if layout in SELF_LABELLED:
            *rest, tokens = backbone.prepare(request)
            assert isinstance(tokens, Ragged)
            chunks, told = iter([tuple(rest)]), Split(inputs=inputs, labels=tokens.split())
            targets[name] = _targets(task, name, told, _kind(task, name), fitted["vocabulary"])
        save_examples(folder, name, chunks, targets[name])
        save_groups(folder, name, _split(data, name))
    arrays = {path.name: file_sha256(path) for path in sorted(folder.glob("*.npy"))}
    known = {f"{side}_labels": _labels(task, data, side, fitted) for side in ("source", "target")}
    (folder / "prepared.json").write_text(
        json.dumps({**known, "fitted": fitted, "sha256": digest(arrays)}), encoding="utf-8"
    )
    # Without a preprocessing module an export takes prepared arrays, and raw examples would be of no use beside it.
    raw = None if backbone.preprocess is None else data.target.test.inputs
    write_samples(folder, load_examples(folder, "target-test").inputs, raw)
    return Prepared.read(folder)


def check_data(task: TaskSpec, data: TaskData) -> dict[str, Targets]:
    """Return the targets of every split. Raises `BadInputError`, or `ContractError` where the labels differ."""
    labels = {"source": data.source.labels, "target": data.target.labels}
    targets = {
        name: _targets(task, name, _split(data, name), _kind(task, name), labels[name.partition("-")[0]])
        for name in SPLITS
        if _kind(task, name).layout not in SELF_LABELLED
    }
    if task.setting == "transductive" and data.source.labels != data.target.labels:
        raise ContractError(f'Task "{task.name}" is transductive (same labels), but its domains have different labels.')
    check_groups(task.name, data)
    return targets


def _labels(task: TaskSpec, data: TaskData, side: str, fitted: Mapping[str, Any]) -> Sequence[str]:
    """Return the names of a side's outputs."""
    if _kind(task, side).layout in SELF_LABELLED:
        return tuple(fitted["vocabulary"])
    return data.source.labels if side == "source" else data.target.labels


def _kind(task: TaskSpec, name: str) -> KindSpec:
    return task.kind if name.startswith("target") else task.kind_of_source


def _split(data: TaskData, name: str) -> Split:
    side, _, part = name.partition("-")
    split: Split = getattr(getattr(data, side), part)
    return split


def _targets(task: TaskSpec, name: str, split: Split, kind: KindSpec, labels: Sequence[str]) -> Targets:
    """Return the targets of a split. Raises `BadInputError` if it is empty or has invalid labels."""
    where = f'Task "{task.name}", {name.replace("-train", " training").replace("-test", " test")} split'
    if len(split.inputs) == 0:
        raise BadInputError(f"{where}: no examples. Add some.")
    if len(split.inputs) != len(split.labels):
        raise BadInputError(f"{where}: {len(split.inputs)} examples but {len(split.labels)} labels.")
    try:
        return kind.create().targets(split.labels, labels)
    except BadInputError as error:
        raise BadInputError(f"{where}: {error}.") from error
