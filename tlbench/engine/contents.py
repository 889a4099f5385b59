"""What the folders of finished stages hold, read without torch or numpy.

Every function raises `StoreError` if a file is missing or damaged.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tlbench.errors import StoreError

PART = "row.json"
"""The fields of the row that a stage knows."""
FACTS = "facts.json"
"""What a user asks of prepared data before a run."""
PICTURE = "picture.png"
"""What an analysis drew."""
MEASURED = "latency.json"
"""A measurement, with every single value."""
DAMAGE = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError),
    *(SyntaxError, MemoryError, RecursionError),  # of `literal_eval`
)
"""What reading a damaged file may raise."""


def row_part(folder: Path) -> dict[str, Any]:
    """Return the fields of the row that a stage left, none where it knows nothing."""
    path = folder / PART
    return _record(path) if os.path.lexists(path) else {}


def measured(folder: Path) -> dict[str, Any]:
    """Return the measurement that lies in a folder."""
    return _record(folder / MEASURED)


def fitted(prepared: Path) -> Any:
    """Return what the backbone learnt."""
    path = prepared / "prepared.json"
    with _readable(path):
        return _record(path)["fitted"]


def facts(prepared: Path) -> dict[str, Any]:
    """Return the facts on each split, and its sampling rate: what `tlbench.engine.facts` wrote."""
    path = prepared / "prepared.json"
    with _readable(path):
        known = _record(path)
        classes = len(known["target_labels"])
        return {"splits": _record(prepared / FACTS), "sample_rate": known["sample_rate"], "classes": classes}


def weight_shapes(folder: Path) -> dict[str, Any]:
    """Return type and shape of each tensor by name, from the header of the weights' file."""
    path = folder / "model.safetensors"
    with _readable(path), path.open("rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(min(size, path.stat().st_size)))
        return {name: [part["dtype"], *part["shape"]] for name, part in header.items() if name != "__metadata__"}


def input_shapes(prepared: Path, split: str) -> list[Any]:
    """Return type and shape of one example's model inputs; of ragged ones the type alone."""
    path = prepared / f"{split}.json"
    with _readable(path):
        layouts = json.loads(path.read_bytes())
        return [
            [kind, dtype, *(() if kind == "ragged" else shape[1:])]
            for position, kind in enumerate(layouts)
            for dtype, shape in [_npy_header(prepared / f"{split}-{position}-values.npy")]
        ]


def _npy_header(path: Path) -> tuple[str, tuple[int, ...]]:
    """Return type and shape of an array from the header of its file."""
    with _readable(path), path.open("rb") as stream:
        version = stream.read(8)[6]
        size = int.from_bytes(stream.read(2 if version == 1 else 4), "little")
        header = ast.literal_eval(stream.read(min(size, path.stat().st_size)).decode("latin-1"))
        return str(header["descr"]), tuple(header["shape"])


def _record(path: Path) -> dict[str, Any]:
    with _readable(path):
        return dict(json.loads(path.read_bytes()).items())


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Raise `StoreError` for whatever may come of reading a damaged file."""
    try:
        yield
    except DAMAGE as error:
        raise StoreError(f'"{path}" is damaged: run the command again.') from error
