"""Certificates of audits: whether a strategy's model depends on data that is withheld from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from tlbench.errors import StoreError
from tlbench.results.files import read_sealed, shorter, slug, write_sealed
from tlbench.results.frozen import freeze
from tlbench.results.row import Row
from tlbench.results.values import in_words, wrong_values

FOLDER = "audits"
LARGEST = 1_000_000
"""Bytes of a certificate that is read."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit of a strategy found."""

    strategy: str
    plugin: str
    """Plugin of the strategy, with distribution and version."""
    code: str
    """Hash of the code that the strategy reaches, as `strategy_code` of a row."""
    task: str
    backbone: str
    seed: int
    access: tuple[str, ...]
    outcome: Literal["clean", "caught", "undecided"]
    """`caught`: something that is withheld changes its model, or it opens files of data; `undecided`: it gives another
    model in each run, or fails."""
    withheld: Mapping[str, int] = field(default_factory=dict)
    """What was withheld -> number of examples."""
    checks: Mapping[str, str] = field(default_factory=dict)
    """What was changed -> what became of the model."""
    date: str
    """UTC, such as 2026-01-31."""
    processor_class: str
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        freeze(self)


def write_audit(board: Path, audit: Audit) -> Path:
    """Write a certificate on a board, in place of an older one of the strategy; return its file."""
    path = board / FOLDER / f"{shorter(slug(audit.strategy), 200)}.json"
    write_sealed(path, asdict(audit))
    return path


def read_audits(board: Path) -> dict[str, Audit]:
    """Return the certificates of a board by strategy. Raises `StoreError` for one that is damaged."""
    audits = [_read(path) for path in sorted((board / FOLDER).glob("*.json")) if not path.name.startswith(".")]
    return {audit.strategy: audit for audit in audits}


def _read(path: Path) -> Audit:
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it has more than {LARGEST:,} bytes")
        audit = Audit(**read_sealed(path))
        for wrong in wrong_values(audit):
            raise ValueError(in_words(*wrong))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(f'"{FOLDER}/{path.name}" cannot be read ({error}): remove it, or restore it.') from error
    return audit


def is_of(audit: Audit, row: Row) -> bool:
    """Return whether a row was computed by the code that was audited."""
    same = (row.strategy, row.plugins.get("strategy"), row.strategy_code)
    return same == (audit.strategy, audit.plugin, audit.code)
