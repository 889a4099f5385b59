"""A plugin in a single file that sends its process, or its process group, a signal at a moment of the run.

`STOP_AT` is `MOMENT SIGNAL`: `load`, or the name of an event, with its stage where it has one.
"""

from __future__ import annotations

import os
import signal
import threading

from tlbench import Event, hookimpl

MOMENT, _, NAME = os.environ["STOP_AT"].rpartition(" ")


def stop() -> None:
    os.kill(os.getpid(), signal.Signals[NAME])


@hookimpl
def tlbench_event(event: Event) -> None:
    if f"{event.name} {event.stage}".strip() == MOMENT:
        if event.stage == "latency":  # The terminal sends it to the measuring process too, once that runs.
            threading.Timer(1.0, os.killpg, (os.getpgid(0), signal.Signals[NAME])).start()
        else:
            stop()


if MOMENT == "load":
    stop()
