"""A child that loads plugins: where one of them ends or blocks it, the child is started again without that plugin."""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tlbench.planning.channel import Channel, pair

LOADING = 60.0
"""Seconds that the code of one plugin may take to be loaded."""
Message = dict[str, Any]
LOOK = 1.0
"""Seconds between two looks at the child: a copy of it that a plugin forked may keep the connection open."""
PR_SET_PDEATHSIG = 1


@dataclass
class Ending:
    """How a child ended."""

    status: int
    """As `subprocess` gives it: negative for a signal."""
    plugin: str = ""
    """The plugin whose code was being loaded."""
    late: bool = False
    """True if it was killed, because loading took too long."""

    @property
    def words(self) -> str:
        """What happened, as the end of a sentence."""
        if self.late:
            return f"did not return within {LOADING:.0f} s"
        if self.status < 0:
            return f"ended the process by {signal_name(-self.status)}"
        return f"ended the process with status {self.status}"


@dataclass
class Supervised:
    """A module of the host that loads plugins, run by an interpreter of its own."""

    module: str
    words: Sequence[str] = ()
    on_message: Callable[[Message], None] = lambda message: None
    options: dict[str, Any] = field(default_factory=dict)
    """Of `subprocess.Popen`."""
    broken: dict[str, str] = field(default_factory=dict)
    """Plugins that are left out, and what they did."""
    process: subprocess.Popen[bytes] | None = None
    """The child, while there is one."""

    def run(self, request: Message) -> Ending:
        """Run the module to its end; a plugin that ends or blocks it while it is loaded is left out the next time."""
        while True:
            ending = self._once(request)
            if not ending.plugin or ending.plugin in self.broken:
                return ending
            self.broken[ending.plugin] = f"its code {ending.words} while it was loaded"

    def _once(self, request: Message) -> Ending:
        channel, self.process = start_module(self.module, self.words, **self.options)
        try:
            channel.send({**request, "broken": self.broken})
            return self._wait(channel, self.process)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            if self.options.get("start_new_session"):  # The group is its own: end what plugins have left in it.
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.process.pid, signal.SIGKILL)
            channel.close()
            self.process = None

    def _wait(self, channel: Channel, process: subprocess.Popen[bytes]) -> Ending:
        plugin, since = "", time.monotonic()
        while channel.open:
            has_ended = process.poll() is not None
            if not _is_readable(channel, 0.0 if has_ended else LOOK):
                if has_ended:
                    break
                if plugin and time.monotonic() - since > LOADING:
                    process.kill()
                    return Ending(status=process.wait(), plugin=plugin, late=True)
                continue
            for message in channel.receive():
                if "loading" in message:
                    plugin, since = str(message["loading"]), time.monotonic()
                else:
                    self.on_message(message)
        return Ending(status=process.wait(), plugin=plugin)


def _is_readable(channel: Channel, seconds: float) -> bool:
    """Wait for so long at most; say whether there is something to receive, be it the end."""
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        return bool(selector.select(seconds))


def start_module(module: str, words: Sequence[str] = (), **options: Any) -> tuple[Channel, subprocess.Popen[bytes]]:
    """Start a module of the host in an interpreter of its own; return the channel to it, and the process.

    `options` are those of `subprocess.Popen`.
    """
    channel, theirs = pair()
    # Without -P the current folder is first on the import path: a file there would pass for a library.
    command = [sys.executable, "-P", "-m", module, *words]
    environment = {**os.environ, "TLBENCH_CHANNEL": str(theirs.fileno())}
    with theirs:
        return channel, subprocess.Popen(command, env=environment, pass_fds=[theirs.fileno()], **options)


def start_quiet_module(module: str, words: Sequence[str] = ()) -> tuple[Channel, subprocess.Popen[bytes]]:
    """Start a module that reads nothing, prints no result, and gets no signals of the terminal: its parent ends it."""
    options = {"stdin": subprocess.DEVNULL, "stdout": printed_to(), "start_new_session": True}
    return start_module(module, words, **options)


def printed_to() -> int:
    """Return where a child's output is to go: to the errors of this process, as what it prints is no result."""
    try:
        return int(sys.stderr.fileno())
    except (AttributeError, OSError, ValueError):  # The stream of a notebook has no descriptor.
        return subprocess.DEVNULL


def inherited() -> tuple[Channel, Message]:
    """Return the channel that this process was started with, and the request that came through it."""
    channel = Channel.of(int(os.environ.pop("TLBENCH_CHANNEL")))
    # What this process starts is not to hold it: the other end waits until all who have it are gone.
    os.set_inheritable(channel.fileno(), False)
    end_with_parent(signal.SIGTERM)
    while channel.open:
        if messages := channel.receive():
            # While this process started, others may have come behind the request.
            channel.put_back(messages[1:])
            return channel, messages[0]
    sys.exit(1)  # Whoever started it is gone.


def end_with_parent(number: signal.Signals) -> None:
    """Have the system send a signal to this process when its parent ends."""
    process_control(PR_SET_PDEATHSIG, number)


def process_control(option: int, value: int) -> None:
    """Call `prctl` where there is one."""
    # Elsewhere processes end by the connection that closes; only what leaves its session could stay.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def signal_name(number: int) -> str:
    """Return `SIGKILL` for 9; what usually sends that one is named too."""
    known = {int(member): member.name for member in signal.Signals}
    hint = " (often: out of memory)" if number == signal.SIGKILL else ""
    return known.get(number, f"signal {number}") + hint
