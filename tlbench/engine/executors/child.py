"""A child of the server, seen from the process that has it started."""

from __future__ import annotations

import os
import select
import selectors
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tlbench.contract.events import Event
from tlbench.engine.draft import Draft
from tlbench.engine.executors.reported import reported_draft, reported_event, reported_failures
from tlbench.engine.executors.serving_process import GRACE, Server
from tlbench.engine.job import Job
from tlbench.engine.pipeline import SHARED
from tlbench.engine.surveyed import Survey
from tlbench.errors import StoreError
from tlbench.planning.channel import pair
from tlbench.planning.supervised import Message, signal_name
from tlbench.results.escapes import plain

STARTING = 600.0
"""Seconds that the server may take to import what all children need, on a machine that is busy."""
SHOWN = 20_000
"""Characters of what a child prints that are shown."""
TAIL = 2_000
"""Bytes of its last lines that are kept, of which a row has the last few."""
LINES = 3
READ = 2**16
"""Bytes of output that are read at once."""
PIPE = 2**20
"""Bytes that a pipe holds at most, unless root made it larger."""


@dataclass(eq=False)
class Child:
    """A child of the server, with all that it has said."""

    index: int
    job: Job
    server: Server
    message: Message
    draft: Draft | None = None
    survey: Survey | None = None
    """What it found of data and model, if it was asked for that."""
    failed: dict[str, list[Any]] = field(default_factory=dict)
    """Stages that failed in it."""
    stage: str = ""
    """The stage that it is in."""
    late: bool = False
    ended: bool = False
    past_shared: bool = False
    """True once it computes what no other pairing needs."""

    def __post_init__(self) -> None:
        self._channel, theirs = pair()
        self._output, writes = os.pipe()
        self._worker = self._keeper = 0
        self._status: int | None = None
        self._problem = ""
        self._started = time.monotonic()
        self._waited = self._waits_since = self._kill_at = 0.0
        self._killed, self._text, self._shown, self.tail_bytes = False, "", 0, b""
        with theirs:
            self.server.fork(theirs.fileno(), writes)
        os.close(writes)
        os.set_blocking(self._output, False)

    def register(self, selector: selectors.BaseSelector) -> None:
        """Have a selector wake when the child says something; the data of its keys is what reads it."""
        selector.register(self._channel, selectors.EVENT_READ, self.listen)
        if self._output >= 0:
            selector.register(self._output, selectors.EVENT_READ, self._read_output)

    def listen(self) -> list[Event]:
        """Take what the child has said; return its events."""
        events: list[Event] = []
        for message in self._channel.receive():
            # What a plugin sent in the child's name.
            with suppress(TypeError, ValueError, KeyError, ArithmeticError, StoreError):
                events += self._take(message)
        self.ended = self.ended or not self._channel.open
        return events

    def _take(self, message: Message) -> list[Event]:
        # The first message comes before any code of a plugin runs; another number would be that of a stranger.
        if "worker" in message and not self._worker:
            self._worker, self._keeper = int(message["worker"]), int(message["keeper"])
            self._started = time.monotonic()
            self._channel.send(self.message)
        elif "ended" in message:
            self._status, self.ended = int(message["ended"]), True
        elif "waiting" in message:
            self._wait_changes(bool(message["waiting"]))
        elif "warning" in message:
            self._text += f"Warning: {message['warning']}\n"
        elif "problem" in message:
            self._problem = str(message["problem"])
        elif "survey" in message:
            self._kill_at = time.monotonic() + GRACE
            self.failed, self.survey = reported_failures(message.get("failed")), Survey.from_json(message["survey"])
        elif "draft" in message:
            self._report(message)
        return [self._event(one) for one in message.get("events", ())]

    def _event(self, value: Any) -> Event:
        event = reported_event(value, self.job)
        if event.name == "stage-started":
            self.stage = event.stage
            self.past_shared = event.stage not in SHARED
        elif event.name == "stage-finished":
            self.stage = ""
        return event

    def _wait_changes(self, waiting: bool) -> None:
        if waiting:
            self._waits_since = time.monotonic()
        elif self._waits_since:
            self._waited += time.monotonic() - self._waits_since
            self._waits_since = 0.0

    def _report(self, message: Message) -> None:
        self._kill_at = time.monotonic() + GRACE  # A thread that a plugin left may keep the process alive.
        try:
            self.draft = reported_draft(message["draft"], self.job)
        except StoreError as error:
            self._problem = f"Its report is not valid: {error}"
            return
        self.failed = reported_failures(message.get("failed"))

    def _read_output(self) -> list[Event]:
        try:
            data = os.read(self._output, READ)
        except OSError:
            data = b""
        if not data:
            os.close(self._output)
            self._output = -1
        self.tail_bytes = (self.tail_bytes + data)[-TAIL:]
        if self._shown < SHOWN:
            text = data.decode(errors="backslashreplace")[: SHOWN - self._shown]
            self._shown += len(text)
            self._text += text + ("\n(what it prints from here on is not shown)\n" if self._shown >= SHOWN else "")
        return []

    def printed(self) -> Iterator[str]:
        """Yield what the child has printed since, in whole lines."""
        lines, line_end, rest = self._text.rpartition("\n")
        self._text = rest
        if line_end:
            yield lines

    def deadline(self, timeout: float) -> float:
        """Return when something has to be done about it: a time of `time.monotonic`."""
        if self._kill_at:
            return self._kill_at
        if not self._worker:
            return self._started + STARTING
        waits = time.monotonic() - self._waits_since if self._waits_since else 0.0
        return self._started + timeout + self._waited + waits

    def enforce(self, timeout: float) -> None:
        """Ask a child that is late to end; kill one that was asked."""
        if time.monotonic() < self.deadline(timeout):
            return
        if not self._worker:
            self._problem = f"The process that starts it was not ready within {STARTING:.0f} s."
            self.server.replace()
            self.ended = True
        elif self._killed:
            self.ended = True  # Its keeper does not say so.
        elif self._kill_at:
            self.kill()
            self._kill_at, self._killed = time.monotonic() + GRACE, True
        else:
            self.late = True
            self._problem = f"It took longer than {timeout:g} s (--timeout)."
            self.end()

    def end(self) -> None:
        """Ask the child to end."""
        self._signal(signal.SIGTERM)
        self._kill_at = time.monotonic() + GRACE

    def kill(self) -> None:
        """End the child, and all that it has started in its process group."""
        self._signal(signal.SIGKILL)
        # A plugin may have stopped the keeper, which ends the rest and says how the child has ended.
        if self._keeper and not self.ended:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self._keeper, signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._worker and not self.ended:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._worker, number)

    def wait(self, seconds: float) -> None:
        """Wait for a message; only the end of the child counts."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._channel, selectors.EVENT_READ)
            if selector.select(seconds):
                self.listen()

    def close(self) -> None:
        """Take the rest of the output, and close what is open."""
        # What has left the keeper may go on printing: no more is taken than a pipe holds.
        for _ in range(PIPE // READ):
            if self._output < 0 or not _is_readable(self._output):
                break
            self._read_output()
        if self._output >= 0:
            os.close(self._output)
            self._output = -1
        self._channel.close()

    @property
    def runs(self) -> bool:
        """Say whether the child has begun and was not seen to end."""
        return self._worker > 0 and not self.ended

    @property
    def words(self) -> str:
        """Why there is no draft."""
        if self._problem:
            return self._problem
        if self._status is None:
            return "Its process is gone."
        if self._status < 0:
            return f"Its process was ended by {signal_name(-self._status)}."
        return f"Its process ended with status {self._status} before it had a result."

    @property
    def tail(self) -> str:
        """A sentence with the last lines that it printed, or an empty string."""
        lines = self.tail_bytes.decode(errors="backslashreplace").splitlines()
        last = " / ".join(line.strip() for line in lines[-LINES:] if line.strip())[-500:]
        return f" Its last lines: {plain(last)}" if last else ""


def _is_readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
