"""Estimators and analyses of a pairing: each is a stage of its own, and none can cost the row its score."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from tlbench.engine.contents import PICTURE, row_part
from tlbench.engine.draft import Found
from tlbench.engine.pipeline import DIAGNOSTICS, NotComputed, run_stage
from tlbench.engine.store import Store, StoredStage
from tlbench.errors import StageError, describe
from tlbench.planning.guard import log_traceback, pass_signal
from tlbench.planning.plan import Pairing
from tlbench.planning.settings import Settings
from tlbench.results.files import write_bytes
from tlbench.results.row import Row

V = TypeVar("V")


def run_diagnostics(pairing: Pairing, settings: Settings, store: Store, done: Mapping[str, StoredStage]) -> Found:
    """Bring what was asked for into the store, after the stages that are done; what fails is left out with a reason."""
    stages, failed = dict[str, StoredStage](), dict(pairing.left_out)
    pictures: dict[str, StoredStage | None] = {}
    for stage in DIAGNOSTICS:
        for asked in getattr(pairing, stage.each):
            alone = dataclasses.replace(pairing, **{stage.each: (asked,)})  # type: ignore[arg-type]
            found = None
            try:
                stages[f"{stage.name} {asked.label}"] = found = run_stage(stage, alone, settings, store, done)
            except NotComputed:
                raise
            except BaseException as error:  # noqa: BLE001 - a plugin may raise anything; the row keeps its score
                pass_signal(error)
                log_traceback(f"{pairing.title} {asked.label}", settings.cache)
                cause = error.__cause__ or error if isinstance(error, StageError) else error
                failed[asked.label] = describe(cause)
            if stage.each == "analyses":
                pictures[asked.file_name] = found
    return Found(stages=stages, pictures=pictures, failed=failed)


def with_kept(row: Row, published: Row | None, failed: Mapping[str, str]) -> Row:
    """Return a row with what the board has of it from earlier runs, which may have asked for other diagnostics.

    The board's numbers count only if they are of the same model, which the time and the hash of its file say. What
    this run computed comes first, and what failed in it is not kept.
    """
    if published is None or row.created is None:
        return row
    if (row.created, row.onnx_sha256) != (published.created, published.onnx_sha256):
        return row
    estimates = {**_without(published.estimates, failed), **row.estimates}
    analyses = {**_without(published.analyses, failed), **row.analyses}
    seconds = {f"{stage} {label}" for stage, held in (("estimate", estimates), ("analyse", analyses)) for label in held}
    spent = {name: value for name, value in published.seconds.items() if name in seconds}
    return dataclasses.replace(row, estimates=estimates, analyses=analyses, seconds={**spent, **row.seconds})


def _without(values: Mapping[str, V], labels: Collection[str]) -> dict[str, V]:
    return {label: value for label, value in values.items() if label not in labels}


def write_pictures(found: Found, row: Row, board: Path, store: Store) -> None:
    """Write the pictures of a row's analyses to the board, and remove those that they no longer draw."""
    for ending, stage in found.pictures.items():
        path = board / "analyses" / f"{row.file_name.removesuffix('.json')}-{ending}.png"
        if stage is not None and PICTURE in stage.files:
            write_bytes(path, store.checked(stage, PICTURE).read_bytes())
        else:
            path.unlink(missing_ok=True)


def row_fields_of(found: Found) -> dict[str, Any]:
    """Return what the row says of what was asked for."""
    fields: dict[str, Any] = {}
    for stage in found.stages.values():
        for name, values in row_part(stage.folder).items():
            fields[name] = {**fields.get(name, {}), **values}
    return fields
