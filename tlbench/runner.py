"""Run a plan: what is there already, every pairing that is not, then the latencies, then the rows on the board.

Light: torch is imported with the first pairing that has to be computed, so a finished plan never loads it.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlbench import identity
from tlbench.bounds import with_references
from tlbench.errors import StageError, TlbenchError, UsageError
from tlbench.events import Event
from tlbench.files import write_bytes, write_json
from tlbench.plan import Pairing, Plan, Settings
from tlbench.plugins import Catalog, Spec
from tlbench.rows import Row, write_row
from tlbench.store import Stage, Store

LATENCY_TIMEOUT = 900
"""Seconds that the measurement of one graph may take."""


@dataclass
class Outcome:
    """What a run did."""

    rows: list[Row] = field(default_factory=list)
    computed: int = 0
    """Stages that were computed; 0 when everything was there."""
    seconds: dict[str, float] = field(default_factory=dict)
    """CPU seconds that this run spent in each stage."""

    def note(self, event: Event) -> None:
        if event.name == "stage-finished" and not event.cached:
            self.computed += 1
            self.seconds[event.stage] = self.seconds.get(event.stage, 0.0) + event.seconds


def run(plan: Plan, catalog: Catalog, settings: Settings) -> Outcome:
    """Run what is missing and publish every row. A pairing that fails leaves a row; the others go on."""
    outcome = Outcome()

    def notify(event: Event) -> None:
        outcome.note(event)
        catalog.notify(event)

    store = Store(root=settings.cache, notify=notify)
    store.sweep()
    notify(Event(name="plan-started", total=len(plan.pairings)))
    drafts = []
    for done, pairing in enumerate(plan.pairings, start=1):
        notify(Event(name="pairing-started", pairing=pairing.title, values={"key": pairing.key()}))
        drafts.append(run_pairing(pairing, catalog, settings, store))
        result = {"row": drafts[-1][0]}
        notify(
            Event(name="pairing-finished", pairing=pairing.title, done=done, total=len(plan.pairings), values=result)
        )
    rows = [row for row, _ in drafts]
    for row, export in drafts:
        if export is not None:
            row = _with_latency(with_references(row, rows), export, settings, store)
        path = write_row(settings.board, row)
        if export is not None:
            write_bytes(path.with_suffix(".npz"), (export.folder / "predictions.npz").read_bytes())
        outcome.rows.append(row)
        notify(Event(name="row-written", values={"row": row, "path": path}))
    notify(Event(name="plan-finished"))
    return outcome


def run_pairing(pairing: Pairing, catalog: Catalog, settings: Settings, store: Store) -> tuple[Row, Stage | None]:
    """Return the pairing's row without latency, and the stage that holds its ONNX file where it has one."""
    fields = {**pairing.row_fields(settings), "plugins": _plugins(pairing, catalog)}
    if pairing.skip:
        return Row(**fields, status="skipped", reason=pairing.skip), None
    if _find_all(pairing, settings, store) is None:
        from tlbench.pairing import Run

        try:
            Run(pairing=pairing, settings=settings, store=store).straight_down()
        except Exception as error:  # noqa: BLE001 - a failure of one pairing must not cost the others theirs
            _log(pairing.title, settings)
            return Row(**fields, status="failed", **_failure(error)), None
    stages = _find_all(pairing, settings, store)
    assert stages is not None
    return _assemble(fields, stages), stages["export"]


def _failure(error: Exception) -> dict[str, Any]:
    """Return the row's fields on what failed: the sentence of an error of ours, the type too of any other."""
    cause = error.__cause__ if isinstance(error, StageError) else error
    return {
        "stage": error.stage if isinstance(error, StageError) else "host",
        "reason": str(cause) if isinstance(cause, TlbenchError) else f"{type(cause).__name__}: {cause}",
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
            known |= json.loads(part.read_text(encoding="utf-8"))
    return Row(**known, status="ok", seconds={name: stage.seconds for name, stage in stages.items()})


def _plugins(pairing: Pairing, catalog: Catalog) -> dict[str, str]:
    parts: dict[str, Spec] = {"task": pairing.task, "backbone": pairing.backbone, "strategy": pairing.strategy}
    return {role: str(catalog.origin(spec)) for role, spec in parts.items()}


def _with_latency(row: Row, export: Stage, settings: Settings, store: Store) -> Row:
    """Return the row with the latency of its graph: measured once, shared by all rows that serve the graph."""

    def compute(folder: Path) -> None:
        _measure(export, settings, folder / "latency.json")

    wanted = {
        "engine": identity.engine(),
        "versions": dict(identity.versions()),
        "machine": identity.machine(),
        "device": settings.device,
        "threads": settings.threads,
        "graph": row.graph,
        "shapes": [row.shapes, row.offline_shapes],
    }
    try:
        stage = store.stage("latency", wanted, compute)
    except StageError as error:
        _log(row.file_name, settings)
        return dataclasses.replace(row, status="failed", **_failure(error))
    known = json.loads((stage.folder / "latency.json").read_text(encoding="utf-8"))
    write_json(settings.board / "latency" / f"{stage.key}.json", {**known, "graph": row.graph, "machine": row.machine})
    known.pop("raw_ms")
    return dataclasses.replace(row, **known, latency=stage.key)


def _measure(export: Stage, settings: Settings, result: Path) -> None:
    """Measure in a process of its own, with nothing else of ours running."""
    files = {"onnx": str(export.folder / "model.onnx"), "inputs": str(export.folder / "latency.npz")}
    job = result.with_name("job.json")
    job.write_text(json.dumps({**files, "device": settings.device, "threads": settings.threads}), encoding="utf-8")
    command = [sys.executable, "-m", "tlbench.latency", str(job), str(result)]
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="backslashreplace", timeout=LATENCY_TIMEOUT
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise TlbenchError(f"the measuring process ended with status {done.returncode}: {last}")


def _log(what: str, settings: Settings) -> None:
    """Append the traceback of the exception at hand to the log."""
    settings.cache.mkdir(parents=True, exist_ok=True)
    with (settings.cache / "tlbench.log").open("a", encoding="utf-8", errors="backslashreplace") as log:
        log.write(f"{what}\n{traceback.format_exc()}\n")
