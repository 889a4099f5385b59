"""Results of several boards on one, each with what belongs to it; what contradicts is named, never overwritten."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from tlbench.errors import StoreError
from tlbench.results.files import write_bytes
from tlbench.results.latency_files import latency_path
from tlbench.results.parts import LatencyPart
from tlbench.results.row import Row
from tlbench.results.row_files import read_row, read_rows

MEASURED = frozenset(
    {"created", "seconds", "device_seconds", "peak_memory_bytes", "latency", *(one.name for one in fields(LatencyPart))}
)
"""Fields that differ between two runs of the same thing on one machine."""
BESIDE = frozenset({"transfer_gain", "negative_transfer", "gap_closed"})
"""Fields that depend on which baselines are on the board."""


@dataclass(frozen=True)
class Contradiction:
    """Two results of one name that differ in more than what is measured anew in each run."""

    file: str
    """The file of the result, below `rows`."""
    board: Path
    """The board whose result was not taken."""
    differing: tuple[str, ...]
    """Names of the fields that differ."""


@dataclass
class Merged:
    """What became of the results of the boards."""

    copied: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    """Were there already."""
    contradictions: list[Contradiction] = field(default_factory=list)


def merge(boards: Sequence[Path], into: Path) -> Merged:
    """Copy the results of boards into another, which may be new; a result that is there stays as it is.

    Results that cannot be read are left out with a warning. Raises `StoreError` if a file cannot be written.
    """
    merged = Merged()
    try:
        for board in boards:
            for row in read_rows(board):
                _take(row, board, into, merged)
    except OSError as error:
        raise StoreError(
            f'"{into}" could not be written ({error.strerror or error}): free disk space or correct the permissions, '
            f"and run the same command again."
        ) from error
    return merged


def _take(row: Row, board: Path, into: Path, merged: Merged) -> None:
    path = into / "rows" / row.file_name
    if not path.exists():
        for source, target in _files(row, board, into):
            write_bytes(target, source.read_bytes())
        merged.copied.append(row.file_name)
        return
    known = read_row(path)
    differing = tuple(
        one.name
        for one in fields(Row)
        if one.name not in MEASURED | BESIDE and getattr(known, one.name) != getattr(row, one.name)
    )
    if differing:
        merged.contradictions.append(Contradiction(row.file_name, board, differing))
    else:
        merged.known.append(row.file_name)


def _files(row: Row, board: Path, into: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the files of a result and where they go, its own last: it never lacks what belongs to it."""
    own = Path("rows") / row.file_name
    latency = latency_path(row, board)
    beside = [own.with_suffix(".npz"), *([] if latency is None else [latency.relative_to(board)])]
    pictures = (board / "analyses" / row.file_name).parent.glob(f"{glob.escape(own.stem)}-*.png")
    beside += [picture.relative_to(board) for picture in sorted(pictures)]
    yield from ((board / name, into / name) for name in beside if (board / name).is_file())
    yield board / own, into / own
