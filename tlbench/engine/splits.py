"""Prepared splits on disk: `.npy` files that are written a chunk of examples after the other and read memory-mapped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tlbench.contract.requests import PrepareRequest
from tlbench.contract.task_data import Array, ExampleSequence
from tlbench.errors import BadInputError, ContractError
from tlbench.learning.data import Columns, Examples, Inputs
from tlbench.learning.ragged import Ragged
from tlbench.learning.targets import Targets

CHUNK = 256
"""Examples that are prepared at a time."""


def prepare_chunks(prepare: Callable[[PrepareRequest], Columns], request: PrepareRequest) -> Iterator[Columns]:
    """Yield the model inputs of all examples, `CHUNK` examples at a time."""
    for start in range(0, len(request.inputs), CHUNK):
        yield prepare(replace(request, inputs=_some(request.inputs, start, start + CHUNK)))


def _some(rows: ExampleSequence, start: int, stop: int) -> list[object]:
    return [rows[i] for i in range(start, min(stop, len(rows)))]


def save_examples(folder: Path, name: str, chunks: Iterable[Columns], targets: Targets) -> None:
    """Write one split, of whose inputs one chunk at a time is in memory.

    Raises `BadInputError` if examples have several shapes or types, and `ContractError` if there are more or fewer than
    targets.
    """
    np.save(folder / f"{name}-targets.npy", targets.values, allow_pickle=False)
    np.save(folder / f"{name}-counts.npy", targets.counts, allow_pickle=False)
    if len(targets.references):
        texts = json.dumps(list(targets.references), ensure_ascii=False)
        (folder / f"{name}-references.json").write_text(texts, encoding="utf-8")
    kinds: list[str] = []
    start, size, ends = 0, len(targets), dict[int, int]()
    for chunk in chunks:
        if start + len(chunk[0]) > size:
            raise ContractError(f"`prepare` gave more than {size} rows for {size} examples.")
        for position, column in enumerate(chunk):
            values = folder / f"{name}-{position}-values.npy"
            if isinstance(column, Ragged):
                end = ends.get(position, 0)
                ends[position] = end + len(column.values)
                _append(values, column.values, first=not start)
                offsets = column.offsets[1:] + end if start else column.offsets
                _fill(folder / f"{name}-{position}-offsets.npy", offsets, start and start + 1, size + 1)
            else:
                _fill(values, np.asarray(column), start, size)
        kinds = ["ragged" if isinstance(column, Ragged) else "dense" for column in chunk]
        start += len(chunk[0])
    if start < size:
        raise ContractError(f"`prepare` gave {start} rows for {size} examples.")
    (folder / f"{name}.json").write_text(json.dumps(kinds), encoding="utf-8")


def _fill(path: Path, rows: Array, start: int, size: int) -> None:
    """Write rows into a `.npy` file of `size` rows, which the first of them creates."""
    # Not by a memory map: on a full disk the first write into it would kill the process.
    with path.open("r+b" if start else "wb") as file:
        if start:
            _read_length(file, rows)
        else:
            _write_header(file, rows, size)
        file.seek(start * rows[:1].nbytes, os.SEEK_CUR)
        file.write(rows.tobytes())


def _append(path: Path, rows: Array, first: bool) -> None:
    """Add rows to a `.npy` file whose length nobody knows before the last chunk: its header is written anew."""
    with path.open("wb" if first else "r+b") as file:
        length = 0 if first else _read_length(file, rows)
        file.seek(0)
        # numpy leaves room in it for any length.
        _write_header(file, rows, length + len(rows))
        file.seek(0, os.SEEK_END)
        file.write(rows.tobytes())


def _write_header(file: BinaryIO, rows: Array, length: int) -> None:
    if rows.dtype.hasobject:
        raise BadInputError(f"Prepared examples have the type {rows.dtype}: return arrays of numbers.")
    shape, descr = (length, *rows.shape[1:]), np.lib.format.dtype_to_descr(rows.dtype)
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})


def _read_length(file: BinaryIO, rows: Array) -> int:
    """Return how many rows an array has, after reading its header. Raises `BadInputError` if others do not fit."""
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if (shape[1:], dtype) != (rows.shape[1:], rows.dtype):
        raise BadInputError(
            f"Prepared examples are {shape[1:]} {dtype} and {rows.shape[1:]} {rows.dtype}: all of a split must have "
            f"one shape and one type."
        )
    return int(shape[0])


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
    references = folder / f"{name}-references.json"
    known = json.loads(references.read_text(encoding="utf-8")) if references.is_file() else ()
    return Examples(Inputs(columns), Targets(np.array(array("targets")), np.array(array("counts")), known))
