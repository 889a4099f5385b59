"""Prepared splits on disk: `.npy` files that are written a chunk of examples after the other and read memory-mapped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from tlbench.contract.requests import PrepareRequest
from tlbench.contract.task_data import Array, ExampleSequence
from tlbench.errors import BadInputError
from tlbench.learning.data import Columns, Examples, Inputs, Ragged, Targets

CHUNK = 256
"""Examples that are prepared at a time."""


def prepare_chunks(prepare: Callable[[PrepareRequest], Columns], request: PrepareRequest) -> Iterator[Columns]:
    """Yield the model inputs of all examples, `CHUNK` examples at a time."""
    for start in range(0, len(request.inputs), CHUNK):
        yield prepare(replace(request, inputs=_some(request.inputs, start, start + CHUNK)))


def _some(rows: ExampleSequence, start: int, stop: int) -> list[object]:
    return [rows[i] for i in range(start, min(stop, len(rows)))]


def save_examples(folder: Path, name: str, chunks: Iterable[Columns], targets: Targets) -> None:
    """Write one split, of whose inputs one chunk at a time is in memory."""
    np.save(folder / f"{name}-targets.npy", targets.values, allow_pickle=False)
    np.save(folder / f"{name}-counts.npy", targets.counts, allow_pickle=False)
    kinds: list[str] = []
    ends: dict[int, int] = {}
    for chunk in chunks:
        for position, column in enumerate(chunk):
            path = folder / f"{name}-{position}-values.npy"
            _append(path, column.values if isinstance(column, Ragged) else np.asarray(column), first=not kinds)
            if isinstance(column, Ragged):
                end = ends.get(position, 0)
                offsets = column.offsets[1 if kinds else 0 :] + end
                _append(folder / f"{name}-{position}-offsets.npy", offsets, first=not kinds)
                ends[position] = end + len(column.values)
        kinds = ["ragged" if isinstance(column, Ragged) else "dense" for column in chunk]
    (folder / f"{name}.json").write_text(json.dumps(kinds), encoding="utf-8")


def _append(path: Path, array: Array, first: bool) -> None:
    """Add rows to a `.npy` file, which then holds what numpy would have written of all rows at once."""
    length = 0
    if not first:
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if (shape[1:], dtype) != (array.shape[1:], array.dtype):
            raise BadInputError(
                f"Prepared examples differ, {shape[1:]} {dtype} and {array.shape[1:]} {array.dtype}: use the same "
                f"shape and type for a whole split."
            )
        length = shape[0]
    header = {
        "descr": np.lib.format.dtype_to_descr(array.dtype),
        "fortran_order": False,
        "shape": (length + len(array), *array.shape[1:]),
    }
    with path.open("wb" if first else "r+b") as file:
        # numpy leaves room in it for any length.
        np.lib.format.write_array_header_1_0(file, header)
        file.seek(0, os.SEEK_END)
        file.write(array.tobytes())


def load_examples(folder: Path, name: str) -> Examples:
    """Read one split, memory-mapped."""

    def array(part: str) -> Array:
        return np.load(folder / f"{name}-{part}.npy", mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]

    columns = tuple(
        Ragged(array(f"{position}-values"), np.array(array(f"{position}-offsets")))
        if kind == "ragged"
        else array(f"{position}-values")
        for position, kind in enumerate(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")))
    )
    return Examples(Inputs(columns), Targets(np.array(array("targets")), np.array(array("counts"))))
