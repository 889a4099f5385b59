"""A task with groups: rows of speakers, each with a voice of its own that no training row has."""

from __future__ import annotations

import dataclasses
from typing import Any

from tlbench import LoadRequest, Side, Split, TaskData, TaskSpec, hookimpl
from tlbench.testing.toy.tasks import toy_tasks

BLOBS = next(task for task in toy_tasks() if task.name == "toy/blobs")


def load(request: LoadRequest) -> TaskData:
    """Return 10 speakers for training and 12 for the test, 25 rows each; a last one for the test has 5."""
    import numpy as np

    random = np.random.default_rng(3)
    centres = random.normal(0, 1, (3, 6))

    def split(speakers: list[str], sizes: list[int]) -> Split:
        groups = np.repeat(speakers, sizes)
        labels = random.integers(3, size=len(groups))
        voices = np.repeat(random.normal(0, 1.2, (len(speakers), 6)), sizes, axis=0)
        rows = centres[labels] + voices + 0.3 * random.normal(size=voices.shape)
        return Split(inputs=rows.astype(np.float32), labels=labels, groups=groups)

    def side(name: str) -> Side:
        train, test = ([f"{name} {part} {number}" for number in range(size)] for part, size in (("a", 10), ("b", 13)))
        return Side(labels=("red", "green", "blue"), train=split(train, [25] * 10), test=split(test, [*[25] * 12, 5]))

    return TaskData(source=side("old"), target=side("new"))


def load_mixed(request: LoadRequest) -> TaskData:
    """Return the same with a speaker of the target's training split in its test split."""
    data = load(request)
    groups: Any = [*data.target.test.groups[:-1], "new a 3"]  # type: ignore[index]
    test = dataclasses.replace(data.target.test, groups=groups)
    return dataclasses.replace(data, target=dataclasses.replace(data.target, test=test))


def load_one(request: LoadRequest) -> TaskData:
    """Return the same with all test rows of the target by one speaker."""
    data = load(request)
    test = dataclasses.replace(data.target.test, groups=["new"] * len(data.target.test.labels))
    return dataclasses.replace(data, target=dataclasses.replace(data.target, test=test))


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    loads = {"toy/speakers": load, "toy/mixed-speakers": load_mixed, "toy/one-speaker": load_one}
    return [dataclasses.replace(BLOBS, name=name, load=read, evaluate=None, options=()) for name, read in loads.items()]
