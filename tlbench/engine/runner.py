"""Run a plan: compute what the cache lacks, publish each row, then fill in its baselines and its latency.

Light: torch is imported with the first pairing that has to be computed, so a finished plan never loads it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlbench.contract.events import Event
from tlbench.engine.processes import ending, run_module
from tlbench.engine.store import Stage, Store
from tlbench.errors import StageError, StoreError, TlbenchError, UsageError, describe
from tlbench.planning import fingerprints
from tlbench.planning.catalog import Catalog, Spec
from tlbench.planning.guard import log_traceback, pass_signal, same_folder
from tlbench.planning.plan import Pairing, Plan
from tlbench.planning.settings import Settings
from tlbench.results.baselines import with_baselines
from tlbench.results.files import write_bytes, write_json
from tlbench.results.row import Row, read_row, write_row

LATENCY_TIMEOUT = 900
"""Seconds that the measurement of one graph may take."""
LATENCY_ATTEMPTS = 2
"""A measuring process that a signal ended is started once more: all rows of the graph depend on it."""
Draft = tuple[Row, Stage | None]
"""A row without baselines and latency, and the stage that holds its ONNX file if it has one."""


@dataclass
class Outcome:
    """What a run did."""

    rows: list[Row] = field(default_factory=list)
    computed: int = 0
    """Stages that were computed; 0 when everything was there."""
    seconds: dict[str, float] = field(default_factory=dict)
    """CPU seconds that this run spent in each stage."""
    missing: list[Row] = field(default_factory=list)
    """Rows that are not on the board: they could not be written, or were removed again."""

    def note(self, event: Event) -> None:
        if event.name == "stage-finished" and not event.cached:
            self.computed += 1
            self.seconds[event.stage] = self.seconds.get(event.stage, 0.0) + event.seconds


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
        row, export = run_pairing(pairing, catalog, settings, store)
        published = _on_board(row, settings)
        if published is None:
            _publish(row, export, settings)
        elif published.latency is not None:
            complete.add(row.file_name)
        drafts.append((row, export))
        notify(Event(name="pairing-finished", pairing=pairing.title, done=done, total=total, values={"row": row}))
    paths = []
    for row, export in _with_baselines(drafts, complete, settings):
        final = row if export is None else _with_latency(row, export, settings, store)
        outcome.rows.append(final)
        paths.append(_publish(final, export, settings))
        if paths[-1] is not None:
            notify(Event(name="row-written", values={"row": final, "path": paths[-1]}))
    notify(Event(name="plan-finished"))
    lost = zip(outcome.rows, paths, strict=True)
    outcome.missing = [row for row, path in lost if path is None or not os.path.isfile(path)]
    return outcome


def _with_baselines(drafts: Sequence[Draft], complete: Collection[str], settings: Settings) -> list[Draft]:
    """Return drafts whose rows stand beside their baselines; publish those of which the board has no complete row."""
    rows = [row for row, _ in drafts]
    compared = [(with_baselines(row, rows) if export else row, export) for row, export in drafts]
    for row, export in compared:
        if export is not None and row.file_name not in complete:
            _publish(row, export, settings)
    return compared


def _on_board(row: Row, settings: Settings) -> Row | None:
    """Return the row of the same result that is on the board, which may hold a latency already, or None."""
    try:
        published = read_row(settings.board / "rows" / row.file_name)
    except (OSError, StoreError):
        return None
    same = ("status", "reason", "created", "onnx_sha256")
    return published if all(getattr(published, name) == getattr(row, name) for name in same) else None


def _publish(row: Row, export: Stage | None, settings: Settings) -> Path | None:
    """Write a row to the board, after its predictions; return its file, or None where that failed."""
    try:
        if export is not None:
            predictions = (settings.board / "rows" / row.file_name).with_suffix(".npz")
            write_bytes(predictions, (export.folder / "predictions.npz").read_bytes())
        return write_row(settings.board, row)
    except (OSError, ValueError):
        log_traceback(row.file_name, settings.cache)
        return None


def run_pairing(pairing: Pairing, catalog: Catalog, settings: Settings, store: Store) -> Draft:
    """Return the pairing's row without baselines and latency, and the stage that holds its ONNX file if it has one."""
    fields = {**pairing.row_fields(settings), "plugins": _plugins(pairing, catalog)}
    if pairing.skip:
        return Row(**fields, status="skipped", reason=pairing.skip), None
    try:
        with same_folder():
            stages = _stages(pairing, settings, store)
        return _assemble(fields, stages), stages["export"]
    except BaseException as error:  # noqa: BLE001 - a failure of one pairing must not cost the others theirs
        pass_signal(error)
        log_traceback(pairing.title, settings.cache)
        return Row(**fields, status="failed", **_failure(error)), None


def _stages(pairing: Pairing, settings: Settings, store: Store) -> dict[str, Stage]:
    """Return every stage of a pairing; those that the store lacks are computed."""
    if found := _find_all(pairing, settings, store):
        return found
    from tlbench.engine.pipeline import Run

    Run(pairing=pairing, settings=settings, store=store).run_stages()
    if found := _find_all(pairing, settings, store):
        return found
    raise StoreError(f'Stages were removed from the cache "{settings.cache}" while they were used: run again.')


def _failure(error: BaseException) -> dict[str, Any]:
    """Return the row's fields on what failed: the sentence of an error of ours, the type too of any other."""
    cause = error.__cause__ or error if isinstance(error, StageError) else error
    return {
        "stage": error.stage if isinstance(error, StageError) else "host",
        "reason": describe(cause),
        "bad_input": isinstance(cause, UsageError),
    }


def _find_all(pairing: Pairing, settings: Settings, store: Store) -> dict[str, Stage] | None:
    """Return every stage of a pairing, or None where one is missing."""
    found = {}
    for name, wanted in pairing.identities(settings).items():
        if (stage := store.find(name, wanted)) is None:
            return None
        found[name] = stage
    return found


def _assemble(fields: Mapping[str, Any], stages: Mapping[str, Stage]) -> Row:
    """Return the union of what the stages know."""
    known = dict(fields)
    for stage in stages.values():
        part = stage.folder / "row.json"
        if part.is_file():
            known |= json.loads(part.read_text())
    return Row(**known, status="ok", seconds={name: stage.seconds for name, stage in stages.items()})


def _plugins(pairing: Pairing, catalog: Catalog) -> dict[str, str]:
    parts: dict[str, Spec] = {"task": pairing.task, "backbone": pairing.backbone, "strategy": pairing.strategy}
    return {role: str(catalog.origin(spec)) for role, spec in parts.items()}


def _with_latency(row: Row, export: Stage, settings: Settings, store: Store) -> Row:
    """Return the row with the latency of its graph: measured once, shared by all rows that serve the graph."""

    def compute(folder: Path) -> None:
        _measure(export, settings, folder / "latency.json")

    wanted = {
        "engine": fingerprints.engine(),
        "versions": dict(fingerprints.versions()),
        "machine": fingerprints.machine(),
        "device": settings.device,
        "threads": settings.threads,
        "graph": row.graph,
        "shapes": [row.shapes, row.offline_shapes],
    }
    try:
        stage = store.stage("latency", wanted, compute)
        known = json.loads((stage.folder / "latency.json").read_text())
        values = {**known, "graph": row.graph, "machine": row.machine}
        write_json(settings.board / "latency" / f"{stage.key}.json", values)
        known.pop("raw_ms")
        return dataclasses.replace(row, **known, latency=stage.key)
    except BaseException as error:  # noqa: BLE001 - a row that cannot be timed must not cost the others theirs
        pass_signal(error)
        log_traceback(row.file_name, settings.cache)
        return dataclasses.replace(row, status="failed", **_failure(error))


def _measure(export: Stage, settings: Settings, result: Path) -> None:
    """Measure in a process of its own, with nothing else of ours running."""
    files = {"onnx": str(export.folder / "model.onnx"), "inputs": str(export.folder / "latency.npz")}
    job = result.with_name("job.json")
    job.write_text(json.dumps({**files, "device": settings.device, "threads": settings.threads}))
    for _ in range(LATENCY_ATTEMPTS):
        try:
            done = run_module("tlbench.deploy.latency", str(job), str(result), timeout=LATENCY_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise TlbenchError(f"the measuring process did not end within {LATENCY_TIMEOUT} s") from error
        if done.returncode >= 0:
            break
    if done.returncode < 0:
        raise TlbenchError(f"the measuring process {ending(done)} in each of {LATENCY_ATTEMPTS} attempts")
    if done.returncode:
        raise TlbenchError(f"the measuring process {ending(done)}")
