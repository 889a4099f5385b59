"""Results of several boards on one, each with what belongs to it; what contradicts is named, never overwritten.

A board may be anybody's: no link is followed, and only files that belong to a result are taken.
"""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from tlbench.errors import StoreError
from tlbench.results.analysis_files import picture_paths
from tlbench.results.escapes import plain
from tlbench.results.files import PNG, digest, write_bytes
from tlbench.results.latency_files import latency_path
from tlbench.results.left_out import LeftOut
from tlbench.results.parts import LatencyPart
from tlbench.results.row import Row
from tlbench.results.row_files import read_row, read_rows, row_paths

MEASURED = frozenset(
    {"created", "seconds", "device_seconds", "peak_memory_bytes", "latency", "processor_class", "strategy_code"}
) | {one.name for one in fields(LatencyPart)}
"""Fields that differ between two runs of the same thing on one machine, or that older results lack."""
BESIDE = frozenset({"transfer_gain", "negative_transfer", "gap_closed"})
"""Fields that depend on which baselines are on the board."""
DECISIVE = (
    *("task", "backbone", "strategy", "seed", "setting", "source_mode", "weights_sha256", "access", "budget_rule"),
    *("label_budget", "selection", "augmentation", "task_options", "files", "backbone_options", "source_options"),
    *("strategy_options", "tuned_options", "remembered", "remembered_options", "remembered_files", "processor_class"),
    *("machine", "device", "device_name", "threads", "precision", "accumulation_steps", "compiled", "versions"),
    *("plugins", "strategy_code", "api_version", "commit", "fitted_on", "data_sha256", "test_size", "metric"),
)
"""Fields that decide the key of a result with committed code, and its score."""
LARGEST_PICTURE = 10_000_000
"""Bytes of a picture; a usual one has 50,000."""


@dataclass(frozen=True)
class Contradiction:
    """A result that was not taken, because the board has something else in its place."""

    file: str
    """The file of the result, below `rows`."""
    board: Path
    """The board whose result was not taken."""
    differing: tuple[str, ...]
    """Names of the fields that differ, or of the files beside the result."""
    known: str
    """The result of the own board that it contradicts, below `rows`."""


@dataclass
class Merged:
    """What became of the results of the boards."""

    copied: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    """Were there already."""
    contradictions: list[Contradiction] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Files of results that cannot be read or are links, with the board that has them."""


def merge(boards: Sequence[Path], into: Path) -> Merged:
    """Copy the results of boards into another, which may be new; what is there stays as it is.

    Results that cannot be read or have links are left out with a warning. Raises `StoreError` if a file cannot be read
    or written.
    """
    merged, scores = Merged(), _scores(into)
    for board in boards:
        left_out = {path: str(path) for path in row_paths(board)}
        with LeftOut() as noted:
            for row in read_rows(board):
                if foreign := _foreign(row, board, into):
                    noted.note(f'"{plain(str(foreign))}" is a link or no regular file: its result is left out.')
                    continue
                del left_out[board / "rows" / row.file_name]
                _take(row, board, into, merged, scores)
        merged.left_out += left_out.values()
    return merged


def _take(row: Row, board: Path, into: Path, merged: Merged, scores: dict[str, Row]) -> None:
    """Copy a result, or note why it is not copied."""
    if differing := _differing(row, board, into):
        merged.contradictions.append(Contradiction(row.file_name, board, differing, row.file_name))
    elif other := _other_score(row, scores):
        merged.contradictions.append(Contradiction(row.file_name, board, ("key", "score"), other.file_name))
    elif (into / "rows" / row.file_name).exists():
        merged.known.append(row.file_name)
    else:
        _copy(row, board, into)
        merged.copied.append(row.file_name)
        if _is_decided(row):
            scores.setdefault(_decisive(row), row)


def _foreign(row: Row, board: Path, into: Path) -> Path | None:
    """Return the first file of a result that is not a regular file of the board itself, if there is one."""
    for path, _ in files_beside(row, board, into):
        folders = itertools.takewhile(lambda part: part != board, path.parents)
        if not path.is_file() or any(part.is_symlink() for part in (path, *folders)):
            return path
    return None


def _scores(board: Path) -> dict[str, Row]:
    """Return the results of a board that must be the same wherever they are computed, by what decides them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Whoever renders the board is told what cannot be read.
        return {_decisive(row): row for row in read_rows(board) if _is_decided(row)}


def _is_decided(row: Row) -> bool:
    return row.status == "ok" and not row.dirty


def _decisive(row: Row) -> str:
    return digest([getattr(row, name) for name in DECISIVE])


def _other_score(row: Row, scores: dict[str, Row]) -> Row | None:
    """Return the result on the board with the same decisive fields, but another key and another score, if any."""
    known = scores.get(_decisive(row)) if _is_decided(row) else None
    return None if known is None or known.key == row.key or known.score == row.score else known


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
    """Yield the files of a result and where they go, its own last: it never lacks what belongs to it.

    Pictures of analyses that the result does not name or that are no PNG belong to none, nor do predictions without a
    hash.
    """
    own = Path("rows") / row.file_name
    latency = latency_path(row, board)
    beside = [] if row.predictions_sha256 is None else [own.with_suffix(".npz")]
    beside += [] if latency is None else [latency.relative_to(board)]
    pictures = {path for label in row.analyses for path in picture_paths(row, board, label) if _is_picture(path)}
    beside += [picture.relative_to(board) for picture in sorted(pictures)]
    yield from ((board / name, into / name) for name in beside if os.path.lexists(board / name))
    yield board / own, into / own


def _is_picture(path: Path) -> bool:
    with path.open("rb") as stream:
        return path.stat().st_size <= LARGEST_PICTURE and stream.read(len(PNG)) == PNG
