"""Examples with their labels by name, their training and test parts, and the two sides that a task makes of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar, overload

from tlbench.assets.readers.faults import attempt, collecting, locate, refuse
from tlbench.contract.task_data import Side, Split, TaskData
from tlbench.errors import BadInputError

T = TypeVar("T")
U = TypeVar("U")
PARTS = {
    "train": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "dev": "valid",
    "test": "test",
}
"""What published parts are called, in any case, and what they are."""
PART_NAMES = 'the parts of a side are named "train", "valid" ("val", "validation", "dev") and "test"'


@dataclass(frozen=True, kw_only=True)
class Labelled(Generic[T]):
    """Examples with their labels by name."""

    where: Path
    """The file or folder that messages name."""
    inputs: Sequence[T]
    """The examples, `N` of them."""
    labels: Sequence[str]
    """The name of each example's label."""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Iterable[int]) -> Labelled[T]:
        """Return the examples at these positions."""
        chosen = list(indices)
        inputs, labels = [self.inputs[i] for i in chosen], [self.labels[i] for i in chosen]
        return Labelled(where=self.where, inputs=inputs, labels=labels)

    def read(self, read: Callable[[T], U]) -> Labelled[U]:
        """Return the examples with what `read` makes of each input."""
        return self.spread(lambda item: [read(item)])

    def read_lazily(self, read: Callable[[T], U]) -> Labelled[U]:
        """Return the examples with what `read` makes of an input each time that it is asked for.

        Where faults are collected, every input is read now: what is at fault is to be left out.
        """
        if collecting():
            return self.read(read)
        return Labelled(where=self.where, inputs=ReadLazily(self.inputs, read), labels=self.labels)

    def spread(self, read: Callable[[T], Sequence[U]]) -> Labelled[U]:
        """Return all examples that `read` makes of each input, with the input's label."""
        inputs, labels = [], []
        for item, label in zip(self.inputs, self.labels, strict=True):
            for made in (made for part in attempt(read, item) for made in part):
                locate(made, item)
                inputs.append(made)
                labels.append(label)
        return Labelled(where=self.where, inputs=inputs, labels=labels)


class ReadLazily(Sequence[U], Generic[T, U]):
    """What `read` makes of items, each time that one is asked for: nothing is kept."""

    def __init__(self, items: Sequence[T], read: Callable[[T], U]) -> None:
        self._items, self._read = items, read

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> U: ...

    @overload
    def __getitem__(self, index: slice) -> ReadLazily[T, U]: ...

    def __getitem__(self, index: int | slice) -> U | ReadLazily[T, U]:
        if isinstance(index, slice):
            return ReadLazily(self._items[index], self._read)
        return self._read(self._items[index])


@dataclass(frozen=True, kw_only=True)
class Parts(Generic[T]):
    """The training and the test part of one side."""

    train: Labelled[T]
    """What models learn from."""
    test: Labelled[T]
    """What scores are measured on."""

    def map(self, change: Callable[[Labelled[T]], Labelled[U]]) -> Parts[U]:
        """Return both parts changed."""
        return Parts(train=change(self.train), test=change(self.test))


def hold_out(examples: Labelled[T], groups: Sequence[str], part: float = 0.2) -> Parts[T]:
    """Return a stratified split that keeps each group (a document, a recording, ...) on one side.

    Of the groups whose most frequent label is the same, `part` goes into the test: at least one of two or more, none
    of a single one. Which ones is decided by the hash of the group's name, so that the split depends on nothing else.
    """
    tally: dict[str, Counter[str]] = {}
    for group, label in zip(groups, examples.labels, strict=True):
        tally.setdefault(group, Counter())[label] += 1
    strata: dict[str, list[str]] = {}
    for group, counts in tally.items():
        strata.setdefault(min(counts, key=lambda label: (-counts[label], label)), []).append(group)
    tested: set[str] = set()
    for names in strata.values():
        size = max(1, round(part * len(names))) if len(names) > 1 else 0
        tested.update(sorted(names, key=_hash)[:size])
    return Parts(
        train=examples.take(i for i, group in enumerate(groups) if group not in tested),
        test=examples.take(i for i, group in enumerate(groups) if group in tested),
    )


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def join(first: Labelled[T], second: Labelled[T]) -> Labelled[T]:
    """Return the examples of both; messages name the first one's place."""
    inputs, labels = [*first.inputs, *second.inputs], [*first.labels, *second.labels]
    return Labelled(where=first.where, inputs=inputs, labels=labels)


def named_parts(places: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    """Return the places of `train`, `valid` and `test` among named ones, or nothing without `train` and another part.

    Raises `BadInputError` where two names stand for one part.
    """
    found: dict[str, list[Path]] = {}
    for name, path in places:
        if name.lower() in PARTS:
            found.setdefault(PARTS[name.lower()], []).append(path)
    if "train" not in found or len(found) == 1:
        return {}
    for part, (first, *others) in found.items():
        if others:
            raise BadInputError(f'"{first}" and "{others[0]}" both stand for the part "{part}": keep one of them.')
    return {part: found[part][0] for part in ("train", "valid", "test") if part in found}


def published_parts(parts: Mapping[str, Labelled[T]]) -> Parts[T]:
    """Return the parts `train`, `valid` and `test`, two at least, as two: `valid` is the test where there is no other.

    Beside a test, it is training data.
    """
    if len(parts) == 3:
        return Parts(train=join(parts["train"], parts["valid"]), test=parts["test"])
    return Parts(train=parts["train"], test=parts["test" if "test" in parts else "valid"])


def label_names(parts: Parts[T]) -> tuple[str, ...]:
    """Return the labels of a side, sorted. Raises `BadInputError` for a side that nothing can be learnt from."""
    for what, examples in (("training", parts.train), ("test", parts.test)):
        if not len(examples):
            refuse(f'The {what} part of "{examples.where}" is empty: put examples into it.')
    known = sorted(set(parts.train.labels))
    if len(known) == 1:
        refuse(f'"{parts.train.where}" has training examples of one class only, "{known[0]}": at least two are needed.')
    if strange := sorted(set(parts.test.labels) - set(known)):
        refuse(
            f'The test part of "{parts.test.where}" has labels that its training part lacks, {quoted(strange)}: '
            f"add training examples of them, or take them out."
        )
    return tuple(sorted({*known, *strange}))


def common_labels(source: Parts[T], target: Parts[U]) -> tuple[str, ...]:
    """Return the labels of both sides. Raises `BadInputError` where they differ."""
    of_source, of_target = label_names(source), label_names(target)
    for there, lacking, names in (
        (source, target, set(of_source) - set(of_target)),
        (target, source, set(of_target) - set(of_source)),
    ):
        if names:
            refuse(
                f'"{there.train.where}" has labels that "{lacking.train.where}" lacks, {quoted(sorted(names))}: '
                f"both sides must have the same, so rename or remove them."
            )
    return tuple(sorted({*of_source, *of_target}))


def quoted(names: Sequence[str]) -> str:
    """Return the first five names as a message lists them."""
    shown = ", ".join(f'"{name}"' for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def make_side(parts: Parts[T], labels: Sequence[str]) -> Side:
    """Return a task's side, its labels in the given order."""
    index = {label: position for position, label in enumerate(labels)}

    def split(examples: Labelled[T]) -> Split:
        return Split(inputs=examples.inputs, labels=[index[label] for label in examples.labels])

    return Side(labels=tuple(labels), train=split(parts.train), test=split(parts.test))


def transductive_data(source: Parts[T], target: Parts[T], sample_rate: int | None = None) -> TaskData:
    """Return the data of a task whose two sides have the same labels. Raises `BadInputError` where they do not."""
    labels = common_labels(source, target)
    return TaskData(source=make_side(source, labels), target=make_side(target, labels), sample_rate=sample_rate)
