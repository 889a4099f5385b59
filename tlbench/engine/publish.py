"""Drafts -> rows on the board: each with its predictions and pictures, then with its baselines and its latency."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from tlbench.engine.contents import measured, row_part
from tlbench.engine.diagnostics import with_kept, write_pictures
from tlbench.engine.draft import Draft
from tlbench.engine.pairing import failure
from tlbench.engine.pipeline import LATENCY, run_stage
from tlbench.engine.stage_folders import now_of
from tlbench.engine.store import Store
from tlbench.errors import StoreError
from tlbench.planning.guard import log_traceback, pass_signal
from tlbench.planning.settings import Settings
from tlbench.results.baselines import with_baselines
from tlbench.results.files import TEMPORARY, digest, write_bytes, write_json
from tlbench.results.prediction_files import LARGEST
from tlbench.results.row import Row, write_row
from tlbench.results.row_files import read_row

SETTLED = 3600.0
"""Age in seconds of a temporary file that nobody writes any more."""


def sweep_board(board: Path) -> None:
    """Remove files that a killed run was writing; those of the last hour may be another run's, which is still there."""
    with suppress(OSError):
        before = now_of(board) - SETTLED
        for left in board.rglob(f"{TEMPORARY}*"):
            if left.lstat().st_mtime < before:
                left.unlink()


def on_board(row: Row, settings: Settings) -> Row | None:
    """Return the row of the same result that is on the board, which may hold a latency already, or None."""
    published = _published(row, settings)
    if published is None:
        return None
    same = ("status", "reason", "created", "onnx_sha256")
    return published if all(getattr(published, name) == getattr(row, name) for name in same) else None


def _published(row: Row, settings: Settings) -> Row | None:
    """Return the row that the board has under the same name, or None."""
    try:
        return read_row(settings.board / "rows" / row.file_name)
    except (OSError, StoreError):
        return None


def with_diagnostics(draft: Draft, settings: Settings) -> Draft:
    """Return the draft with the estimates and analyses that the board has of the same model."""
    if not draft.stages:
        return draft
    return dataclasses.replace(draft, row=with_kept(draft.row, _published(draft.row, settings), draft.found.failed))


def compared(drafts: Sequence[Draft], complete: Collection[str], store: Store, settings: Settings) -> list[Draft]:
    """Return drafts whose rows stand beside their baselines; publish those of which the board has no complete row."""
    rows = with_baselines([draft.row for draft in drafts])
    beside = [dataclasses.replace(draft, row=row) for draft, row in zip(drafts, rows, strict=True)]
    for draft in beside:
        if draft.stages and draft.row.file_name not in complete:
            publish(draft, store, settings)
    return beside


def publish(draft: Draft, store: Store, settings: Settings) -> Path | None:
    """Write a row to the board, after its predictions; return its file, or None where that failed or must not be."""
    if not draft.published:
        return None
    try:
        if draft.stages:
            # Before the row: a row on the board never lacks its predictions, even if the run is killed between the two.
            _write_predictions(draft, store, (settings.board / "rows" / draft.row.file_name).with_suffix(".npz"))
            write_pictures(draft.found, draft.row, settings.board, store)
        return write_row(settings.board, draft.row)
    except (OSError, ValueError, StoreError):
        log_traceback(draft.row.file_name, settings.cache)
        return None


def _write_predictions(draft: Draft, store: Store, path: Path) -> None:
    """Put the predictions beside their row; those that are too large stay in the cache, and the row says their size."""
    kept = store.checked(draft.stages["export"], "predictions.npz")
    if kept.stat().st_size <= LARGEST:
        write_bytes(path, kept.read_bytes())
    else:
        path.unlink(missing_ok=True)


def as_published(draft: Draft, settings: Settings) -> Draft:
    """Return the draft as the board has it, if it has its latency too."""
    published = on_board(draft.row, settings)
    return draft if published is None or published.latency is None else dataclasses.replace(draft, row=published)


def with_latency(draft: Draft, settings: Settings, store: Store) -> Draft:
    """Return the draft with the latency of its graph: measured once, shared by all rows that serve the graph."""
    if not draft.stages:
        return draft
    row = draft.row
    try:
        stage = run_stage(LATENCY, None, settings, store, draft.stages)
        values = {**measured(stage.folder), "graph": row.graph, "machine": row.machine}
        # Named by its values: one that is measured again replaces none that other rows were computed from.
        name = digest(values)
        write_json(settings.board / "latency" / f"{name}.json", values)
        return dataclasses.replace(draft, row=dataclasses.replace(row, **row_part(stage.folder), latency=name))
    except BaseException as error:  # noqa: BLE001 - a row that cannot be timed must not cost the others theirs
        pass_signal(error)
        log_traceback(row.file_name, settings.cache)
        return dataclasses.replace(draft, row=dataclasses.replace(row, status="failed", **failure(error)))
