"""One's own images with boxes."""

from __future__ import annotations

from pathlib import Path

from tlbench import LoadRequest, TaskData, TaskLabels
from tlbench.assets import Parts, has_source, option_path, split_columns
from tlbench_detection.formats.boxed import Boxed
from tlbench_detection.formats.classes import classes_of, note_classes
from tlbench_detection.formats.places import box_parts, files_of


def files(request: LoadRequest) -> list[Path]:
    """Return every file that is read: annotations and images."""
    return [path for parts in _sides(request) if parts is not None for path in files_of(parts)]


def labels(request: LoadRequest) -> TaskLabels:
    """Return the classes of the training boxes of each domain."""
    source, target = _sides(request)
    note_classes(source, target)
    return TaskLabels(source=None if source is None else classes_of(source.train), target=classes_of(target.train))


def load(request: LoadRequest) -> TaskData:
    """Read images in their own size, and their boxes."""
    from tlbench_detection.tasks.data import box_data

    return box_data(*_sides(request))


def _sides(request: LoadRequest) -> tuple[Parts[Boxed] | None, Parts[Boxed]]:
    options = ("target", "source") if has_source(request) else ("target",)
    columns = split_columns(request)
    target, *source = request.faults.attempt_all(
        lambda option: box_parts(option_path(request, option), columns, request.faults), options
    )
    return (source[0] if source else None), target
