"""A plugin in a single file that sends its process, or its process group, a signal at a moment of the run.

`STOP_AT` is `MOMENT SIGNAL`: `load`, `hook`, or the name of an event, with its stage where it has one. At `swallowed`
it is sent during loading, and what it raises goes no further.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading

from tlbench import DomainSpec, Event, hookimpl

MOMENT, _, NAME = os.environ["STOP_AT"].rpartition(" ")


def stop() -> None:
    os.kill(os.getpid(), signal.Signals[NAME])


@hookimpl
def tlbench_event(event: Event) -> None:
    if f"{event.name} {event.stage}".strip() == MOMENT:
        if event.stage == "latency":  # The terminal sends it to the measuring process too, once that runs.
            threading.Timer(0.3, os.killpg, (os.getpgid(0), signal.Signals[NAME])).start()
        else:
            stop()


@hookimpl
def tlbench_domains() -> list[DomainSpec]:
    if MOMENT == "hook":
        stop()
    return []


if MOMENT == "load":
    stop()
elif MOMENT == "swallowed":
    with contextlib.suppress(BaseException):
        stop()
