"""Examples with label names, and their training and test splits."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar, overload

from tlbench.contract.faults import RAISE, Faults
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
"""Names of published splits, in any case, and their meaning."""
PART_NAMES = 'splits are named "train", "valid" ("val", "validation", "dev") and "test"'


@dataclass(frozen=True, kw_only=True)
class Labelled(Generic[T]):
    """Examples with label names; `where` is their file or folder, for messages."""

    where: Path
    """The file or folder that messages name."""
    inputs: Sequence[T]
    """The examples, `N` of them."""
    labels: Sequence[str]
    """The label name of each example."""
    groups: Sequence[str] | None = None
    """The group of each example, such as its speaker: no group is in both splits."""
    times: Sequence[float] | None = None
    """When each example was recorded: the latest ones are the test split."""
    tables: tuple[Path, ...] = ()
    """Tables that list the examples, beside `where`: one of each split."""
    faults: Faults = field(default=RAISE, compare=False, repr=False)
    """Receives errors in these examples."""

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Iterable[int]) -> Labelled[T]:
        """Return the examples at these positions."""
        chosen = list(indices)
        return replace(
            self,
            inputs=[self.inputs[i] for i in chosen],
            labels=[self.labels[i] for i in chosen],
            groups=None if self.groups is None else [self.groups[i] for i in chosen],
            times=None if self.times is None else [self.times[i] for i in chosen],
        )

    def with_inputs(self, inputs: Sequence[U], labels: Sequence[str]) -> Labelled[U]:
        """Return other inputs and labels, one for each example, with the groups and times of the examples."""
        return Labelled(
            where=self.where,
            inputs=inputs,
            labels=labels,
            groups=self.groups,
            times=self.times,
            tables=self.tables,
            faults=self.faults,
        )

    def read(self, read: Callable[[T], U]) -> Labelled[U]:
        """Return the examples with `read(input)` in place of each input."""
        return self.spread(lambda item: [read(item)])

    def read_lazily(self, read: Callable[[T], U]) -> Labelled[U]:
        """Return the examples with `read(input)` in place of each input, called each time it is accessed.

        If errors are collected, every input is read now, because faulty examples are left out.
        """
        if self.faults.collects:
            return self.read(read)
        return self.with_inputs(ReadLazily(self.inputs, read), self.labels)

    def spread(self, read: Callable[[T], Sequence[U]]) -> Labelled[U]:
        """Return all examples in `read(input)` of each input, with the label, group and time of the input."""
        inputs, origins = [], []
        for origin, item in enumerate(self.inputs):
            for examples in self.faults.attempt(read, item):
                for example in examples:
                    self.faults.locate(example, item)
                    inputs.append(example)
                    origins.append(origin)
        spread = self.take(origins)
        return spread.with_inputs(inputs, spread.labels)


class ReadLazily(Sequence[U], Generic[T, U]):
    """A sequence that calls `read` each time an item is accessed, and caches nothing."""

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
    """The training and the test split of one domain."""

    train: Labelled[T]
    """What models learn from."""
    test: Labelled[T]
    """What scores are measured on."""

    def map(self, change: Callable[[Labelled[T]], Labelled[U]]) -> Parts[U]:
        """Return both splits after a change."""
        return Parts(train=change(self.train), test=change(self.test))


def hold_out(examples: Labelled[T], groups: Sequence[str], part: float = 0.2) -> Parts[T]:
    """Return a stratified split in which all examples of a group (a document, a recording, ...) stay together.

    Of the groups with the same most frequent label, `part` becomes test data: at least one of two or more groups, none
    of a single one. The hash of a group's name decides, so that the split depends on nothing else.
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


def join_examples(first: Labelled[T], second: Labelled[T]) -> Labelled[T]:
    """Return the examples of both; messages name the file or folder of the first."""
    return replace(
        first,
        inputs=[*first.inputs, *second.inputs],
        labels=[*first.labels, *second.labels],
        groups=None if first.groups is None or second.groups is None else [*first.groups, *second.groups],
        times=None if first.times is None or second.times is None else [*first.times, *second.times],
        tables=tuple(dict.fromkeys((*first.tables, *second.tables))),
    )


def named_split(name: str) -> str:
    """Return the split that a name in any case means, `train`, `valid` or `test`; an empty string for another name."""
    return PARTS.get(name.lower(), "")


def named_parts(places: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    """Return the paths of the splits `train`, `valid` and `test`; nothing without `train` and another one.

    Raises `BadInputError` if two names mean the same split.
    """
    by_part: dict[str, list[Path]] = {}
    for name, path in places:
        if part := named_split(name):
            by_part.setdefault(part, []).append(path)
    if "train" not in by_part or len(by_part) == 1:
        return {}
    for part, (first, *others) in by_part.items():
        if others:
            raise BadInputError(f'"{first}" and "{others[0]}" are both the split "{part}": keep one of them.')
    return {part: by_part[part][0] for part in ("train", "valid", "test") if part in by_part}


def worded_parts(places: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    """Return the paths of the splits as `named_parts` does; if there are none, by the words in their names.

    `train-v2.0` and `instances_train2017` mean `train`; a name with words of several splits means none.
    """
    listed = list(places)
    return named_parts(listed) or named_parts((split_word(name), path) for name, path in listed)


def split_word(name: str) -> str:
    """Return the word for a split in a name, such as `train` in `train-v2.0`; an empty string without exactly one."""
    words = re.findall(r"[^\W\d_]+", name.lower())
    meant = {PARTS[word]: word for word in words if word in PARTS}
    return next(iter(meant.values())) if len(meant) == 1 else ""


def published_parts(parts: Mapping[str, Labelled[T]]) -> Parts[T]:
    """Return two splits from two or three of `train`, `valid` and `test`.

    Without `test`, `valid` is the test split; with it, `valid` is training data.
    """
    if len(parts) == 3:
        return Parts(train=join_examples(parts["train"], parts["valid"]), test=parts["test"])
    return Parts(train=parts["train"], test=parts["test" if "test" in parts else "valid"])


def quoted(names: Sequence[str]) -> str:
    """Return the first five names for a message."""
    shown = ", ".join(f'"{name}"' for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
