"""What there is to know about a task's data before anything is trained on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tlbench.assets.readers.faults import Faults, collected
from tlbench.assets.readers.labelled import quoted
from tlbench.cli.inspection.contents import Contents, class_counts, read_contents, sizes
from tlbench.cli.inspection.copies import conflicts, copies, leaks
from tlbench.cli.inspection.shift import shift
from tlbench.contract.requests import LoadRequest
from tlbench.contract.specs import TaskSpec
from tlbench.contract.task_data import TaskData
from tlbench.errors import UsageError
from tlbench.planning.guard import pass_signal


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """Findings about a task's data; tables are lists of records."""

    refused: list[str]
    """Why `tlbench run` refuses the data: each file and line that is broken, and what makes no sense."""
    notes: list[str] = field(default_factory=list)
    """What `run` accepts and a user would want to know."""
    splits: list[dict[str, Any]] = field(default_factory=list)
    classes: list[dict[str, Any]] = field(default_factory=list)
    duplicates: list[dict[str, Any]] = field(default_factory=list)
    shift: dict[str, Any] = field(default_factory=dict)


def inspect_task(task: TaskSpec, request: LoadRequest, label_budget: int | None) -> Inspection:
    """Read a task's data to the end, whatever is wrong with it, and return what was found."""
    with collected() as faults:
        data = _load(task, request, faults)
    if data is None:
        return Inspection(refused=_messages(faults), notes=faults.notes)
    contents = read_contents(task, data, faults)
    return Inspection(
        refused=[*_messages(faults), *_senseless(task, data, contents)],
        notes=[*faults.notes, *leaks(contents), *conflicts(contents), *_uncovered(task, contents, label_budget)],
        splits=sizes(contents),
        classes=class_counts(contents),
        duplicates=copies(contents),
        shift=shift(task, data),
    )


def _load(task: TaskSpec, request: LoadRequest, faults: Faults) -> TaskData | None:
    """Return the data without what is at fault, or None where too little is left to make sense."""
    try:
        task.files(request)
        return task.load(request)
    except UsageError as error:
        faults.errors.append(error)
    except BaseException as error:
        pass_signal(error)
        # What is left once faults are taken out may fail in any way; it is they that have to be told.
        if not faults.errors:
            raise
    return None


def _messages(faults: Faults) -> list[str]:
    # What `files` meets, `load` meets again.
    return list(dict.fromkeys(map(str, faults.errors)))


def _senseless(task: TaskSpec, data: TaskData, contents: Contents) -> Iterator[str]:
    """Yield what no reader has refused and the host will."""
    for name, split in contents.items():
        if not split.keys:
            yield f"The {name} split is empty."
    if task.setting == "transductive" and data.source.labels != data.target.labels:
        yield "The task says that both sides share their labels, and they do not."


def _uncovered(task: TaskSpec, contents: Contents, label_budget: int | None) -> Iterator[str]:
    """Yield classes without test examples, and what the label budget cannot reach."""
    for name in ("source test", "target test"):
        if absent := [label for label, count in contents[name].counts.items() if not count]:
            yield f"The {name} split has no example of {quoted(absent)}: its score says nothing about them."
    if label_budget is None:  # So many of each class, or all there are.
        return
    train = contents["target train"]
    present = [label for label, count in train.counts.items() if count]
    if train.one_label_each and label_budget < len(present):
        unit, classes = task.kind.unit, len(present)
        yield f"{label_budget} {unit} cannot cover the {classes} classes of the target: raise task.label_budget."
    if label_budget >= len(train.keys):
        yield f"The label budget of {label_budget} takes in all {len(train.keys)} examples of the target train split."
