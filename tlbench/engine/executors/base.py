"""What executors share that run pairings in other processes: what needs no process, trackers and the journal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tlbench.contract.events import Event
from tlbench.engine.draft import Draft
from tlbench.engine.job import Job
from tlbench.engine.journal import Journal
from tlbench.engine.pairing import without_score
from tlbench.engine.planned import Planned, PlanRequest
from tlbench.engine.surveyed import Question, Survey
from tlbench.engine.trackers import Tracker

Notify = Callable[[Event], None]
Numbered = tuple[int, Job]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a run may take."""

    jobs: int
    """Pairings at a time."""
    timeout: float
    """Seconds for each, without those that it waits for others."""
    memory: int
    """Bytes for each; 0 for no limit."""


@dataclass(kw_only=True)
class Isolating(ABC):
    """Runs pairings in other processes."""

    request: PlanRequest
    planned: Planned
    limits: Limits
    journal: Journal
    display: Notify
    say: Callable[[str], None]
    """Shows what other processes print, and warnings."""
    trackers: list[Tracker] | None = None
    """Started with the first event."""
    asked: Sequence[Question] = ()
    """What is to be known before pairings run, by which a plan is shown."""
    on_surveyed: Callable[[Sequence[Survey | None]], None] = lambda surveys: None
    """Takes the answers, None for one that could not be found."""
    begun: bool = False
    """Whether the journal has the plan."""

    def notify(self, event: Event) -> None:
        """Pass an event to the display and to trackers."""
        if self.trackers is None:
            self.trackers = [Tracker(plugin, self.request, self.say) for plugin in self.planned.listeners]
        self.display(event)
        for tracker in self.trackers:
            tracker(event)

    def close(self) -> None:
        """Let the trackers finish."""
        for tracker in self.trackers or ():
            tracker.close()

    def run(self, jobs: Sequence[Numbered], notify: Notify) -> Iterator[tuple[int, Draft]]:
        """Yield the number of each job with its draft, in the order in which they end."""
        if not self.begun:  # A second call has those jobs of the plan whose results were lost.
            self.journal.begin([job for _, job in jobs], self.request.settings.board)
            self.begun = True
        waiting = []
        for index, job in jobs:
            if draft := self._known(job, notify):
                yield index, draft
            else:
                waiting.append((index, job))
        if waiting:
            if asked := self.asked:
                self.asked = ()
                self.on_surveyed(self.survey(asked, notify))
            # A pairing during which an earlier run ended may have been why: the others come first.
            waiting.sort(key=lambda one: self.journal.interrupted(one[1].key))
            yield from self.compute(waiting, notify)

    def survey(self, asked: Sequence[Question], notify: Notify) -> Sequence[Survey | None]:
        """Return what another process finds of the data and the models of a plan; nothing unless an executor can."""
        return [None] * len(asked)

    @cached_property
    def packed(self) -> str:
        """The request for other processes: functions of a session are pickled once for all jobs."""
        return self.request.packed()

    @abstractmethod
    def compute(self, waiting: Sequence[Numbered], notify: Notify) -> Iterator[tuple[int, Draft]]:
        """Yield the draft of each job, all of which need a process."""

    def _known(self, job: Job, notify: Notify) -> Draft | None:
        """Return the draft of a job that is skipped, was found, or is not tried again; else None."""
        draft = job.draft
        if job.skip:
            draft = without_score(job.fields, job.published, status="skipped", reason=job.skip)
        elif draft is None and (reason := self.journal.quarantined(job.key)):
            draft = failed(job, reason)
        elif draft is not None and self.journal.interrupted(job.key):
            self.journal.note("finished", job.key)  # By another run, or by the one that was interrupted.
        if draft is not None:
            notify(Event(name="pairing-started", pairing=job.title, values={"key": job.key}))
            for stage, seconds in job.found:
                notify(Event(name="stage-finished", pairing=job.title, stage=stage, seconds=seconds, cached=True))
        return draft

    def message(self, job: Job, **more: Any) -> dict[str, Any]:
        """Return what a process needs to run a job."""
        named = {"plugins": list(job.plugins), "code": job.code, "key": job.key, "memory": self.limits.memory}
        return {"request": self.packed, **named, "failed": {}, "parts": 1, "shared": False, "survey": None, **more}


def failed(job: Job, reason: str, stage: str = "") -> Draft:
    """Return the draft of a job that left none."""
    return without_score(job.fields, job.published, status="failed", stage=stage or "host", reason=reason)
