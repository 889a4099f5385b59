"""A user's recordings in a folder for each speaker, compared in pairs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tlbench import LoadRequest, TaskData, TaskLabels
from tlbench.assets import (
    SOUND_SUFFIXES,
    Labelled,
    Parts,
    class_sides,
    common_rate,
    files_read,
    has_source,
    option_path,
    split_columns,
)
from tlbench_speech.verification.clips import (
    Clip,
    Partners,
    by_speakers,
    check_speakers,
    sound_paths,
    verification_data,
)
from tlbench_speech.verification.kind_spec import ANSWERS
from tlbench_speech.verification.trials import with_trials


def files(request: LoadRequest) -> Sequence[Path]:
    """Return the sound files of both domains, tables that list them, and the list of pairs."""
    listed = [option_path(request, "trials")] if str(request.options["trials"]) else []
    return [*listed, *files_read(*_files(request))]


def labels(request: LoadRequest) -> TaskLabels:
    """Return what can be said of two clips, the same for both domains."""
    return TaskLabels(source=ANSWERS if has_source(request) else None, target=ANSWERS)


def load(request: LoadRequest) -> TaskData:
    """Read all recordings at the lowest sample rate of any of them."""
    source, target, partners = _sides(request)
    rate = common_rate(sound_paths(source, target), request.faults)
    return verification_data(source, target, rate, partners)


def _sides(request: LoadRequest) -> tuple[Parts[Clip] | None, Parts[Clip], Partners | None]:
    source, target = (None if parts is None else _named(parts) for parts in _files(request))
    assert target is not None
    partners: Partners | None = None
    if str(request.options["trials"]):
        target, partners = with_trials(target, option_path(request, "trials"))
    sides = (None if source is None else by_speakers(source), by_speakers(target))
    for parts in sides:
        if parts is not None:
            check_speakers(parts)
    return sides[0], sides[1], partners


def _files(request: LoadRequest) -> tuple[Parts[Path] | None, Parts[Path]]:
    """Return the files of both domains; with times, a speaker is as late as their last clip."""
    if split_columns(request).time:
        request = replace(request, options={**request.options, "group": "label"})
    return class_sides(request, SOUND_SUFFIXES)


def _named(files: Parts[Path]) -> Parts[Clip]:
    """Return clips that are named by their paths below the folder, or beside the table, that lists them.

    If both splits have a clip of the same name, all names begin with the folder of the split: `train/SPEAKER/0.wav`.
    """
    named = files.map(lambda half: _below(half, _root(half)))
    if {clip.name for clip in named.train.inputs}.isdisjoint(clip.name for clip in named.test.inputs):
        return named
    return files.map(lambda half: _below(half, _root(half).parent))


def _root(half: Labelled[Path]) -> Path:
    return half.where if half.where.is_dir() else half.where.parent


def _below(half: Labelled[Path], root: Path) -> Labelled[Clip]:
    names = [os.fsencode(os.path.relpath(path, root)).decode("utf-8", "backslashreplace") for path in half.inputs]
    return half.with_inputs([Clip(*pair) for pair in zip(half.inputs, names, strict=True)], half.labels)
