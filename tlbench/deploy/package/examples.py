"""The test examples that the cache keeps of a task: what an export shows, and holds its preprocessing against."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.deferred import Deferred
from tlbench.contract.specs import TaskSpec
from tlbench.results.row import Row


def examples_of(prepared: Path, backbone: BackboneSpec) -> list[Path]:
    """Return the files `sample-POSITION` of raw examples; of prepared ones where a raw one is too large to be there, or
    where there is no preprocessing.
    """
    paths = sorted(prepared.glob("sample-*.npz"), key=position)
    if backbone.preprocess is None:
        return paths
    raw = {position(path): path for path in prepared.glob("sample-*") if path.suffix != ".npz"}
    return [raw.get(position(path), path) for path in paths]


def position(path: Path) -> int:
    """Return an example's place in the target test split."""
    return int(path.stem.partition("-")[2])


def read_example(path: Path) -> Any:
    """Return a raw example."""
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    return np.load(path, allow_pickle=False)


def form(paths: Sequence[Path], parts: str) -> str:
    """Return what examples are: type and shape of the first raw one, of a list of texts what its `parts` are."""
    raw = [path for path in paths if path.suffix != ".npz"]
    if not raw:
        return "prepared arrays"
    example = read_example(raw[0])
    if isinstance(example, np.ndarray):
        return f"{example.dtype} {example.shape}"
    if isinstance(example, str):
        return "a text"
    return f"a list of {parts}"


def settings_of(prepared: Path, row: Row, task: TaskSpec) -> dict[str, Any]:
    """Return the arguments of `preprocessor`, as they were when the data was prepared."""
    fitted = json.loads((prepared / "prepared.json").read_text(encoding="utf-8"))["fitted"]
    return {"fitted": fitted, "options": dict(row.backbone_options), "layout": task.kind.layout}


def reading_of(prepared: Path, task: TaskSpec, backbone: BackboneSpec) -> dict[str, Any] | None:
    """Return the name of the task's reader and what it is told; None if an export reads raw examples alone."""
    known = json.loads((prepared / "prepared.json").read_text(encoding="utf-8"))
    if task.reader is None or backbone.preprocess is None or known.get("reading") is None:
        return None
    return {"reader": reader_of(task).__name__, "settings": known["reading"]}


def reader_of(task: TaskSpec) -> Callable[..., Any]:
    """Return the function that makes the reader of a task's files."""
    assert task.reader is not None
    found: Callable[..., Any] = task.reader.resolve() if isinstance(task.reader, Deferred) else task.reader
    return found


def still_prepares(prepared: Path, row: Row, task: TaskSpec, backbone: BackboneSpec) -> bool:
    """Return whether the backbone's preprocessing makes of the examples what it made of them then."""
    if backbone.preprocess is None:
        return True
    prepare_one = backbone.preprocess().preprocessor(**settings_of(prepared, row, task))
    for path in examples_of(prepared, backbone):
        if path.suffix == ".npz":
            continue
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
            if not all(map(np.array_equal, prepare_one(read_example(path)), arrays.values())):
                return False
    return True


def predictions(exported: Path, prepared: Path, backbone: BackboneSpec) -> dict[str, Any]:
    """Return what the file predicted for the examples when it was scored, and what is true, by file."""
    with np.load(exported / "predictions.npz", allow_pickle=False) as arrays:
        own = arrays.get("prediction_counts", arrays["counts"])
        predicted = np.split(arrays["predictions"], np.cumsum(own)[:-1])
        true = np.split(arrays["targets"], np.cumsum(arrays["counts"])[:-1])
    return {
        path.name: {"prediction": predicted[position(path)].tolist(), "target": true[position(path)].tolist()}
        for path in examples_of(prepared, backbone)
    }
