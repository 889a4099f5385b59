"""What somebody found out about results of a board beside their numbers: which were run again, and with what outcome.

The files lie beside the pages. An entry names what it is evidence of by a digest of the result's numbers: a result that
has other numbers by now has no evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from tlbench.errors import StoreError
from tlbench.results.files import canonical, digest, read_sealed, write_sealed
from tlbench.results.frozen import freeze
from tlbench.results.merging import BESIDE, MEASURED
from tlbench.results.row import Row
from tlbench.results.values import in_words, wrong_values

REPRODUCED = "reproduced.json"
"""The file on a board."""
SUMMARY, ENVIRONMENT = "SUMMARY.md", "environment.json"
"""Files of a submission that are no pages of a board."""
LARGEST = 50_000_000
"""Bytes of such a file that are read."""


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """What came of running the pairing of a result again."""

    digest: str
    """Of the result, as `evidence_digest` gives it."""
    date: str
    """UTC, such as 2026-01-31."""
    reproduced: bool
    exact: bool
    """Whether all that was compared is the same bit for bit."""
    differences: tuple[str, ...] = ()
    """A sentence for each value that differs by more than is allowed."""
    score_difference: float | None = None
    """How far the scores are apart."""
    processor_class: str
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of Python, tlbench and the libraries of the rerun."""
    commit: str | None = None

    def __post_init__(self) -> None:
        freeze(self)


def evidence_digest(row: Row) -> str:
    """Name what running a pairing again can confirm: every field but those that each run measures anew.

    Fields at their defaults do not count, so that a field of a later version changes no digest.
    """
    usual = {name: canonical(value) for name, value in _defaults().items()}
    record = {name: value for name, value in row.to_json().items() if name not in MEASURED | BESIDE}
    return digest({name: value for name, value in record.items() if canonical(value) != usual.get(name)})


def _defaults() -> dict[str, Any]:
    made = {one.name: one.default_factory() for one in fields(Row) if one.default_factory is not MISSING}
    return made | {one.name: one.default for one in fields(Row) if one.default is not MISSING}


def read_reruns(board: Path) -> dict[str, Rerun]:
    """Return the reruns of a board by the file of the result, `DOMAIN/NAME.json`; none if there is no such file.

    Raises `StoreError` for a file that is damaged or holds anything else.
    """
    path = board / REPRODUCED
    if not path.exists():
        return {}
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it has more than {LARGEST:,} bytes")
        return {str(file): _rerun(entry) for file, entry in read_sealed(path)["results"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise StoreError(f'"{path.name}" cannot be read ({error}): remove it, or restore it.') from error


def _rerun(entry: Mapping[str, Any]) -> Rerun:
    rerun = Rerun(**entry)
    for wrong in wrong_values(rerun):
        raise ValueError(in_words(*wrong))
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", rerun.date):
        raise ValueError(f"date is {rerun.date!r}, expected one such as 2026-01-31")
    return rerun


def add_reruns(board: Path, reruns: Mapping[str, Rerun], rows: Mapping[str, Row]) -> None:
    """Write reruns beside a board, atomically; they replace older ones of the same results.

    `rows` are all results of the board by file: reruns of what is no longer there are dropped.
    """
    kept = {file: rerun for file, rerun in {**read_reruns(board), **reruns}.items() if fits(rows.get(file), rerun)}
    write_sealed(board / REPRODUCED, {"results": {file: asdict(one) for file, one in kept.items()}})


def fits(row: Row | None, rerun: Rerun) -> bool:
    """Return whether a rerun is one of a result as it is now."""
    return row is not None and evidence_digest(row) == rerun.digest
