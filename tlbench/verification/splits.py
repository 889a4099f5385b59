"""What names the test split of a result: results of one task are scored on the same targets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.contract.requests import SELF_LABELLED
from tlbench.errors import StoreError
from tlbench.planning.catalog import Catalog
from tlbench.results.files import digest
from tlbench.results.row import Row
from tlbench.verification.relations import Split
from tlbench.verification.scores import NotVerifiableError, Stored, stored

if TYPE_CHECKING:
    from tlbench.contract.specs import TaskSpec


def splits_of(row: Row, task: TaskSpec, kept: Stored | None) -> tuple[Split, ...]:
    """Return what names the test split of a row: its own hash, and that of its predictions, each if it is there."""
    shared = [row.task, row.task_options, row.files]
    # Tokens depend on the vocabulary, and so on the backbone.
    own = [row.backbone, row.backbone_options, row.data_sha256] if task.kind.layout in SELF_LABELLED else []
    group = digest([*shared, *own])
    named = {"test_sha256": row.test_sha256, "targets": kept.test_split if kept else None}
    return tuple((name, group, value) for name, value in named.items() if value is not None)


def splits_on(board: Path, rows: Mapping[str, Row], catalog: Catalog) -> dict[str, tuple[Split, ...]]:
    """Return the test splits of rows of a board by file; predictions that cannot be read name none."""
    found = {}
    for file, row in rows.items():
        if row.score is not None and row.task in catalog.tasks:
            found[file] = splits_of(row, catalog.task(row.task), _stored(row, board / file))
    return found


def _stored(row: Row, path: Path) -> Stored | None:
    try:
        return stored(row, path)
    except (NotVerifiableError, StoreError):
        return None
