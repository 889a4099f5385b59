"""Certificates of audits: whether a strategy's model depends on data that is withheld from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from tlbench.errors import StoreError
from tlbench.results.files import digest, read_sealed, shorter, slug, write_sealed
from tlbench.results.frozen import freeze
from tlbench.results.row import OptionValues, Row
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
    device: str
    """`cpu` or `cuda`."""
    options: OptionValues = field(default_factory=dict)
    """Options of the strategy, each with its value."""
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


def file_of(audit: Audit) -> str:
    """Return the name of a certificate's file: one for each strategy and all that it was audited with."""
    request = [audit.strategy, audit.task, audit.backbone, audit.seed, audit.options, audit.device]
    name = "--".join(map(slug, (audit.strategy, audit.task, audit.backbone, f"s{audit.seed}")))
    return f"{shorter(name, 200)}-{digest(request)[:6]}.json"


def write_audit(board: Path, audit: Audit) -> Path:
    """Write a certificate on a board; return its file.

    It replaces an older one of the same task, backbone, seed, options and device alone: a strategy that was caught on
    one task stays caught when it is clean on another.
    """
    path = board / FOLDER / file_of(audit)
    write_sealed(path, asdict(audit))
    return path


def audit_paths(board: Path) -> list[Path]:
    """Return the files of a board's certificates by name."""
    return sorted(path for path in (board / FOLDER).glob("*.json") if not path.name.startswith("."))


def read_audit(path: Path) -> Audit:
    """Return a certificate. Raises `StoreError` for a file that is damaged, or named otherwise than its content."""
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it has more than {LARGEST:,} bytes")
        audit = Audit(**read_sealed(path))
        for wrong in wrong_values(audit):
            raise ValueError(in_words(*wrong))
        if path.name != (name := file_of(audit)):
            raise ValueError(f'its content is that of "{name}"')
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(f'"{FOLDER}/{path.name}" cannot be read ({error}): remove it, or restore it.') from error
    return audit


def same_code(audit: Audit, row: Row) -> bool:
    """Return whether a row was computed by the code that was audited, with any options."""
    same = (row.strategy, row.plugins.get("strategy"), row.strategy_code)
    return same == (audit.strategy, audit.plugin, audit.code)


def is_of(audit: Audit, row: Row) -> bool:
    """Return whether a row was computed by the code that was audited, with the same access and options."""
    given = (tuple(row.access), dict(row.strategy_options))
    return same_code(audit, row) and given == (audit.access, dict(audit.options))
