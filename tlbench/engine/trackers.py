"""Plugins that receive events: each in a child of its own, so that none of them can stop or change a run.

python -P -m tlbench.engine.trackers
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tlbench.contract.events import Event
from tlbench.engine.planned import PlanRequest, catalog_of, unpacked_request
from tlbench.planning.supervised import Message, inherited, signal_name, start_quiet_module
from tlbench.results.row import Row

PATIENCE = 30.0
"""Seconds that a run waits for a tracker to take an event, or to end."""
TOOK_ALL = 75
"""Exit status of a child that took every event: a plugin that ends its process by itself may do so with status 0."""


class Tracker:
    """The child of one plugin."""

    def __init__(self, plugin: str, request: PlanRequest, warn: Callable[[str], None]) -> None:
        self._plugin, self._warn = plugin, warn
        self._channel, self._process = start_quiet_module("tlbench.engine.trackers")
        # A tracker that takes nothing must not stop the run.
        self._channel.end.settimeout(PATIENCE)
        self._open = self._channel.send({"plugin": plugin, "request": request.packed()})

    def __call__(self, event: Event) -> None:
        """Send an event; say once if nobody takes it any more."""
        if self._open and not self._channel.send({"event": _to_json(event)}):
            self._open = False
            self._gone()

    def _gone(self) -> None:
        status = self._process.poll()
        how = "takes no more events" if status is None else f"has ended ({_how(status)})"
        self._warn(f'The tracker "{self._plugin}" {how}; the run goes on without it.')

    def close(self) -> None:
        """Let it finish, then end it."""
        self._channel.close()
        try:
            if self._process.wait(PATIENCE) != TOOK_ALL and self._open:
                self._gone()
        except subprocess.TimeoutExpired:
            self._warn(f'The tracker "{self._plugin}" did not end within {PATIENCE:.0f} s.')
        finally:
            _kill(self._process)


def _how(status: int) -> str:
    return signal_name(-status) if status < 0 else f"status {status}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a child and all that it has started in its process group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _to_json(event: Event) -> Message:
    values = dict(event.values)
    if isinstance(row := values.get("row"), Row):
        values["row"] = row.to_json()
    if "path" in values:
        values["path"] = str(values["path"])
    return {**vars(event), "values": values}


def _of_json(value: Message) -> Event:
    values = dict(value["values"])
    if "row" in values:
        values["row"] = Row.from_json(values["row"])
    if "path" in values:
        values["path"] = Path(values["path"])
    return Event(**{**value, "values": values})


def main() -> None:
    """Pass events to the plugin until the connection closes."""
    channel, message = inherited()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    catalog = catalog_of(unpacked_request(message["request"]), only=[message["plugin"]])
    while channel.open:
        for one in channel.receive():
            catalog.notify(_of_json(one["event"]))
    sys.exit(TOOK_ALL)


if __name__ == "__main__":
    main()
