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
    {"created", "seconds", "device_seconds", "peak_memory_bytes", "latency", "processor_class", "strategy_code"}
) | {one.name for one in fields(LatencyPart)}
"""Fields that differ between two runs of the same thing on one machine, or that older results lack."""
BESIDE = frozenset({"transfer_gain", "negative_transfer", "gap_closed"})
"""Fields that depend on which baselines are on the board."""


@dataclass(frozen=True)
class Contradiction:
    """A result that was not taken, because the board has something else in its place."""

    file: str
    """The file of the result, below `rows`."""
    board: Path
    """The board whose result was not taken."""
    differing: tuple[str, ...]
    """Names of the fields that differ, or of the files beside the result."""


@dataclass
class Merged:
    """What became of the results of the boards."""

    copied: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    """Were there already."""
    contradictions: list[Contradiction] = field(default_factory=list)


def merge(boards: Sequence[Path], into: Path) -> Merged:
    """Copy the results of boards into another, which may be new; what is there stays as it is.

    Results that cannot be read are left out with a warning. Raises `StoreError` if a file cannot be read or written.
    """
    merged = Merged()
    for board in boards:
        for row in read_rows(board):
            differing = _differing(row, board, into)
            if differing:
                merged.contradictions.append(Contradiction(row.file_name, board, differing))
            elif (into / "rows" / row.file_name).exists():
                merged.known.append(row.file_name)
            else:
                _copy(row, board, into)
                merged.copied.append(row.file_name)
    return merged


def _differing(row: Row, board: Path, into: Path) -> tuple[str, ...]:
    """Return what another board has in the place of a result, or of a file beside it; nothing if both may stand."""
    path = into / "rows" / row.file_name
    if not path.exists():
        beside = [pair for pair in files_beside(row, board, into) if pair[1].exists()]
        return tuple(str(target.relative_to(into)) for source, target in beside if _content(source) != _content(target))
    try:
        known = read_row(path)
    except StoreError:
        return ("content: the result that is there cannot be read",)
    return tuple(
        one.name
        for one in fields(Row)
        if one.name not in MEASURED | BESIDE and getattr(known, one.name) != getattr(row, one.name)
    )


def _copy(row: Row, board: Path, into: Path) -> None:
    for source, target in files_beside(row, board, into):
        content = _content(source)
        try:
            write_bytes(target, content)
        except OSError as error:
            raise StoreError(
                f'"{target}" could not be written ({error.strerror or error}): free disk space or correct the '
                f"permissions, and run the same command again."
            ) from error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(
            f'"{path}" cannot be read ({error.strerror or error}): correct its permissions, and run the same command '
            f"again."
        ) from error


def files_beside(row: Row, board: Path, into: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the files of a result and where they go, its own last: it never lacks what belongs to it."""
    own = Path("rows") / row.file_name
    latency = latency_path(row, board)
    beside = [own.with_suffix(".npz"), *([] if latency is None else [latency.relative_to(board)])]
    pictures = (board / "analyses" / row.file_name).parent.glob(f"{glob.escape(own.stem)}-*.png")
    beside += [picture.relative_to(board) for picture in sorted(pictures)]
    yield from ((board / name, into / name) for name in beside if (board / name).is_file())
    yield board / own, into / own
