"""Pairings one after the other in this process: for a debugger, and for tests of what a pairing computes.

Nothing is isolated here: a plugin that ends the process ends the run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from tlbench.contract.events import Event
from tlbench.engine.draft import Draft
from tlbench.engine.job import Job, job_of, with_distinct_titles
from tlbench.engine.pairing import run_pairing
from tlbench.engine.store import Store
from tlbench.engine.surveyed import Question, Survey
from tlbench.planning.catalog import Catalog
from tlbench.planning.plan import Plan
from tlbench.planning.settings import Settings


class Inline:
    """Runs the pairings of a plan here."""

    def __init__(self, plan: Plan, catalog: Catalog, settings: Settings) -> None:
        self._pairings = plan.pairings
        self._catalog, self._settings = catalog, settings
        self._store: Store | None = None
        self._title = ""
        self.jobs = with_distinct_titles([job_of(pairing, catalog, settings) for pairing in plan.pairings])

    def notify(self, event: Event) -> None:
        """Pass an event to the plugins that listen."""
        self._catalog.notify(event)

    def close(self) -> None:
        """Nothing is open."""

    def survey(self, asked: Sequence[Question], notify: Callable[[Event], None]) -> Sequence[Survey | None]:
        """Return nothing: what a survey leaves in a process would be left in this one."""
        return [None] * len(asked)

    def run(self, jobs: Sequence[tuple[int, Job]], notify: Callable[[Event], None]) -> Iterator[tuple[int, Draft]]:
        """Yield the number of each job with its draft, in the order in which they end."""
        # One store for all: it remembers what failed, and what it has read.
        self._store = self._store or Store(
            root=self._settings.cache, notify=lambda event: notify(dataclasses.replace(event, pairing=self._title))
        )
        for index, job in jobs:
            self._title = job.title
            notify(Event(name="pairing-started", pairing=job.title, values={"key": job.key}))
            yield index, run_pairing(self._pairings[index], self._catalog, self._settings, self._store)
        self._store.remember()
