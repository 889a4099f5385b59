"""The domains of a task, and their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from tlbench.assets.readers.labelled import Labelled, Parts, quoted
from tlbench.assets.readers.spellings import note_spellings
from tlbench.contract.task_data import Side, Split, TaskData, TaskLabels

T = TypeVar("T")
U = TypeVar("U")


def label_names(parts: Parts[T]) -> tuple[str, ...]:
    """Return the sorted labels of a domain. Raises `BadInputError` if it cannot be used for training and testing."""
    for what, examples in (("training", parts.train), ("test", parts.test)):
        if not len(examples):
            examples.faults.refuse(f'The {what} split of "{examples.where}" is empty: add examples.')
    trained = sorted(set(parts.train.labels))
    if len(trained) == 1:
        parts.train.faults.refuse(
            f'"{parts.train.where}" has training examples of only one class, "{trained[0]}": add another class.'
        )
    if untrained := sorted(set(parts.test.labels) - set(trained)):
        parts.test.faults.refuse(
            f'The test split of "{parts.test.where}" has labels without training examples, {quoted(untrained)}: '
            f"add training examples, or remove these test examples."
        )
    return tuple(sorted({*trained, *untrained}))


def common_labels(source: Parts[T], target: Parts[U]) -> tuple[str, ...]:
    """Return the labels of both domains. Raises `BadInputError` if they differ."""
    of_source, of_target = label_names(source), label_names(target)
    for there, lacking, names in (
        (source, target, set(of_source) - set(of_target)),
        (target, source, set(of_target) - set(of_source)),
    ):
        if names:
            there.train.faults.refuse(
                f'"{there.train.where}" has labels that "{lacking.train.where}" lacks, {quoted(sorted(names))}: '
                f"rename or remove them, because both domains must have the same labels."
            )
    return tuple(sorted({*of_source, *of_target}))


def task_labels(source: Parts[Any] | None, target: Parts[Any]) -> TaskLabels:
    """Return the labels of each domain, for a task's `labels`; None as the source for a task without one.

    If the labels differ, the differences are noted: a folder with a misspelt name would be one. So are labels of one
    domain that differ in their spelling only.
    """
    labels = TaskLabels(source=None if source is None else label_names(source), target=label_names(target))
    for names in (labels.source or (), labels.target):
        note_spellings(names, target.train.faults)
    if difference := unmatched(labels):
        target.train.faults.note(difference)
    return labels


def unmatched(labels: TaskLabels) -> str:
    """Return what makes a task inductive, and a name that may be misspelt; empty for equal labels or no source."""
    source, target = set(labels.source or labels.target), set(labels.target)
    if source == target:
        return ""
    sides = (("source", source - target), ("target", target - source))
    parts = [f"only in {side} {quoted(sorted(names))}" for side, names in sides if names]
    text = f"Setting: inductive (labels differ: {', '.join(parts)})."
    folded = {name.casefold(): name for name in sorted(source - target)}
    for name in sorted(target - source):
        if alike := folded.get(name.casefold()):
            return f'{text} "{alike}" and "{name}" differ in case only: rename one if they mean the same.'
    if source & target:
        return f"{text} If both domains have the same labels, correct the names."
    return text


def make_side(parts: Parts[T], labels: Sequence[str]) -> Side:
    """Return a domain of a task, with its labels in the given order."""
    index = {label: position for position, label in enumerate(labels)}

    def split(examples: Labelled[T]) -> Split:
        labelled = [index[label] for label in examples.labels]
        return Split(inputs=examples.inputs, labels=labelled, groups=examples.groups)

    return Side(labels=tuple(labels), train=split(parts.train), test=split(parts.test))


def transductive_data(source: Parts[T], target: Parts[T], sample_rate: int | None = None) -> TaskData:
    """Return the data of a transductive task (same labels in both domains). Raises `BadInputError` if they differ."""
    labels = common_labels(source, target)
    return TaskData(source=make_side(source, labels), target=make_side(target, labels), sample_rate=sample_rate)


def task_data(
    source: Parts[T] | None,
    target: Parts[T],
    sample_rate: int | None = None,
    reading: Mapping[str, Any] | None = None,
) -> TaskData:
    """Return the data of a task whose domains have labels of their own; None as the source for a task without one.

    `reading` is that of `TaskData`.
    """
    sides = [None if parts is None else make_side(parts, label_names(parts)) for parts in (source, target)]
    assert sides[1] is not None
    return TaskData(source=sides[0], target=sides[1], sample_rate=sample_rate, reading=reading)
