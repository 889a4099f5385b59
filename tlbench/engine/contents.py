"""What the folders of finished stages hold, read without torch or numpy."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

PART = "row.json"
"""The fields of the row that a stage knows."""
PICTURE = "picture.png"
"""What an analysis drew."""
MEASURED = "latency.json"
"""A measurement, with every single value."""


def row_part(folder: Path) -> dict[str, Any]:
    """Return the fields of the row that a stage left, none where it knows nothing."""
    path = folder / PART
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def measured(folder: Path) -> dict[str, Any]:
    """Return the measurement that lies in a folder."""
    values: dict[str, Any] = json.loads((folder / MEASURED).read_text(encoding="utf-8"))
    return values


def fitted(prepared: Path) -> Any:
    """Return what the backbone learnt."""
    return json.loads((prepared / "prepared.json").read_text(encoding="utf-8"))["fitted"]


def weight_shapes(folder: Path) -> dict[str, Any]:
    """Return type and shape of each tensor by name, from the header of the weights' file."""
    with (folder / "model.safetensors").open("rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    return {name: [part["dtype"], *part["shape"]] for name, part in header.items() if name != "__metadata__"}


def input_shapes(prepared: Path, split: str) -> list[Any]:
    """Return type and shape of one example's model inputs; of ragged ones the type alone."""
    layouts = json.loads((prepared / f"{split}.json").read_text(encoding="utf-8"))
    return [
        [kind, dtype, *(() if kind == "ragged" else shape[1:])]
        for position, kind in enumerate(layouts)
        for dtype, shape in [_npy_header(prepared / f"{split}-{position}-values.npy")]
    ]


def _npy_header(path: Path) -> tuple[str, tuple[int, ...]]:
    """Return type and shape of an array from the header of its file."""
    with path.open("rb") as stream:
        version = stream.read(8)[6]
        size = int.from_bytes(stream.read(2 if version == 1 else 4), "little")
        header = ast.literal_eval(stream.read(size).decode("latin-1"))
    return str(header["descr"]), tuple(header["shape"])
