"""Every error that tlbench raises on purpose.

TlbenchError
├── UsageError            the request is invalid (exit status 2)
│   ├── UnknownNameError  no task, backbone, strategy or option has that name
│   ├── MissingDataError  a file that a task reads does not exist
│   └── BadInputError     the user's data cannot be read or is inconsistent
├── ContractError         a plugin broke a rule of the plugin API (access, shapes, frozen encoder)
├── NotApplicable         a method cannot work here; the run is skipped with this reason
├── ParityError           the ONNX file and the torch model give different outputs
├── StageError            a stage of a run failed; it holds the stage's name
└── StoreError            a cached or published file is damaged
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class TlbenchError(Exception):
    """Base of all errors whose message is written for the user."""


class UsageError(TlbenchError):
    """The request is invalid."""


class UnknownNameError(UsageError):
    """A name that does not exist. The message suggests similar names, or lists the first 20 valid ones."""

    def __init__(self, what: str, name: str, valid: Iterable[str], where: str = "") -> None:
        names = sorted(valid)
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        super().__init__(f'Unknown {what} "{name}"{where and " "}{where}. {_suggestion(near, names)}')
        self.name, self.near = name, near


def _suggestion(near: Sequence[str], names: Sequence[str]) -> str:
    if near:
        *first, last = (f'"{name}"' for name in near)
        return f"Did you mean {', '.join(first)}{' or ' if first else ''}{last}?"
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"Valid names: {', '.join(names[:20]) or 'none'}{more}."


class MissingDataError(UsageError):
    """A file that a task reads does not exist."""


class BadInputError(UsageError):
    """The user's data cannot be read or is inconsistent."""


class ContractError(TlbenchError):
    """A plugin broke a rule of the plugin API."""


class NotApplicable(TlbenchError):  # noqa: N818 - an outcome, not an error: the run is skipped
    """A method cannot work with this task or backbone: the run is skipped, and the message is the reason.

    Raised by `adapt` or `extend` of a strategy if only the model or the data tells, such as "has no linear layers".
    """


class ParityError(TlbenchError):
    """The outputs of an ONNX file and of its torch model differ by more than the tolerance."""


class StoreError(TlbenchError):
    """A cached or published file is damaged."""


class StageError(TlbenchError):
    """A stage of one run failed: `stage` is its name and `__cause__` the error."""

    def __init__(self, stage: str, cause: BaseException) -> None:
        super().__init__(f"{stage}: {type(cause).__name__}: {_text(cause)}")
        self.stage = stage
        self.__cause__ = cause


def describe(error: BaseException) -> str:
    """Return the message of a `TlbenchError`, and type and message of any other error, each with its notes."""
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    kind = "" if isinstance(error, TlbenchError) else f"{type(error).__name__}: "
    return f"{kind}{_text(error)}{notes}"


def _text(error: BaseException) -> str:
    """Return the message of an error as text that can be encoded. A plugin's error may raise when it is printed."""
    try:
        return str(error).encode(errors="backslashreplace").decode()
    except BaseException as second:  # noqa: BLE001 - describing an error must not raise another
        return f"its message cannot be read ({type(second).__name__})"
