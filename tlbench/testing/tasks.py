"""Checks of a task."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tlbench.contract.kind_specs import CLASS_PROBABILITIES
from tlbench.contract.requests import LoadRequest
from tlbench.contract.specs import KindSpec, TaskSpec
from tlbench.contract.task_data import Side, TaskData, TaskLabels
from tlbench.engine.groups import check_groups, group_names
from tlbench.engine.prepared import check_data
from tlbench.errors import ContractError
from tlbench.learning.kinds.protocol import Kind
from tlbench.learning.moving import Moving
from tlbench.learning.outputs import Outputs
from tlbench.learning.vary.images import MOVES
from tlbench.results.groups import warning
from tlbench.testing.bench import Bench, Check, need
from tlbench.testing.child import ask, data_digest, example_digest
from tlbench.testing.effects import watched
from tlbench.testing.kinds import KIND_CHECKS
from tlbench.testing.specs import SPEC_CHECKS, label, refuse_heavy

PLACES = ("map", "cells")
"""Layouts of kinds whose labels are places in an image."""


def _request(spec: TaskSpec, bench: Bench) -> LoadRequest:
    need(spec)
    return bench.pairing_of_task(spec).load_request


def backbone_fits(spec: TaskSpec, bench: Bench) -> None:
    """The default backbone has its modality and provides the features that its kinds need; labels keep their places."""
    backbone = bench.catalog.backbone(spec.backbone)
    if backbone.modality != spec.modality:
        raise ContractError(
            f'{label(spec)} has the modality {spec.modality}, but its backbone "{backbone.name}" has '
            f"{backbone.modality}."
        )
    for kind in (spec.kind, spec.kind_of_source):
        if kind.layout not in backbone.layouts:
            raise ContractError(
                f'{label(spec)} needs {kind.layout} features, which "{backbone.name}" does not provide.'
            )
    if spec.augment and backbone.augment is None:
        raise ContractError(
            f'{label(spec)}: `augment` names transformations, but "{backbone.name}" supports none: remove `augment`.'
        )
    if moves := sorted(MOVES & set(spec.augment)):
        need(spec)
        for kind in (spec.kind, spec.kind_of_source):
            if kind.layout in PLACES and not isinstance(kind.create(), Moving):
                raise ContractError(
                    f"{label(spec)}: `augment` moves images ({', '.join(moves)}), and the labels of a {kind.name} "
                    f"stay where they are: remove these names."
                )


def process_state_is_unchanged(spec: TaskSpec, bench: Bench) -> None:
    """Loading changes no seed, thread, directory or variable."""
    request = _request(spec, bench)
    watched(f"{label(spec)}: files", lambda: spec.files(request))
    bench.keep(spec, watched(f"{label(spec)}: load", lambda: spec.load(request)))


def loading_is_reproducible(spec: TaskSpec, bench: Bench) -> None:
    """Data depends on options and files alone: no clock, no hash seed, no global generator."""
    request = _request(spec, bench)
    answer = ask(bench.catalog.origin(spec), bench.plugin, request)
    refuse_heavy(spec, answer["heavy_files"], "listing its files")
    if answer["digest"] != data_digest(bench.data(spec)):
        raise ContractError(
            f"{label(spec)} loads different data in another process: seed a generator of its own, and sort "
            f"the contents of "
            f"sets and folders."
        )


def data_is_valid(spec: TaskSpec, bench: Bench) -> None:
    """Both domains have examples and labels, and each label occurs in the training split."""
    need(spec)
    data = bench.data(spec)
    check_data(spec, bench.pairing_of_task(spec).setting, data)
    for name, kind, side in _sides(spec, data):
        if kind.supervised:
            # Of labels that exclude each other one alone would say nothing; boxes and the like may have one.
            least = 2 if CLASS_PROBABILITIES in kind.traits else 1
            _check_labels(f"{label(spec)}, {name} side", kind.create(), side, least)
    if spec.modality == "audio" and not data.sample_rate:
        raise ContractError(f"{label(spec)} is audio without a sample rate: set TaskData.sample_rate in Hz.")


def _sides(spec: TaskSpec, data: TaskData) -> list[tuple[str, KindSpec, Side]]:
    """Return the domains that there are, each with its name and kind."""
    source = [] if data.source is None else [("source", spec.kind_of_source, data.source)]
    return [*source, ("target", spec.kind, data.target)]


def labels_are_those_of_the_data(spec: TaskSpec, bench: Bench) -> None:
    """`labels` says before a run what `load` returns, and imports no heavy library for it."""
    if spec.labels is None:
        return
    data, told = bench.data(spec), watched(f"{label(spec)}: labels", lambda: spec.labels(_request(spec, bench)))  # type: ignore[misc]
    found = TaskLabels(source=None if data.source is None else data.source.labels, target=data.target.labels)
    if told != found:
        raise ContractError(f"{label(spec)}: labels returns {told}, but load returns {found}.")


def groups_are_held_out_together(spec: TaskSpec, bench: Bench) -> str | None:
    """Each example has a group or none has; no group is in both splits of a side; there are enough for an interval."""
    need(spec)
    data = bench.data(spec)
    check_groups(spec.name, data)
    notes = [
        f"the {name} test split has groups and the training split has none: nobody can see whether they are held out"
        for name, _, side in _sides(spec, data)
        if side.test.groups is not None and side.train.groups is None
    ]
    groups = group_names(data.target.test)
    if groups is not None and (few := warning(len(set(groups)))):
        notes.append(few[0].lower() + few[1:].rstrip("."))
    return f"{label(spec)}: {'; '.join(notes)}." if notes else None


def references_are_json(spec: TaskSpec, bench: Bench) -> None:
    """Each example has a reference or none has, and a reference is JSON: it lies beside the predictions."""
    need(spec)
    for name, _, side in _sides(spec, bench.data(spec)):
        for part, split in (("training", side.train), ("test", side.test)):
            if split.references is None:
                continue
            where, size = f"{label(spec)}, {name} {part} split", len(split.inputs)
            if len(split.references) != size:
                raise ContractError(f"{where}: {len(split.references)} references for {size} examples: give one each.")
            try:
                json.dumps(list(split.references), allow_nan=False)
            except (TypeError, ValueError) as error:
                raise ContractError(f"{where}: a reference is not JSON: {error}.") from error


def _check_labels(where: str, kind: Kind, side: Side, least: int) -> None:
    if not kind.has_classes:
        return
    if len(side.labels) < least or len(set(side.labels)) < len(side.labels) or not all(map(str.strip, side.labels)):
        raise ContractError(f"{where}: labels are {side.labels}; there must be {least} or more different texts.")
    seen = {index for one in side.train.labels for index in kind.classes(one).tolist()}
    if absent := [name for index, name in enumerate(side.labels) if index not in seen]:
        raise ContractError(f"{where}: no training example has the label {', '.join(map(repr, absent[:5]))}.")


def label_budget_can_be_drawn(spec: TaskSpec, bench: Bench) -> None:
    """The target's training split holds the budget, and the budget an example of each class."""
    need(spec)
    labels, kind = bench.data(spec).target.train.labels, spec.kind.create()
    classes = [tuple(kind.classes(one).tolist()) for one in labels]
    least = len(set(classes)) if all(len(found) == 1 for found in classes) else 1
    if not least <= spec.label_budget <= len(labels):
        raise ContractError(
            f"{label(spec)}: label_budget is {spec.label_budget}; it must be between {least} (one of each class) and "
            f"{len(labels)} (the target's training examples)."
        )


def test_examples_are_not_in_training(spec: TaskSpec, bench: Bench) -> str | None:
    """No test example should be equal to a training example of its side."""
    need(spec)
    data, found = bench.data(spec), []
    for name, _, side in _sides(spec, data):
        known = set(map(example_digest, side.train.inputs))
        if repeated := sum(example_digest(example) in known for example in side.test.inputs):
            found.append(f"{repeated} of {len(side.test.inputs)} {name} test examples are also training examples")
    return f"{label(spec)}: {'; '.join(found)}." if found else None


def metric_exists(spec: TaskSpec, bench: Bench) -> None:
    """The scores of each side have the name that boards sort by."""
    need(spec)
    data = bench.data(spec)
    for name, kind, side in _sides(spec, data):
        metric = spec.metric if name == "target" else spec.metric_of_source
        if metric not in (known := kind.create().metrics(side.labels)):
            raise ContractError(
                f'{label(spec)}: unknown metric "{metric}" for {kind.name}: use one of {", ".join(known)}.'
            )


def evaluate_returns_numbers(spec: TaskSpec, bench: Bench) -> None:
    """`evaluate` works with a predictor that knows nothing; if predictions are of parts, with that of a run."""
    if spec.evaluate is None:
        return
    scores: Any
    if spec.kind.layout == "pooled":
        scores = spec.evaluate(_request(spec, bench), _guess(spec, bench))
    else:  # How many units an encoder makes of an example, the task alone does not say.
        scores = bench.row(bench.pairing_of_task(spec)).scores
    if not isinstance(scores, dict) or not all(isinstance(value, float) for value in scores.values()):
        raise ContractError(f"{label(spec)}: evaluate returns {scores!r}; it must return numbers by name.")
    if wrong := [name for name, value in scores.items() if not math.isfinite(value)]:
        raise ContractError(f"{label(spec)}: evaluate returns a {wrong[0]} that is not finite.")


def _guess(spec: TaskSpec, bench: Bench) -> Callable[[Sequence[Any]], Any]:
    """Return a predictor for examples of one unit each, whose outputs are all 0, as many as the kind's head has."""
    kind = spec.kind.create()
    head = kind.head(1, bench.data(spec).target.labels)
    with torch.no_grad():
        width = head(torch.zeros(1, 1)).shape[-1]

    def guess(examples: Sequence[Any]) -> Any:
        return kind.postprocess.predict(Outputs(np.zeros((len(examples), width), np.float32), shape=(len(examples),)))

    return guess


def runs_to_a_result(spec: TaskSpec, bench: Bench) -> None:
    """A run with the default backbone and the toy's strategy ends as an exported, scored file."""
    need(spec)
    row = bench.row(bench.pairing_of_task(spec))
    if row.score is None or not math.isfinite(row.score):
        raise ContractError(f"{label(spec)}: its score is {row.score}.")


def export_predicts_what_was_scored(spec: TaskSpec, bench: Bench) -> None:
    """An export's own code, in numpy alone, makes the predictions that its row's score is of."""
    from tlbench.deploy.package.write import write_bundle
    from tlbench.engine.lookup import find_stages
    from tlbench.engine.store import Store

    need(spec)
    row, settings = bench.row(bench.pairing_of_task(spec)), bench.settings
    store = Store(root=settings.cache, notify=lambda event: None)
    export, prepare = find_stages(row, settings.board, store, bench.catalog)
    backbone = bench.catalog.backbone(row.backbone)
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        write_bundle(Path(folder), row, spec, backbone, export.folder, prepare.folder)


CHECKS: tuple[Check[TaskSpec], ...] = (
    *SPEC_CHECKS,
    backbone_fits,
    process_state_is_unchanged,
    loading_is_reproducible,
    data_is_valid,
    labels_are_those_of_the_data,
    references_are_json,
    groups_are_held_out_together,
    label_budget_can_be_drawn,
    test_examples_are_not_in_training,
    metric_exists,
    *KIND_CHECKS,
    evaluate_returns_numbers,
    runs_to_a_result,
    export_predicts_what_was_scored,
)
