"""Estimators and analyses of a pairing: each is a stage of its own, and none can cost the row its score."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tlbench.engine.contents import PICTURE, row_part
from tlbench.engine.draft import Found
from tlbench.engine.pipeline import DIAGNOSTICS, NotComputed, run_stage
from tlbench.engine.stage import Stage
from tlbench.engine.store import Store, StoredStage
from tlbench.errors import StageError, describe
from tlbench.planning.guard import log_traceback, pass_signal
from tlbench.planning.plan import Pairing
from tlbench.planning.settings import Settings
from tlbench.results.files import write_bytes
from tlbench.results.row import Row

V = TypeVar("V")
CURVE = "curve"
"""The stage of the score over training, and what it is called if it failed."""


def run_diagnostics(pairing: Pairing, settings: Settings, store: Store, done: Mapping[str, StoredStage]) -> Found:
    """Bring what was asked for into the store, after the stages that are done; what fails is left out with a reason."""
    stages, failed = dict[str, StoredStage](), dict(pairing.left_out)
    pictures: dict[str, StoredStage | None] = {}
    for wanted in _wanted(pairing):
        found = None
        try:
            stages[wanted.title] = found = run_stage(wanted.stage, wanted.pairing, settings, store, done)
        except NotComputed:
            raise
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything; the row keeps its score
            pass_signal(error)
            log_traceback(f"{pairing.title} {wanted.label}", settings.cache)
            cause = error.__cause__ or error if isinstance(error, StageError) else error
            failed[wanted.label] = describe(cause)
        if wanted.picture:
            pictures[wanted.picture] = found
    return Found(stages=stages, pictures=pictures, failed=failed)


class _Wanted(NamedTuple):
    """A stage that was asked for."""

    stage: Stage
    pairing: Pairing
    """The pairing with what this stage is to compute alone."""
    label: str
    picture: str = ""
    """The end of the name of its picture's file, if it may draw one."""

    @property
    def title(self) -> str:
        """What the row's seconds call it."""
        return self.stage.name if self.stage.name == CURVE else f"{self.stage.name} {self.label}"


def _wanted(pairing: Pairing) -> Iterator[_Wanted]:
    """Yield the stages that were asked for, in their order."""
    for stage in DIAGNOSTICS:
        for asked in getattr(pairing, stage.each) if stage.each else ():
            alone = dataclasses.replace(pairing, **{stage.each: (asked,)})  # type: ignore[arg-type]
            yield _Wanted(stage, alone, asked.label, asked.file_name if stage.each == "analyses" else "")
        if stage.name == CURVE and pairing.curves:
            yield _Wanted(stage, pairing, CURVE)


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
    curve, known = row.score_curve, row.training_scores
    if not curve and CURVE not in failed:
        curve, known = published.score_curve, published.training_scores
    seconds = {f"{stage} {label}" for stage, held in (("estimate", estimates), ("analyse", analyses)) for label in held}
    spent = {name: value for name, value in published.seconds.items() if name in seconds or (name == CURVE and curve)}
    return dataclasses.replace(
        row,
        estimates=estimates,
        analyses=analyses,
        score_curve=curve,
        training_scores=known,
        seconds={**spent, **row.seconds},
    )


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
            fields[name] = {**fields.get(name, {}), **values} if isinstance(values, Mapping) else values
    return fields
