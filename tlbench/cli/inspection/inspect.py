"""Checks of a task's data before anything is trained on it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, TypeVar

from tlbench.assets.readers.faults import CollectedFaults
from tlbench.assets.readers.labelled import quoted
from tlbench.assets.readers.original_sizes import noting_sizes
from tlbench.cli.inspection.contents import Contents, class_counts, read_contents, sizes
from tlbench.cli.inspection.copies import conflicts, copies, leaks, near_leaks
from tlbench.cli.inspection.cuts import answers_behind_the_cut
from tlbench.cli.inspection.shift import shift
from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.requests import LoadRequest
from tlbench.contract.specs import Setting, TaskSpec
from tlbench.contract.task_data import TaskData
from tlbench.engine.facts import size_range
from tlbench.engine.groups import group_faults
from tlbench.errors import UsageError, describe
from tlbench.planning.guard import pass_signal
from tlbench.results.groups import warning

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """Findings about a task's data. Tables are lists of records."""

    refused: list[str]
    """Errors that stop `tlbench run`: broken files and lines, and inconsistent data."""
    setting: str = ""
    """How the labels of both domains relate; empty if the data cannot be loaded."""
    notes: list[str] = field(default_factory=list)
    """Warnings about what `tlbench run` accepts."""
    columns: list[dict[str, Any]] = field(default_factory=list)
    """How each column of the tables was read."""
    images: dict[str, list[list[int]]] = field(default_factory=dict)
    """The smallest and the largest size of images `in their files` (width, height) and `as loaded` (height, width,
    channels); empty without images in files."""
    splits: list[dict[str, Any]] = field(default_factory=list)
    classes: list[dict[str, Any]] = field(default_factory=list)
    duplicates: list[dict[str, Any]] = field(default_factory=list)
    shift: dict[str, Any] = field(default_factory=dict)


def inspect_task(
    task: TaskSpec, request: LoadRequest, label_budget: int | None, backbone: BackboneSpec | None = None
) -> Inspection:
    """Read all of a task's data, whatever is wrong with it, and return the findings.

    With its default backbone they hold what that cuts off.
    """
    faults = CollectedFaults()
    original: set[tuple[int, int]] = set()
    with noting_sizes(original):
        data = _attempt("loaded", faults, lambda: _load(task, replace(request, faults=faults)))
        found = data and _attempt("examined", faults, lambda: _examine(task, data, label_budget, faults, original))
    if found and backbone and data and not found.refused:
        cut = _attempt("prepared", faults, lambda: list(answers_behind_the_cut(task, data, backbone)))
        found = replace(found, notes=[*found.notes, *(cut or ())], refused=[*found.refused, *_messages(faults)])
    return found or Inspection(refused=_messages(faults), notes=faults.notes, columns=_columns(faults))


def _examine(
    task: TaskSpec, data: TaskData, label_budget: int | None, faults: CollectedFaults, original: Set[tuple[int, int]]
) -> Inspection:
    contents = read_contents(task, data, faults)
    return Inspection(
        refused=[*_messages(faults), *_inconsistent(task, data, contents)],
        setting=_setting(task, data),
        notes=[
            *faults.notes,
            *leaks(contents),
            *([] if data.target.test.groups is not None else near_leaks(contents)),
            *conflicts(contents),
            *_uncovered(task, contents, label_budget),
            *_few_groups(contents),
        ],
        columns=_columns(faults),
        images=_images(contents, original),
        splits=sizes(contents),
        classes=class_counts(contents),
        duplicates=copies(contents),
        shift=_shift(task, data),
    )


def _images(contents: Contents, original: Set[tuple[int, int]]) -> dict[str, list[list[int]]]:
    loaded = size_range({shape for split in contents.values() for shape in split.shapes})
    before = size_range({*original})
    return {"in their files": before, "as loaded": loaded} if before and loaded else {}


def _load(task: TaskSpec, request: LoadRequest) -> TaskData:
    """Return the data without faulty examples."""
    # Both may end with the first file that cannot be used at all; `load` finds the faults of the others.
    request.faults.attempt(task.files, request)
    if task.labels is not None:
        request.faults.attempt(task.labels, request)  # It notes labels that are in one domain only.
    return task.load(request)


def _attempt(what: str, faults: CollectedFaults, compute: Callable[[], T]) -> T | None:
    """Return what `compute` returns, or None if it fails: then the error is one of the faults.

    Data without its faulty examples may fail in any way: the collected faults are the reason, if there are any.
    """
    try:
        return compute()
    except UsageError as error:
        faults.errors.append(error)
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
        pass_signal(error)
        if not faults.errors:
            faults.errors.append(UsageError(f"The data cannot be {what}: {_described(error)}"))
    return None


def _described(error: BaseException) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{describe(error)} ({place.filename}, line {place.lineno})"


def _shift(task: TaskSpec, data: TaskData) -> dict[str, Any]:
    """Return the shift between the domains, or why it cannot be measured: it is no fault of the data."""
    try:
        return shift(task, data)
    except BaseException as error:  # noqa: BLE001 - whatever a library raises, the other findings are shown
        pass_signal(error)
        return {"not measured": _described(error)}


def _columns(faults: CollectedFaults) -> list[dict[str, Any]]:
    return [{"column": column, "read as": "; ".join(readings)} for column, readings in faults.columns.items()]


def _messages(faults: CollectedFaults) -> list[str]:
    # `files`, `labels` and `load` find the same faults; what one says more than another is advice at the end.
    messages = list(dict.fromkeys(map(str, faults.errors)))
    shorter = {one for one, following in pairwise(sorted(messages)) if following.startswith(one)}
    return [message for message in messages if message not in shorter]


def _inconsistent(task: TaskSpec, data: TaskData, contents: Contents) -> Iterator[str]:
    """Yield errors that readers do not find."""
    for name, split in contents.items():
        if not split.keys:
            yield f"The {name} split is empty."
    for fault in group_faults(data):
        yield f"{fault[0].upper()}{fault[1:]}"
    same = data.source is None or data.source.labels == data.target.labels
    if task.labels is None and task.setting == "transductive" and not same:
        yield "Source and target domain have different labels, but the task is transductive (the same labels in both)."


def _setting(task: TaskSpec, data: TaskData) -> Setting:
    if task.labels is None:
        return task.setting
    if data.source is None:
        return "target-only"
    same = task.source_kind is None and data.source.labels == data.target.labels
    return "transductive" if same else "inductive"


def _uncovered(task: TaskSpec, contents: Contents, label_budget: int | None) -> Iterator[str]:
    """Yield classes without test examples, and classes that the label budget cannot cover."""
    for name in (name for name in contents if name.endswith("test")):
        if untested := [label for label, count in contents[name].counts.items() if not count]:
            yield f"The {name} split has no example of {quoted(untested)}: the score does not cover these classes."
    if label_budget is None:  # A number for each class, or all examples.
        return
    train = contents["target train"]
    present = [label for label, count in train.counts.items() if count]
    if train.one_label_each and label_budget < len(present):
        unit, classes = task.kind.unit, len(present)
        yield f"{label_budget} {unit} cannot cover the {classes} target classes: increase task.label_budget."
    if label_budget >= len(train.keys):
        yield f"The label budget of {label_budget} covers all {len(train.keys)} examples of the target train split."


def _few_groups(contents: Contents) -> list[str]:
    """Return what there is to say of the interval of the score, which is over the target's test groups."""
    groups = contents["target test"].groups
    return [few] if groups is not None and (few := warning(len(set(groups)))) else []
