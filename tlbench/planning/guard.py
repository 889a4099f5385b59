"""What a plugin raises ends its own part alone; a signal ends the program.

A plugin may raise anything, `SystemExit` and a library's own `BaseException` too, and may swallow or wrap anything:

    try:
        plugin()
    except BaseException as error:
        pass_signal(error)
        ...                     # the error is the plugin's: note it and go on
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from tlbench.errors import BadInputError, ContractError, TlbenchError, describe


class Terminated(BaseException):
    """SIGTERM, raised where the program is, so that what is open is closed."""


_received: list[int] = []
"""Signals that ask this process to end."""


def handle_signals() -> None:
    """Let SIGTERM raise `Terminated` and Ctrl-C `KeyboardInterrupt`, and remember them."""
    _received.clear()
    signal.signal(signal.SIGTERM, _receive)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # A shell lets its background jobs ignore Ctrl-C.
        signal.signal(signal.SIGINT, _receive)


def _receive(number: int, frame: FrameType | None) -> None:
    _received.append(number)
    check_signal()


def check_signal() -> None:
    """Raise again what a signal has raised, for it may have been swallowed since."""
    if _received:
        raise Terminated if _received[0] == signal.SIGTERM else KeyboardInterrupt


def pass_signal(error: BaseException) -> None:
    """Raise again what a signal has raised; return if the error at hand is a plugin's own.

    Without our handlers `KeyboardInterrupt` is taken for a signal, with them only if a signal was received.
    """
    check_signal()
    if isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) not in (_receive, signal.SIG_IGN):
        raise error


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Turn what a plugin raises into an error of ours: `BadInputError` for an `OSError`, else `ContractError`.

    Errors of ours and signals pass. `what` names the function and its spec: `"files" of the task "toy/blobs"`.
    """
    try:
        yield
    except TlbenchError:
        raise
    except BaseException as error:
        pass_signal(error)
        last = traceback.extract_tb(error.__traceback__)[-1]
        kind = BadInputError if isinstance(error, OSError) else ContractError
        raise kind(f'{what} failed in "{last.filename}", line {last.lineno}: {describe(error)}') from error


@contextmanager
def same_folder() -> Iterator[None]:
    """Come back to the current folder at the end: a plugin may change it, and the user's relative paths start there."""
    here = os.open(".", os.O_RDONLY)
    try:
        yield
    finally:
        os.fchdir(here)
        os.close(here)


def log_traceback(what: str, cache: Path) -> None:
    """Append the traceback of the exception at hand to `tlbench.log`. A log that cannot be written ends nothing."""
    text = f"{what}\n{traceback.format_exc()}\n"
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "tlbench.log").open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(text)
