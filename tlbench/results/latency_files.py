"""The file of single values that a latency was computed from, compared with its row."""

from __future__ import annotations

import functools
import json
import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from tlbench.errors import StoreError
from tlbench.results.parts import LatencyPart
from tlbench.results.row import Row
from tlbench.results.values import Wrong

LARGEST = 1_000_000
"""Bytes of a file; a usual one has 12,000."""
ROUNDED = 2e-6
"""How far rounding of the single values, to 6 digits in ms, may carry a number that is computed from them."""
SHARED = (*(field.name for field in fields(LatencyPart)), "graph", "machine")
"""What the file says as its row does."""
PARTS = 5


def latency_path(row: Row, board: Path) -> Path | None:
    """Return the file of a row's latency; None if the row has none. Raises `StoreError` if its name is none."""
    if row.latency is None:
        return None
    if not re.fullmatch(r"[\w-]{1,100}", row.latency):
        raise StoreError("letters, digits, - and _")
    return board / "latency" / f"{row.latency}.json"


def wrong_latency(row: Row, board: Path) -> Wrong:
    """Yield the fields of a row that are not those of its latency file, if the file is there: see `Wrong`."""
    try:
        path = latency_path(row, board)
        values = None if path is None or not path.exists() else _read(path, _state(path))
    except StoreError as error:
        yield "latency", row.latency, str(error)
        return
    if values is None or path is None:
        return
    for name in SHARED:
        if getattr(row, name) != values.get(name):
            yield name, getattr(row, name), f"{values.get(name)!r}, as in {path.name}"
    for name, expected in _summary(values["raw_ms"]).items():
        found = getattr(row, name)
        if not isinstance(found, int | float) or not math.isclose(
            found, expected, rel_tol=1e-9, abs_tol=_slack(name, values)
        ):
            yield name, found, f"{expected!r}, computed from the single values in {path.name}"


def single_values(row: Row, board: Path) -> list[float]:
    """Return every value in ms that a row's latency was computed from; empty if they are not there, or damaged."""
    try:
        path = latency_path(row, board)
        return [] if path is None or not path.exists() else list(_read(path, _state(path))["raw_ms"])
    except (StoreError, OSError):
        return []


def _slack(name: str, values: Mapping[str, Any]) -> float:
    """Return how far a number may differ; the spread is a part of the median."""
    return 2 * ROUNDED / statistics.median(values["raw_ms"]) if name == "round_spread" else ROUNDED


def _state(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_size, about.st_mtime_ns


@functools.lru_cache(maxsize=256)  # many rows share one
def _read(path: Path, state: tuple[int, int]) -> dict[str, Any]:
    """Return the content of a file. Raises `StoreError` with what was expected."""
    if not path.is_file() or state[0] > LARGEST:
        raise StoreError(f"a regular file of at most {LARGEST:,} bytes: {path.name}")
    try:
        values = json.loads(path.read_bytes())
        raw = values["raw_ms"]
        if not isinstance(raw, list) or len(raw) < PARTS or not all(map(_is_time, raw)):
            raise ValueError
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise StoreError(f"single values in ms in {path.name}, which is damaged") from error
    return dict(values)


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < math.inf


def _summary(raw: Sequence[float]) -> dict[str, float]:
    """Return what is computed from single values in ms, by the formulas of the measurement."""
    cuts = statistics.quantiles(raw, n=100, method="inclusive")
    medians = [statistics.median(part) for part in _parts(raw)]
    return {
        "p50_ms": cuts[49],
        "p90_ms": cuts[89],
        "p99_ms": cuts[98],
        "mean_ms": statistics.fmean(raw),
        "queries": len(raw),
        "round_spread": (max(medians) - min(medians)) / statistics.median(medians),
    }


def _parts(raw: Sequence[float]) -> Iterator[Sequence[float]]:
    """Yield fifths of the values in the order of their time; the first ones are longer by one if it must be."""
    size, more = divmod(len(raw), PARTS)
    start = 0
    for number in range(PARTS):
        stop = start + size + (number < more)
        yield raw[start:stop]
        start = stop
