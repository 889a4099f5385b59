"""Forgetting without a source: a linear probe on another task, whose inputs go through the same encoder."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from tlbench.assets.readers.faults import NotedFaults
from tlbench.contract.faults import Faults
from tlbench.contract.requests import PrepareRequest
from tlbench.contract.task_data import Side
from tlbench.engine.prepared import Prepared, targets_of
from tlbench.engine.scoring import SplitFeatures, probe_score
from tlbench.engine.splits import prepare_chunks, save_examples
from tlbench.errors import BadInputError, ContractError
from tlbench.learning.data import Inputs
from tlbench.learning.model import TransferModel, encode_split
from tlbench.learning.probe import encode_some
from tlbench.learning.ragged import Ragged
from tlbench.planning.plan import Pairing
from tlbench.planning.plan_parts import Remembered


def prepare_remembered(pairing: Pairing, prepared: Prepared, folder: Path) -> Prepared:
    """Write the splits of the remembered domain as `source-train` and `source-test`, inputs for the pairing's encoder.

    Vocabulary and statistics are those of the pairing. Raises `BadInputError` if the encoder cannot take the inputs.
    """
    kept = pairing.remembered
    assert kept is not None
    faults = NotedFaults()
    side = _load(kept, prepared, faults)
    for part, split in (("train", side.train), ("test", side.test)):
        targets = targets_of(kept.task, f"{kept.side}-{part}", split, kept.kind, side.labels)
        request = PrepareRequest(
            inputs=split.inputs,
            fitted=prepared.fitted,
            layout=kept.kind.layout,
            options=pairing.backbone_options,
            files=pairing.files,
        )
        try:
            save_examples(folder, f"source-{part}", prepare_chunks(pairing.backbone.prepare, request), targets)
        except BadInputError as error:
            raise BadInputError(
                f'The remembered task "{kept.task.name}" does not fit the encoder: {error} Remember another task, or '
                "change its examples by an option: --set remember.NAME=VALUE."
            ) from error
    known = json.loads((prepared.folder / "prepared.json").read_text(encoding="utf-8"))
    (folder / "prepared.json").write_text(json.dumps({**known, "source_labels": side.labels}), encoding="utf-8")
    faults.warn()  # Now that every example has been read.
    found = Prepared.read(folder)
    _check_shapes(kept, found.split("source-test").inputs, prepared.split("target-test").inputs)
    return found


def _load(kept: Remembered, prepared: Prepared, faults: Faults) -> Side:
    data = kept.task.load(dataclasses.replace(kept.load_request, faults=faults))
    side = data.source if kept.side == "source" else data.target
    if side is None:
        raise ContractError(f'Task "{kept.task.name}": `load` returns no source domain, but `labels` or `setting` do.')
    if data.sample_rate != prepared.sample_rate:
        raise BadInputError(
            f'The remembered task "{kept.task.name}" has recordings of {data.sample_rate} Hz, but the encoder takes '
            f"{prepared.sample_rate} Hz: convert the recordings of one task, or remember another task."
        )
    return side


def _check_shapes(kept: Remembered, found: Inputs, expected: Inputs) -> None:
    """Raise `BadInputError` if model inputs have other shapes than those of the pairing's task."""
    shapes, wanted = _shapes(found), _shapes(expected)
    if shapes != wanted:
        raise BadInputError(
            f'Inputs of the remembered task "{kept.task.name}" have the shapes {shapes}, but the encoder takes '
            f"{wanted}: set options such as --set remember.size=NUMBER, or remember another task."
        )


def _shapes(inputs: Inputs) -> list[tuple[int, ...] | str]:
    return ["ragged" if isinstance(column, Ragged) else column.shape[1:] for column in inputs.columns]


def probe_remembered(kept: Remembered, known: Prepared, model: TransferModel) -> float:
    """Return the test score of a linear probe on an encoder's features of the remembered task, by the task's metric."""
    train, test = known.split("source-train"), known.split("source-test")
    features = encode_some(model, train)
    tested = encode_split(model, test.inputs)
    task = dataclasses.replace(kept.task, kind=kept.kind, source_kind=None, metric=kept.metric)
    score = probe_score(task, known, SplitFeatures(tested, tested, features))
    assert score is not None
    return score
