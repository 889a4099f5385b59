"""A process that starts another one, waits for its end, and sees that nothing of it is left.

What a worker starts may outlive it, in a session of its own too. On Linux such processes become children of the keeper,
which ends them; and the keeper ends its worker when the server or the machine's user ends the keeper.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tlbench.planning.channel import Channel
from tlbench.planning.supervised import end_with_parent, process_control

PR_SET_CHILD_SUBREAPER = 36


def keep(end: socket.socket, work: Callable[[], NoReturn]) -> NoReturn:
    """Run `work` in a fork of this process, report how it ended, and end."""
    os.setsid()
    process_control(PR_SET_CHILD_SUBREAPER, 1)
    end_with_parent(signal.SIGTERM)
    worker = os.fork()
    if not worker:
        work()
    signal.signal(signal.SIGTERM, _end_all)
    channel = Channel(end)
    channel.send({"worker": worker, "keeper": os.getpid()})
    _, status = os.waitpid(worker, 0)
    end_children()
    # The worker may have been killed within a message.
    end.sendall(b"\n")
    channel.send({"ended": os.waitstatus_to_exitcode(status)})
    os._exit(0)


def _end_all(number: int, frame: FrameType | None) -> NoReturn:
    end_children()
    os._exit(128 + number)


def end_children() -> None:
    """Kill every child of this process, and those that become its children by that."""
    while children := _children():
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            except (ProcessLookupError, ChildProcessError):
                continue


def _children() -> list[int]:
    if sys.platform != "linux":
        return []
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    return [int(word) for word in listed.split()]
