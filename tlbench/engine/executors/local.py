"""Pairings in children of a server on this machine: one process each, several at a time.

What a plugin does to its process, its folder or its threads ends with that process. A child that ends without a result,
takes too long or takes too much memory costs its own row and no other.
"""

from __future__ import annotations

import selectors
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tlbench.contract.events import Event
from tlbench.engine.draft import Draft
from tlbench.engine.executors.base import Isolating, Notify, Numbered, failed
from tlbench.engine.executors.child import Child
from tlbench.engine.executors.serving_process import GRACE, Server
from tlbench.engine.job import Job
from tlbench.engine.pipeline import SHARED
from tlbench.engine.surveyed import Question, Survey
from tlbench.results.row import Row

NO_MEMORY = "CUDA out of memory"
"""How torch begins to say that a GPU's memory is used up."""
MOST_PARTS = 16
"""Parts of a training batch; where none of so many fits, the model does not."""
LONGEST_WAIT = 3600.0
"""Seconds; the system takes no more than some weeks."""
ATTEMPTS = 2
"""A child that died is started once more, when the others are done: the machine may have been at fault. It then has the
server to itself: what ran beside it may have ended both."""


@dataclass(kw_only=True)
class Local(Isolating):
    """Runs jobs in children of a server."""

    failures: dict[str, list[Any]] = field(default_factory=dict)
    """Key of a stage that failed -> stage, reason, whether the request is at fault."""
    shared: bool = False
    """Whether children compute only what the pairings of a group share; their drafts say that they skipped the rest."""
    deaths: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(group, shared stage) -> children that died in it."""
    parts: dict[int, int] = field(default_factory=dict)
    """Job -> parts of a training batch, for one whose batch did not fit into the GPU's memory."""
    warm: set[str] = field(default_factory=set)
    """Groups whose shared stages are in the cache."""
    server: Server | None = None
    """Kept from a survey to what follows it."""

    def close(self) -> None:
        """End the server, if a survey left it, and let the trackers finish."""
        if self.server is not None:
            self.server.close()
        super().close()

    def survey(self, asked: Sequence[Question], notify: Notify) -> Sequence[Survey | None]:
        """Return what children find of the data and the models of a plan; None where one fails: the run says why."""
        left, running, surveys = deque(enumerate(asked)), list[Child](), dict[int, Survey | None]()
        self.server = self._serving([job for question in asked for job in question.jobs])
        try:
            while left or running:
                while left and len(running) < self.limits.jobs:
                    running.append(self._ask(self.server, *left.popleft()))
                for child in self._ended(running, notify):
                    running.remove(child)
                    child.close()
                    self.failures |= child.failed
                    surveys[child.index] = child.survey
        finally:
            _stop(running)
        return [surveys[index] for index in range(len(asked))]

    def _ask(self, server: Server, index: int, question: Question) -> Child:
        first, *others = question.jobs
        survey = {"others": [job.code for job in others], "measure": question.measure}
        plugins = list(dict.fromkeys(name for job in question.jobs for name in job.plugins))
        message = self.message(first, survey=survey, plugins=plugins)
        return Child(index=index, job=first, server=server, message=message)

    def _serving(self, jobs: Sequence[Job]) -> Server:
        """Return the server that a survey left, or a new one."""
        requires = tuple(dict.fromkeys(name for job in jobs for name in job.requires))
        return self.server or Server(requires, self.request.settings.threads)

    def compute(self, waiting: Sequence[Numbered], notify: Notify) -> Iterator[tuple[int, Draft]]:
        """Yield drafts as children end."""
        left = deque(waiting)
        running: list[Child] = []
        server, self.server = self._serving([job for _, job in waiting]), None
        with server:
            try:
                while left or running:
                    while len(running) < self.limits.jobs and (chosen := self._next(left, running)):
                        running.append(self._start(server, *chosen, notify))
                    for child in self._ended(running, notify):
                        running.remove(child)
                        draft = self._result(child)
                        if draft is None:
                            left.append((child.index, child.job))
                        else:
                            yield child.index, draft
            finally:
                _stop(running)

    def _next(self, left: deque[Numbered], running: Sequence[Child]) -> Numbered | None:
        """Take the first job that may start beside those that run: it would not wait for what one of them computes."""
        if any(self._is_alone(child.job) for child in running):
            return None
        self.warm |= {child.job.group for child in running if child.past_shared}
        busy = {child.job.group for child in running} - self.warm
        for one in left:
            if one[1].group not in busy and not (running and self._is_alone(one[1])):
                left.remove(one)
                return one
        return None

    def _is_alone(self, job: Job) -> bool:
        """Say whether nothing may run beside a job."""
        return self.journal.died_here(job.key) > 0

    def _start(self, server: Server, index: int, job: Job, notify: Notify) -> Child:
        self.journal.note("started", job.key)
        notify(Event(name="pairing-started", pairing=job.title, values={"key": job.key}))
        return Child(
            index=index,
            job=job,
            server=server,
            message=self.message(job, failed=self.failures, parts=self.parts.get(index, 1), shared=self.shared),
        )

    def _ended(self, running: Sequence[Child], notify: Notify) -> list[Child]:
        """Wait until something happens; return the children that have ended."""
        with selectors.DefaultSelector() as selector:
            for child in running:
                child.register(selector)
            until = min(child.deadline(self.limits.timeout) for child in running)
            for key, _ in selector.select(min(LONGEST_WAIT, max(0.0, until - time.monotonic()))):
                for event in key.data():
                    notify(event)
        for child in running:
            child.enforce(self.limits.timeout)
            for text in child.printed():
                self.say(text)
        return [child for child in running if child.ended]

    def _result(self, child: Child) -> Draft | None:
        """Return the draft of a child that has ended, None if it is to be started again."""
        child.close()
        for text in child.printed():
            self.say(text)
        job = child.job
        if child.draft is not None and (parts := more_parts(child.draft.row)):
            self.parts[child.index] = parts
            return None
        self.failures |= child.failed
        if child.draft is not None:
            self.journal.note("finished", job.key)
            return child.draft
        reason = f"{child.words}{child.tail}"
        self.journal.note("died", job.key, reason)
        self.deaths[job.group, child.stage] += 1
        # Where a shared stage ends its process, the others of the group need not try it too.
        blocked = child.stage in SHARED and self.deaths[job.group, child.stage] >= ATTEMPTS
        if not child.late and not blocked and self.journal.died_here(job.key) < ATTEMPTS:
            return None
        return failed(job, reason, child.stage)


def more_parts(row: Row) -> int:
    """Return into how many parts a training batch is to be split that did not fit into a GPU's memory; 0 for none."""
    short = row.status == "failed" and row.device == "cuda" and NO_MEMORY in (row.reason or "")
    return 2 * row.accumulation_steps if short and row.accumulation_steps < MOST_PARTS else 0


def _stop(running: Sequence[Child]) -> None:
    """End children: asked to first, so that they leave no half-written files, then killed."""
    try:
        for child in running:
            child.end()
        until = time.monotonic() + GRACE
        while any(child.runs for child in running) and time.monotonic() < until:
            for child in running:
                child.wait(0.05)
    finally:
        for child in running:
            child.kill()
            child.close()
