"""The server, seen from the process that starts it."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence

from tlbench.planning.supervised import start_quiet_module

GRACE = 5.0
"""Seconds between the request to end and the end by force."""


class Server:
    """The process that forks children; where it ends before the run does, another one takes its place."""

    def __init__(self, requires: Sequence[str], threads: int) -> None:
        self._words = (str(threads), *requires)
        self._start()

    def _start(self) -> None:
        self._channel, self._process = start_quiet_module("tlbench.engine.server", self._words)

    def fork(self, connection: int, output: int) -> None:
        """Start a child with these descriptors."""
        try:
            socket.send_fds(self._channel.end, [b"+"], [connection, output])
        except OSError:
            self.replace()
            socket.send_fds(self._channel.end, [b"+"], [connection, output])

    def replace(self) -> None:
        """Start another server without the requirements of plugins: one of them may have ended or blocked the last one.

        Children import what they need themselves: only those fail that need it.
        """
        self.close()
        self._words = self._words[:1]
        self._start()

    def close(self) -> None:
        """End the server, and children that are left."""
        self._channel.close()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
