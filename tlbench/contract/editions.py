"""The edition of the plugin API, and what a plugin of an earlier edition must change."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tlbench.errors import ContractError

API_VERSION = 2
"""The edition of the plugin API that this tlbench offers. A plugin may name the one that it was written for in the
module of its hooks: `TLBENCH_API = 2`; a plugin that names another is not loaded."""
DECLARATION = "TLBENCH_API"
"""The constant of a plugin's module that holds its edition."""
REMOVED: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("StrategySpec", "kinds"): "name what the strategy needs in `needs`, such as class-probabilities",
        ("StrategySpec", "sees"): "write `access`",
        ("StrategySpec", "reference"): "write `baseline`",
        ("KindSpec", "activation"): "let `Kind.postprocess` turn outputs into predictions",
        ("KindSpec", "target"): "let `Kind.classes` and `Kind.has_classes` answer",
    }
)
"""(record, field) that an earlier edition had -> what to write instead."""
MEMBERS: Mapping[str, str] = MappingProxyType(
    {
        "kind": "request.target.kind",
        "classes": "len(request.target.labels)",
        "transductive": "request.source.labels == request.target.labels",
        "target_inputs": "request.target.unlabelled",
        "target_all": "request.target.all",
        "unlabelled_batches": "request.batches(request.target.unlabelled)",
        "augment": 'request.batches(examples, augment="weak")',
        "parts": "request.source and request.target",
    }
)
"""Member of an `AdaptRequest` that the first edition had -> what to write instead."""
BATCH = "inputs, targets, positions = next(batches)"
"""What a batch is taken apart with; in the first edition it had two parts."""
TOO_MANY = re.compile(r"too many values to unpack \(expected 2\b")
UNEXPECTED = re.compile(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")


def removed_field(error: BaseException) -> tuple[str, str]:
    """Return cause and advice if an error says that a record has no longer a field, else two empty strings."""
    found = UNEXPECTED.search(str(error)) if isinstance(error, TypeError) else None
    if found is None or found.groups() not in REMOVED:
        return "", ""
    record, name = found.groups()
    cause = f"{record}.{name} was removed in the second edition of the plugin API."
    return cause, f"Change the plugin: {REMOVED[record, name]}."


def replaced(old: str, new: str) -> ContractError:
    """Return the error of a plugin that uses what the first edition had."""
    return ContractError(f"{old} is of the first edition of the plugin API: write {new}.")


def two_parts(error: BaseException) -> ContractError | None:
    """Return the error of a strategy that takes a batch for a pair, as the first edition gave it; else None."""
    if not isinstance(error, ValueError) or not TOO_MANY.match(str(error)):
        return None
    last = traceback.extract_tb(error.__traceback__)[-1]
    return ContractError(
        f"A batch has three parts: write {BATCH} ({Path(last.filename).name}, line {last.lineno}: {last.line}). "
        f"Batches were pairs in the first edition of the plugin API."
    )


def note_place(error: BaseException) -> None:
    """Add to an error of a plugin's function the last line of the plugin that it passed, without the folder."""
    host = str(Path(__file__).parents[1])
    called = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(host)]
    own = [frame for frame in called if frame.filename == called[0].filename]
    if own:
        error.add_note(f"{Path(own[-1].filename).name}, line {own[-1].lineno}: {own[-1].line}")


def other_edition(declared: object) -> tuple[str, str]:
    """Return cause and advice if a plugin declares another edition than that of this tlbench, else two empty strings.

    `declared` is the plugin's `TLBENCH_API`; None for a plugin without one, which is taken as it is.
    """
    if declared is None or declared == API_VERSION:
        return "", ""
    cause = f"It is written for edition {declared} of the plugin API ({DECLARATION}); this tlbench has {API_VERSION}."
    newer = isinstance(declared, int) and declared > API_VERSION
    return cause, "Update tlbench." if newer else "Update the plugin, or change it as the changelog of tlbench says."
