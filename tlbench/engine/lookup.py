"""Row -> the stages of the cache that its ONNX file came from.

They are found by the file's hash, not by planning the pairing again: what was scored is what is served, also when code
has changed since, or a user's data has moved.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tlbench.deploy.package.examples import still_prepares
from tlbench.engine.store import Store, StoredStage
from tlbench.errors import UsageError
from tlbench.planning.catalog import Catalog
from tlbench.planning.repeat import repeat_command
from tlbench.results.row import Row

ASKED = (
    "task", "backbone", "strategy", "seed", "task_options", "backbone_options", "source_options",
    "strategy_options",
)  # fmt: skip
"""What a row and the identity of a stage both say of the question."""

SAMPLE = "sample-0.npz"
"""Older versions kept no examples."""


def find_stages(row: Row, board: Path, store: Store, catalog: Catalog) -> tuple[StoredStage, StoredStage]:
    """Return the stage that left the row's ONNX file, and the one that prepared its data.

    Raises `UsageError` that says how to make them where they are not in the cache.
    """
    if row.status != "ok" or row.onnx_sha256 is None:
        raise UsageError(f'The row "{row.file_name}" is {row.status} ({row.reason}): there is no model to export.')
    command = shlex.join([*repeat_command(row, catalog), "--board", str(board)])
    task, backbone = catalog.task(row.task), catalog.backbone(row.backbone)
    for identity in _served(row, store):
        export, prepare = store.find("export", identity), _prepared(identity, store)
        if export is None or prepare is None:
            continue
        if not still_prepares(prepare, task, backbone):
            raise UsageError(
                f'"{backbone.name}" prepares examples otherwise now than when "{row.file_name}" was scored: make row '
                f"and file again with: {command}"
            )
        return export, prepare
    raise UsageError(
        f'The cache "{store.root}" does not hold the ONNX file that "{row.file_name}" scores (sha256 '
        f"{row.onnx_sha256[:12]}...): make row and file again with: {command}"
    )


def _served(row: Row, store: Store) -> list[Mapping[str, Any]]:
    asked = {name: getattr(row, name) for name in ASKED}
    asked["label_budget"] = row.budget_rule or str(row.label_budget)
    return [
        manifest["identity"]
        for manifest in store.manifests("export")
        if manifest["files"].get("model.onnx") == row.onnx_sha256 and asked.items() <= manifest["identity"].items()
    ]


def _prepared(identity: Mapping[str, Any], store: Store) -> StoredStage | None:
    """Return the stage that prepared the data: what it depends on is a part of what the export depends on."""
    for manifest in store.manifests("prepare"):
        if SAMPLE in manifest["files"] and manifest["identity"].items() <= identity.items():
            return store.find("prepare", manifest["identity"])
    return None
