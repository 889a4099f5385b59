"""Every error that tlbench raises on purpose.

TlbenchError
├── UsageError            the request cannot be carried out as written (exit status 2)
│   ├── UnknownNameError  no task, backbone, strategy or option of that name
│   ├── MissingDataError  files that a task reads are not where they were looked for
│   └── BadInputError     the user's data cannot be read or makes no sense
├── ContractError         a plugin broke its promise (firewall, shapes, frozen encoder)
├── ParityError           the ONNX file and the model it came from disagree
├── StageError            a stage of a pairing failed: carries the stage's name
└── StoreError            a cached or published file is damaged
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TlbenchError(Exception):
    """Base of all errors whose message is meant for a person."""


class UsageError(TlbenchError):
    """The request cannot be carried out as written."""


class UnknownNameError(UsageError):
    """A name that nothing in the catalog answers to; the message proposes near ones, or lists the first 20."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        more = f" and {len(known) - 20} more" if len(known) > 20 else ""
        listed = f"{', '.join(known[:20]) or 'none'}{more}"
        advice = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known: {listed}."
        super().__init__(f'There is no {what} "{name}": {advice}')
        self.name, self.near = name, near


class MissingDataError(UsageError):
    """Files that a task reads are not where they were looked for."""


class BadInputError(UsageError):
    """The user's data cannot be read or makes no sense."""


class ContractError(TlbenchError):
    """A plugin broke a promise of its specification."""


class ParityError(TlbenchError):
    """An ONNX file and the model it came from disagree by more than the tolerance."""


class StoreError(TlbenchError):
    """A cached or published file is damaged."""


class StageError(TlbenchError):
    """A stage of one pairing failed; `stage` names it and `__cause__` is what happened."""

    def __init__(self, stage: str, cause: BaseException) -> None:
        super().__init__(f"{stage}: {type(cause).__name__}: {_text(cause)}")
        self.stage = stage
        self.__cause__ = cause


def describe(error: BaseException) -> str:
    """Return the sentence of an error of ours, and of any other its type and message."""
    return _text(error) if isinstance(error, TlbenchError) else f"{type(error).__name__}: {_text(error)}"


def _text(error: BaseException) -> str:
    """Return the message of an error as text that can be encoded; a plugin's error may have none."""
    try:
        return str(error).encode(errors="backslashreplace").decode()
    except BaseException as second:  # noqa: BLE001 - to describe an error must not raise another
        return f"its message cannot be read ({type(second).__name__})"
