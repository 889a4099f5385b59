"""Messages between processes of a run: JSON objects, one a line, over a socket. What arrives is data, never code."""

from __future__ import annotations

import socket

# Bound when the host is loaded: what a plugin puts in place of `json.dumps` later does not reach messages.
from json import dumps, loads
from typing import Any

LONGEST = 256 * 2**20
"""Bytes of a message that is still read: what a plugin says may be long, and must not fill the memory."""


class Channel:
    """One end of a connection."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self._rest: list[bytes] = []
        self._held = 0
        self._unread: list[dict[str, Any]] = []
        self.open = True

    @classmethod
    def of(cls, descriptor: int) -> Channel:
        """Return the channel of a socket that this process inherited."""
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        """Return the descriptor, by which a selector knows it."""
        return self.end.fileno()

    def send(self, message: dict[str, Any]) -> bool:
        """Send a message; return whether somebody is there to read it."""
        try:
            self.end.sendall(dumps(message).encode() + b"\n")
        except OSError:
            return False
        return True

    def receive(self) -> list[dict[str, Any]]:
        """Wait for bytes and return the messages that they complete; `open` is False once the other end is closed.

        A line that is no JSON object is left out: whoever waits for a message does without it.
        """
        if self._unread:
            unread, self._unread = self._unread, []
            return unread
        try:
            data = self.end.recv(2**20)
        except OSError:
            data = b""
        self._rest.append(data)
        self._held += len(data)
        self.open = bool(data) and self._held < LONGEST
        if b"\n" not in data:
            return []
        *lines, rest = b"".join(self._rest).split(b"\n")
        self._rest, self._held = [rest], len(rest)
        return [message for message in map(_message, lines) if message is not None]

    def put_back(self, messages: list[dict[str, Any]]) -> None:
        """Have the next `receive` return these."""
        self._unread = messages

    def close(self) -> None:
        """Close this end."""
        self.open = False
        self.end.close()


def _message(line: bytes) -> dict[str, Any] | None:
    try:
        message = loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def pair() -> tuple[Channel, socket.socket]:
    """Return a channel, and the end for the other process."""
    ours, theirs = socket.socketpair()
    return Channel(ours), theirs
