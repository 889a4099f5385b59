"""Row -> the stages of the cache that its ONNX file came from.

They are found by the file's hash, not by planning the pairing again: what was scored is what is served, also when code
has changed since, or a user's data has moved.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from tlbench.deploy.package.examples import still_prepares
from tlbench.engine.contents import row_part
from tlbench.engine.store import Store, StoredStage
from tlbench.errors import UsageError
from tlbench.planning.catalog import Catalog
from tlbench.planning.repeat import repeat_command
from tlbench.results.row import Row


def find_stages(row: Row, board: Path, store: Store, catalog: Catalog) -> tuple[StoredStage, StoredStage]:
    """Return the stage that left the row's ONNX file, and the one that prepared its data.

    Raises `UsageError` with the command that computes them if they are not in the cache.
    """
    if row.status != "ok" or row.onnx_sha256 is None:
        raise UsageError(f'"{row.file_name}" has no model to export: its status is {row.status} ({row.reason}).')
    command = shlex.join([*repeat_command(row, catalog), "--board", str(board)])
    task, backbone = catalog.task(row.task), catalog.backbone(row.backbone)
    for export, prepare in _served(row, store):
        # The code of preprocessing travels with the export, and must do what it did when the file was scored.
        if not still_prepares(prepare.folder, row, task, backbone):
            raise UsageError(
                f'"{backbone.name}" prepares examples differently now than when "{row.file_name}" was scored. Run it '
                f"again: {command}"
            )
        return export, prepare
    raise UsageError(
        f'The ONNX file of "{row.file_name}" (sha256 {row.onnx_sha256[:12]}...) is not in the cache "{store.root}". '
        f"Run it again: {command}"
    )


def _served(row: Row, store: Store) -> Iterator[tuple[StoredStage, StoredStage]]:
    """Yield the stages that left this ONNX file, each with the one that prepared the data of the row."""
    for manifest in store.manifests("export"):
        above = manifest.identity.get("above")
        if manifest.files.get("model.onnx") != row.onnx_sha256 or not isinstance(above, Mapping):
            continue
        export, prepare = store.find("export", manifest.identity), store.at("prepare", str(above.get("prepare")))
        # A remembered hash says less than reading the files.
        if not (export and prepare and store.is_whole(export) and store.is_whole(prepare)):
            continue
        if row_part(prepare.folder).get("data_sha256") == row.data_sha256:
            yield export, prepare
