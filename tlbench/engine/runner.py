"""Run a plan: have what is missing computed, publish each row, then fill in its baselines and its latency.

Light: no torch is imported here, nor is code of a plugin called. An executor runs the pairings somewhere else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from tlbench.contract.events import Event
from tlbench.engine.draft import Draft
from tlbench.engine.job import Job
from tlbench.engine.publish import (
    as_published,
    compared,
    on_board,
    publish,
    sweep_board,
    with_diagnostics,
    with_latency,
)
from tlbench.engine.store import Store
from tlbench.planning.catalog import Catalog
from tlbench.planning.plan import Plan
from tlbench.planning.settings import Settings
from tlbench.results.row import Row

Notify = Callable[[Event], None]
Numbered = tuple[int, Job]


class Executor(Protocol):
    """Runs pairings."""

    def run(self, jobs: Sequence[Numbered], notify: Notify) -> Iterator[tuple[int, Draft]]:
        """Yield the number of each job with its draft, in the order in which they end."""

    def notify(self, event: Event) -> None:
        """Pass an event to the plugins that listen."""

    def close(self) -> None:
        """End what runs beside the pairings."""


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
        row = draft.row
        for label, reason in draft.found.failed.items():
            line = f"without {label}: {row.task} {row.backbone}: {reason}"
            if line not in self.without:
                self.without.append(line)


def run(plan: Plan, catalog: Catalog, settings: Settings) -> Outcome:
    """Run a plan in this process. A pairing that fails leaves a row; the others go on."""
    from tlbench.engine.executors.inline import Inline

    here = Inline(plan, catalog, settings)
    return run_jobs(here.jobs, here, settings)


def run_jobs(
    jobs: Sequence[Job],
    executor: Executor,
    settings: Settings,
    refresh: Callable[[], None] = lambda: None,
    latency: bool = True,
) -> Outcome:
    """Run what is missing and publish every row. `refresh` is called after each that is new on the board.

    Without `latency` none is measured: a part of a plan has no machine to itself.

    A row is on the board as soon as its pairing is done, so that a killed run leaves what it had. Baselines follow when
    all pairings are done, and latencies last, with the machine to themselves.
    """
    outcome = Outcome()

    def notify(event: Event) -> None:
        outcome.note(event)
        executor.notify(event)

    store = Store(root=settings.cache, notify=notify)
    store.sweep()
    sweep_board(settings.board)
    notify(Event(name="plan-started", total=len(jobs)))
    drafts, complete = _run_all(jobs, executor, settings, store, outcome, refresh)
    paths = []
    # Latency needs the machine to itself: nothing is computed any more from here on.
    for draft in compared(drafts, complete, store, settings):
        final = with_diagnostics(draft, settings)
        final = with_latency(final, settings, store) if latency else as_published(final, settings)
        outcome.rows.append(final.row)
        paths.append(publish(final, store, settings))
        if paths[-1] is not None:
            notify(Event(name="row-written", values={"row": final.row, "path": paths[-1]}))
    store.remember()
    notify(Event(name="plan-finished"))
    outcome.missing = _missing(jobs, outcome.rows, paths)
    return outcome


def _run_all(
    jobs: Sequence[Job],
    executor: Executor,
    settings: Settings,
    store: Store,
    outcome: Outcome,
    refresh: Callable[[], None],
) -> tuple[list[Draft], set[str]]:
    """Return the drafts in the order of the jobs, and the names of rows that the board has with their latency."""
    drafts: dict[int, Draft] = {}
    complete: set[str] = set()

    def ended(index: int, draft: Draft) -> None:
        drafts[index] = draft = with_diagnostics(draft, settings)
        outcome.note_failed(draft)
        published = on_board(draft.row, settings)
        if published is not None and published.latency is not None:
            complete.add(draft.row.file_name)
        elif published is None and publish(draft, store, settings):
            refresh()
        values = {"row": draft.row, "traceback": draft.traceback}
        title, done = jobs[index].title, len(drafts)
        store.notify(Event(name="pairing-finished", pairing=title, done=done, total=len(jobs), values=values))

    for index, draft in executor.run(list(enumerate(jobs)), store.notify):
        ended(index, draft)
    # A plugin, or somebody else, may have removed what was there a moment ago.
    lost = [(index, replace(job, draft=None, found=())) for index, job in enumerate(jobs) if _is_lost(drafts[index])]
    for index, draft in executor.run(lost, store.notify) if lost else ():
        complete.discard(draft.row.file_name)
        ended(index, draft)
    return [drafts[index] for index in range(len(jobs))], complete


def _is_lost(draft: Draft) -> bool:
    return any(not os.path.isdir(stage.folder) for stage in draft.stages.values())


def _missing(jobs: Sequence[Job], rows: Sequence[Row], paths: Sequence[Path | None]) -> list[Row]:
    ended = zip(jobs, rows, paths, strict=True)
    return [row for job, row, path in ended if job.published and (path is None or not os.path.isfile(path))]
