"""The examples of each split in a form to compare: hashes of their contents, labels, sizes and values."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tlbench.assets.readers.faults import CollectedFaults
from tlbench.contract.specs import TaskSpec
from tlbench.contract.task_data import Side, Split, TaskData
from tlbench.engine.groups import group_names
from tlbench.engine.near_copies import Fingerprint, fingerprint

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array
    from tlbench.learning.kinds.protocol import Kind


@dataclass(frozen=True, kw_only=True)
class SplitSummary:
    """One split, example by example."""

    labels: tuple[str, ...]
    """All labels of the domain."""
    keys: list[bytes]
    """Hashes of the contents, which are equal for equal examples."""
    targets: list[tuple[int, ...]]
    """Indices of labels: one for each example or word, or those that occur in it; empty without classes."""
    places: list[str]
    shapes: list[tuple[int, ...]]
    form: str
    """`uint8` and the like, `characters`, `texts` of a pair, or `words`."""
    values: tuple[float, float, float] | None
    """Minimum, maximum and mean of the finite values of arrays."""
    not_finite: int
    """Examples with NaN or infinite values."""
    groups: list[str] | None = None
    """The group of each example, if the split has groups."""
    modality: str
    prints: list[Fingerprint]
    """What tells examples that are nearly equal."""

    @property
    def counts(self) -> dict[str, int]:
        """Number of units with each label."""
        counts = Counter(itertools.chain.from_iterable(self.targets))
        return {label: counts[index] for index, label in enumerate(self.labels)}

    @property
    def one_label_each(self) -> bool:
        return all(len(target) == 1 for target in self.targets)


Contents = Mapping[str, SplitSummary]
"""`source train`, `source test`, `target train`, `target test`; the last two alone if there is no source."""


def read_contents(task: TaskSpec, data: TaskData, faults: CollectedFaults) -> Contents:
    """Read every example once."""
    return {
        f"{name} {part}": _read(f"{name} {part}", task, kind.create(), side, split, faults)
        for name, kind, side in (("source", task.kind_of_source, data.source), ("target", task.kind, data.target))
        if side is not None
        for part, split in (("train", side.train), ("test", side.test))
    }


def _read(name: str, task: TaskSpec, kind: Kind, side: Side, split: Split, faults: CollectedFaults) -> SplitSummary:
    keys, places, shapes, values, prints = [], [], [], [], []
    form, not_finite = "", 0
    for position, example in enumerate(split.inputs):
        keys.append(content_hash(example))
        prints.append(fingerprint(task.modality, example))
        places.append(faults.place(example) or f"{name} example {position}")
        shapes.append(np.shape(example) if isinstance(example, np.ndarray) else (len(example),))
        form = _form(kind, example)
        if isinstance(example, np.ndarray) and example.size:
            finite = example[np.isfinite(example)]
            not_finite += finite.size < example.size
            if finite.size:
                values.append((finite.min(), finite.max(), finite.mean(dtype=np.float64)))
    ranges = np.array(values, np.float64)
    return SplitSummary(
        labels=side.labels if kind.has_classes else (),
        keys=keys,
        targets=[tuple(_shown(kind, label).tolist()) for label in split.labels],
        places=places,
        shapes=shapes,
        form=form,
        values=(ranges[:, 0].min(), ranges[:, 1].max(), ranges[:, 2].mean()) if values else None,
        not_finite=not_finite,
        groups=group_names(split),
        modality=task.modality,
        prints=prints,
    )


def _shown(kind: Kind, label: Any) -> Array:
    """Return the classes that are counted: of a label map not every pixel's, but those that are in it.

    In a label map every element is a class; a table of boxes has fewer classes than elements.
    """
    classes = kind.classes(label)
    is_map = isinstance(label, np.ndarray) and label.ndim > 1 and label.size == len(classes)
    return np.unique(classes) if is_map else classes


def content_hash(example: Any) -> bytes:
    """Return the hash of an example's content: an array with its type and shape, a text, a pair, or a list of words."""
    if isinstance(example, np.ndarray):
        head, body = f"{example.dtype} {example.shape}", np.ascontiguousarray(example).tobytes()
    else:
        text = example if isinstance(example, str) else "\0".join(map(str, example))
        head, body = type(example).__name__, text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(head.encode() + b"\0" + body, digest_size=16).digest()


def _form(kind: Kind, example: Any) -> str:
    if isinstance(example, np.ndarray):
        return str(example.dtype)
    if isinstance(example, str):
        return "characters"
    return kind.postprocess.parts


def sizes(contents: Contents) -> list[dict[str, Any]]:
    """Return the number of examples of each split, their groups if it has any, their sizes and their values."""
    grouped = any(split.groups is not None for split in contents.values())
    return [
        {
            "split": name,
            "examples": len(split.keys),
            **({"groups": _groups(split.groups)} if grouped else {}),
            "size": f"{_ranges(split.shapes)} {split.form}" if split.keys else "",
            "values": "{:.4g} to {:.4g}, mean {:.4g}".format(*split.values) if split.values else "",
            "not finite": split.not_finite,
        }
        for name, split in contents.items()
    ]


def _groups(groups: list[str] | None) -> str:
    """Return `12 of 3-40 examples`: the number of groups, and the sizes of the smallest and the largest."""
    if not groups:
        return ""
    counts = Counter(groups).values()
    low, high = min(counts), max(counts)
    return f"{len(counts)} of {low}{'' if low == high else f'-{high}'} examples"


def _ranges(shapes: list[tuple[int, ...]]) -> str:
    """Return `8 x 8 x 1`, or `3200-16000` for an axis of variable length."""
    if len({len(shape) for shape in shapes}) > 1:
        return "different ranks,"
    axes = [(min(axis), max(axis)) for axis in zip(*shapes, strict=True)]
    return " x ".join(str(low) if low == high else f"{low}-{high}" for low, high in axes)


def class_counts(contents: Contents) -> list[dict[str, Any]]:
    """Return the number of units of each label in every split; None if the domain has no such label."""
    counts = {name: split.counts for name, split in contents.items()}
    labels = dict.fromkeys(label for of_split in counts.values() for label in of_split)
    return [{"class": label, **{name: of_split.get(label) for name, of_split in counts.items()}} for label in labels]
