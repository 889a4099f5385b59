"""Summaries of abstracts and of talks between doctor and patient: SciTLDR (Cachola et al. 2020), MTS-Dialog (Ben
Abacha et al. 2023).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tlbench import BadInputError, LoadRequest, Side, Split, TaskData
from tlbench.assets import check_file, check_limit, integer_option
from tlbench_generation.prompts_file import in_one_line
from tlbench_generation.tasks.chosen import spread

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
    most = integer_option(request, "test_size", least=1)
    train, test, own_train, own_test = (_read(path) for path in files(request))
    return TaskData(
        source=Side(
            labels=("text",), train=_split(train), test=_split([test[place] for place in spread(len(test), most)])
        ),
        target=Side(
            labels=("text",),
            train=_split(own_train),
            test=_split([own_test[place] for place in spread(len(own_test), most)]),
        ),
        reading={"prompt": "text", "one_line": True},
    )


def _read(path: Path) -> list[dict[str, Any]]:
    check_file(path, "text")
    try:
        lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        check_limit("cells", path, len(lines))
        records = [json.loads(line) for line in lines]
    except (OSError, ValueError, RecursionError) as error:
        raise BadInputError(f'"{path}" cannot be read ({error!r}): get the file again.') from error
    if not records or not all(map(_is_whole, records)):
        raise BadInputError(
            f'"{path}" must have an object in each line, with the texts "text" and "summary", and "references" a list '
            f"of texts if it is there: get the file again."
        )
    return records


def _is_whole(record: Any) -> bool:
    if not isinstance(record, dict):
        return False
    references = record.get("references", [])
    return isinstance(references, list) and all(
        isinstance(text, str) for text in (record.get("text"), record.get("summary"), *references)
    )


def _split(records: list[dict[str, Any]]) -> Split:
    return Split(
        inputs=[(in_one_line(one["text"]), one["summary"]) for one in records],
        labels=[0] * len(records),
        references=[one.get("references") or [one["summary"]] for one in records],
    )
