"""Run a plan: compute what the cache lacks, publish each row, then fill in its baselines and its latency.

Light: torch is imported with the first stage that has to be computed, so a finished plan never loads it.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlbench.contract.events import Event
from tlbench.engine.contents import measured, row_part
from tlbench.engine.diagnostics import Found, run_diagnostics, with_kept, write_pictures
from tlbench.engine.pipeline import LATENCY, run_stage, run_stages
from tlbench.engine.store import Store, StoredStage
from tlbench.errors import NotApplicable, StageError, StoreError, UsageError, describe
from tlbench.planning.catalog import Catalog, Spec
from tlbench.planning.guard import log_traceback, pass_signal, same_folder
from tlbench.planning.plan import Pairing, Plan
from tlbench.planning.settings import Settings
from tlbench.results.baselines import with_baselines
from tlbench.results.files import write_bytes, write_json
from tlbench.results.row import Row, write_row
from tlbench.results.row_files import read_row


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A row without baselines and latency, and the stages that it is made of; none where it failed or was skipped."""

    row: Row
    pairing: Pairing
    stages: Mapping[str, StoredStage] = field(default_factory=dict)
    found: Found = field(default_factory=Found)
    """What was asked for beside the score."""


@dataclass
class Outcome:
    """What a run did."""

    rows: list[Row] = field(default_factory=list)
    computed: int = 0
    """Stages that were computed; 0 if the cache had all of them."""
    cached: int = 0
    """Stages that came from the cache."""
    seconds: dict[str, float] = field(default_factory=dict)
    """CPU seconds that this run spent in each stage."""
    missing: list[Row] = field(default_factory=list)
    """Rows that are not on the board: they could not be written, or were removed again."""
    without: list[str] = field(default_factory=list)
    """A line for each estimator or analysis that rows lack although it was asked for, with the reason."""

    def note(self, event: Event) -> None:
        if event.name == "stage-finished" and event.cached:
            self.cached += 1
        elif event.name == "stage-finished":
            self.computed += 1
            self.seconds[event.stage] = self.seconds.get(event.stage, 0.0) + event.seconds

    def note_failed(self, draft: Draft) -> None:
        """Note what was asked for beside the score and failed; strategies that share the reason share the line."""
        pairing = draft.pairing
        for label, reason in draft.found.failed.items():
            line = f"without {label}: {pairing.task.name} {pairing.backbone.name}: {reason}"
            if line not in self.without:
                self.without.append(line)


def run(plan: Plan, catalog: Catalog, settings: Settings) -> Outcome:
    """Run what is missing and publish every row. A pairing that fails leaves a row; the others go on.

    A row is on the board as soon as its pairing is done, so that a killed run leaves what it had. Baselines follow when
    all pairings are done, and latencies last, with the machine to themselves.
    """
    outcome = Outcome()

    def notify(event: Event) -> None:
        outcome.note(event)
        catalog.notify(event)

    store = Store(root=settings.cache, notify=notify)
    store.sweep()
    total = len(plan.pairings)
    notify(Event(name="plan-started", total=total))
    drafts, complete = [], set()
    for done, pairing in enumerate(plan.pairings, start=1):
        notify(Event(name="pairing-started", pairing=pairing.title, values={"key": pairing.key()}))
        draft = _with_kept(run_pairing(pairing, catalog, settings, store), settings)
        outcome.note_failed(draft)
        published = _on_board(draft.row, settings)
        if published is None:
            _publish(draft, store, settings)
        elif published.latency is not None:
            complete.add(draft.row.file_name)
        drafts.append(draft)
        values = {"row": draft.row}
        notify(Event(name="pairing-finished", pairing=pairing.title, done=done, total=total, values=values))
    paths = []
    # Latency needs the machine to itself: nothing is computed any more from here on.
    for draft in _with_baselines(drafts, complete, store, settings):
        final = _with_latency(_with_kept(draft, settings), settings, store)
        outcome.rows.append(final.row)
        paths.append(_publish(final, store, settings))
        if paths[-1] is not None:
            notify(Event(name="row-written", values={"row": final.row, "path": paths[-1]}))
    store.remember()
    notify(Event(name="plan-finished"))
    ended = zip(plan.pairings, outcome.rows, paths, strict=True)
    outcome.missing = [
        row for pairing, row, path in ended if pairing.published and (path is None or not os.path.isfile(path))
    ]
    return outcome


def run_pairing(pairing: Pairing, catalog: Catalog, settings: Settings, store: Store) -> Draft:
    """Return the pairing's row without baselines and latency, and the stages that it is made of."""
    fields = {**pairing.row_fields(settings), "plugins": _plugins(pairing, catalog)}
    if pairing.skip:
        return Draft(row=Row(**fields, status="skipped", reason=pairing.skip), pairing=pairing)
    try:
        # What a plugin prints must not end up in the JSON that a program reads.
        with same_folder(), redirect_stdout(sys.stderr):
            stages = run_stages(pairing, settings, store)
            found = run_diagnostics(pairing, settings, store, stages)
        return Draft(row=_assemble(fields, stages, found), pairing=pairing, stages=stages, found=found)
    except BaseException as error:  # noqa: BLE001 - a failure of one pairing must not cost the others theirs
        pass_signal(error)
        if isinstance(error.__cause__, NotApplicable):
            return Draft(row=Row(**fields, status="skipped", reason=str(error.__cause__)), pairing=pairing)
        log_traceback(pairing.title, settings.cache)
        return Draft(row=Row(**fields, status="failed", **_failure(error)), pairing=pairing)


def _failure(error: BaseException) -> dict[str, Any]:
    """Return the row's fields on what failed: the sentence of an error of ours, the type too of any other."""
    cause = error.__cause__ or error if isinstance(error, StageError) else error
    return {
        "stage": error.stage if isinstance(error, StageError) else "host",
        "reason": describe(cause),
        "bad_input": isinstance(cause, UsageError),
    }


def _assemble(fields: Mapping[str, Any], stages: Mapping[str, StoredStage], found: Found) -> Row:
    """Return the union of what was asked for and what the stages say."""
    known = {name: value for stage in stages.values() for name, value in row_part(stage.folder).items()}
    seconds = {**{name: stage.seconds for name, stage in stages.items()}, **found.seconds}
    return Row(**{**fields, **known, **found.row_fields}, status="ok", seconds=seconds)


def _plugins(pairing: Pairing, catalog: Catalog) -> dict[str, str]:
    parts: dict[str, Spec] = {"task": pairing.task, "backbone": pairing.backbone, "strategy": pairing.strategy}
    return {role: str(catalog.origin(spec)) for role, spec in parts.items()}


def _on_board(row: Row, settings: Settings) -> Row | None:
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


def _with_kept(draft: Draft, settings: Settings) -> Draft:
    """Return the draft with the estimates and analyses that the board has of the same model."""
    if not draft.stages:
        return draft
    return dataclasses.replace(draft, row=with_kept(draft.row, _published(draft.row, settings), draft.found.failed))


def _with_baselines(
    drafts: Sequence[Draft], complete: Collection[str], store: Store, settings: Settings
) -> list[Draft]:
    """Return drafts whose rows stand beside their baselines; publish those of which the board has no complete row."""
    rows = with_baselines([draft.row for draft in drafts])
    compared = [dataclasses.replace(draft, row=row) for draft, row in zip(drafts, rows, strict=True)]
    for draft in compared:
        if draft.stages and draft.row.file_name not in complete:
            _publish(draft, store, settings)
    return compared


def _publish(draft: Draft, store: Store, settings: Settings) -> Path | None:
    """Write a row to the board, after its predictions; return its file, or None where that failed or must not be."""
    if not draft.pairing.published:
        return None
    try:
        if draft.stages:
            predictions = (settings.board / "rows" / draft.row.file_name).with_suffix(".npz")
            # Before the row: a row on the board never lacks its predictions, even if the run is killed between the two.
            write_bytes(predictions, store.checked(draft.stages["export"], "predictions.npz").read_bytes())
            write_pictures(draft.found, draft.row, settings.board, store)
        return write_row(settings.board, draft.row)
    except (OSError, ValueError, StoreError):
        log_traceback(draft.row.file_name, settings.cache)
        return None


def _with_latency(draft: Draft, settings: Settings, store: Store) -> Draft:
    """Return the draft with the latency of its graph: measured once, shared by all rows that serve the graph."""
    if not draft.stages:
        return draft
    row = draft.row
    try:
        stage = run_stage(LATENCY, draft.pairing, settings, store, draft.stages)
        values = {**measured(stage.folder), "graph": row.graph, "machine": row.machine}
        write_json(settings.board / "latency" / f"{stage.key}.json", values)
        return dataclasses.replace(draft, row=dataclasses.replace(row, **row_part(stage.folder), latency=stage.key))
    except BaseException as error:  # noqa: BLE001 - a row that cannot be timed must not cost the others theirs
        pass_signal(error)
        log_traceback(row.file_name, settings.cache)
        return dataclasses.replace(draft, row=dataclasses.replace(row, status="failed", **_failure(error)))
