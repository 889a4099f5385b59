"""Recordings: FSDD (Jackson et al., Free Spoken Digit Dataset), and one's own in class folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench import Array, LoadRequest, TaskData, TaskLabels
from tlbench.assets import (
    SOUND_SUFFIXES,
    Labelled,
    Parts,
    class_sides,
    common_rate,
    example_files,
    read_sound,
    task_data,
    task_labels,
)
from tlbench_data.public import fsdd_files

FSDD_TEST = 5
"""The published rule: takes 0 to 4 of each digit and speaker are the test."""


def load_folders(request: LoadRequest) -> TaskData:
    """Read sound files in class folders."""
    return read_sides(*class_sides(request, SOUND_SUFFIXES))


def labels(request: LoadRequest) -> TaskLabels:
    """Return the classes of each domain."""
    return task_labels(*class_sides(request, SOUND_SUFFIXES))


def load_fsdd(request: LoadRequest) -> TaskData:
    """Read the recordings of both sides."""
    return read_sides(*(_fsdd_parts(fsdd_files(request, option)) for option in ("source", "target")))


def _fsdd_parts(paths: Sequence[Path]) -> Parts[Path]:
    digits = [path.stem.split("_")[0] for path in paths]
    takes = [int(path.stem.split("_")[2]) for path in paths]
    examples = Labelled(where=paths[0].parent, inputs=paths, labels=digits)
    return Parts(
        train=examples.take(i for i, take in enumerate(takes) if take >= FSDD_TEST),
        test=examples.take(i for i, take in enumerate(takes) if take < FSDD_TEST),
    )


def read_sides(source: Parts[Path] | None, target: Parts[Path]) -> TaskData:
    """Return the task of recordings in files; None is a source that there is not."""
    rate = common_rate(example_files(source, target), target.train.faults)

    def read(parts: Parts[Path]) -> Parts[Array]:
        return parts.map(lambda files: files.read(lambda path: read_sound(path, rate, files.faults)[0]))

    first = None if source is None else read(source)
    return task_data(first, read(target), sample_rate=rate, reading={"sample_rate": rate})
