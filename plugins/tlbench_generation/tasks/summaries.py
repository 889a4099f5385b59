"""Summaries of abstracts and of talks between doctor and patient: SciTLDR (Cachola et al. 2020), MTS-Dialog (Ben
Abacha et al. 2023).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tlbench import BadInputError, LoadRequest, Side, Split, TaskData
from tlbench.assets import check_limit

FOLDER = "summarization_shift"


def files(request: LoadRequest) -> Sequence[Path]:
    """Return training and test file of the source, then those of the target."""
    sides = {"source": "science", "target": "clinic"}
    return [
        path
        for option, name in sides.items()
        for path in request.files(option, FOLDER, f"{name}_train.jsonl", f"{name}_test.jsonl")
    ]


def load(request: LoadRequest) -> TaskData:
    """Return texts as prompts and their summaries; of the test files, `test_size` texts at equal distances."""
    most = int(request.options["test_size"])
    if most < 1:
        raise BadInputError(f"Invalid task.test_size {most}: use a number from 1 on.")
    train, test, own_train, own_test = (_read(path) for path in files(request))
    return TaskData(
        source=Side(labels=("text",), train=_split(train), test=_split(_spread(test, most))),
        target=Side(labels=("text",), train=_split(own_train), test=_split(_spread(own_test, most))),
        reading={"prompt": "text"},
    )


def _read(path: Path) -> list[dict[str, Any]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    check_limit("cells", path, len(lines))
    try:
        records = [json.loads(line) for line in lines]
        good = all(isinstance(one["text"], str) and isinstance(one["summary"], str) for one in records)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInputError(f'"{path}" cannot be read ({error!r}): get the file again.') from error
    if not good or not records:
        raise BadInputError(f'"{path}" has no texts with summaries: get the file again.')
    return records


def _spread(records: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Return so many records, or all, at equal distances."""
    size = min(most, len(records))
    return [records[place * len(records) // size] for place in range(size)]


def _split(records: list[dict[str, Any]]) -> Split:
    return Split(
        inputs=[(" ".join(one["text"].split()), one["summary"]) for one in records],
        labels=[0] * len(records),
        references=[one.get("references") or [one["summary"]] for one in records],
    )
