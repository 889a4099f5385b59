"""An error of a plugin ends that plugin's part of the work; a signal ends the program.

A plugin may raise anything, including `SystemExit` or another `BaseException`, and may catch or wrap a signal:

    try:
        plugin()
    except BaseException as error:
        pass_signal(error)
        ...                     # it is the plugin's error: record it and continue
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
    """Raised by SIGTERM at the current line, so that files and processes are closed."""


_received: list[int] = []
"""Signals that ask this process to end."""


@contextmanager
def signals_raise() -> Iterator[None]:
    """Let SIGTERM raise `Terminated` and Ctrl-C `KeyboardInterrupt`, and remember both; restore the handlers after.

    SIGINT stays ignored if it was: that is how a shell starts its background jobs.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    _received.clear()
    signal.signal(signal.SIGTERM, _receive)
    if before[signal.SIGINT] is signal.default_int_handler:
        signal.signal(signal.SIGINT, _receive)
    try:
        yield
    finally:
        _received.clear()
        for number, handler in before.items():
            if handler is not None:  # A handler that was not installed from Python cannot be restored.
                signal.signal(number, handler)


def _receive(number: int, frame: FrameType | None) -> None:
    _received.append(number)
    check_signal()


def check_signal() -> None:
    """Raise the exception of a received signal again: a plugin may have caught it."""
    if _received:
        raise Terminated if _received[0] == signal.SIGTERM else KeyboardInterrupt


def pass_signal(error: BaseException) -> None:
    """Raise the exception of a received signal again; return if the error is the plugin's own.

    Without the handlers of `signals_raise`, every `KeyboardInterrupt` counts as a signal.
    """
    check_signal()
    if isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) not in (_receive, signal.SIG_IGN):
        raise error


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Convert an error of a plugin: an `OSError` into `BadInputError`, any other into `ContractError`.

    A `TlbenchError` and signals pass. `what` names the function and its spec: `"files" of the task "toy/blobs"`.
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
def only_here() -> Iterator[None]:
    """End a copy of this process that code of a plugin has forked: it must not go on as a second one, nor clean up."""
    here = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != here:
            os._exit(1)


@contextmanager
def same_folder() -> Iterator[None]:
    """Restore the current folder at the end: a plugin may change it, and the user's relative paths depend on it."""
    here = os.open(".", os.O_RDONLY)
    try:
        yield
    finally:
        os.fchdir(here)
        os.close(here)


LONGEST_TRACEBACK = 20_000
"""Characters of a traceback that another process reports: the last ones say what happened."""


def log_traceback(what: str, cache: Path) -> str:
    """Append the current traceback to `tlbench.log`; return it. A log that cannot be written is no reason to stop."""
    text = f"{what}\n{traceback.format_exc()}\n"
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "tlbench.log").open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(text)
    return text.encode(errors="backslashreplace").decode()[-LONGEST_TRACEBACK:].rstrip("\n")
