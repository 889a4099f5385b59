"""Clips of speakers in files: divided by speakers, paired, read, and made the domains of a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tlbench import Array, BadInputError, Side, Split, TaskData
from tlbench.assets import Labelled, Parts, divide, example_files, join_examples, quoted, read_sound
from tlbench_speech.verification.kind_spec import ANSWERS

LEAST_SPEAKERS = 2
"""Speakers of a split at the least: one alone gives no pair of different speakers."""
Partners = Mapping[str, Sequence[str]]
"""Name of a clip -> names of the clips that it is compared with, each pair once."""


class Clip(NamedTuple):
    """A sound file, and the name by which lists of pairs name it."""

    path: Path
    name: str


class Heard(NamedTuple):
    """A waveform `(T,)` float32, and the name of its clip."""

    waveform: Array
    name: str


def by_speakers(parts: Parts[Clip], part: float = 0.2) -> Parts[Clip]:
    """Return a domain in which no speaker, the label of a clip, is in both splits.

    Splits that have no speaker in common stay. Else all clips are divided anew: about `part` of the speakers, two at
    the least, are the test split: the latest, or those whose names have the smallest hashes.
    """
    if not set(parts.train.labels) & set(parts.test.labels):
        return parts
    clips = join_examples(parts.train, parts.test)
    speakers = sorted(set(clips.labels))
    if len(speakers) < 2 * LEAST_SPEAKERS:
        raise BadInputError(
            f'"{clips.where}" has clips of {len(speakers)} speakers; expected {2 * LEAST_SPEAKERS} or more, because '
            f"the test split has other speakers than the training split: add speakers."
        )
    alike = clips.with_inputs(list(zip(clips.inputs, clips.labels, strict=True)), [""] * len(clips))
    held = divide(replace(alike, groups=clips.labels), clips.labels, max(part, LEAST_SPEAKERS / len(speakers)))
    divided = held.map(lambda half: half.with_inputs([one for one, _ in half.inputs], [who for _, who in half.inputs]))
    tested = sorted(set(divided.test.labels))
    clips.faults.note(
        f'The test split of "{clips.where}" are the clips of {len(tested)} of {len(speakers)} speakers: '
        f"{quoted(tested)}."
    )
    return divided


def check_speakers(parts: Parts[Clip]) -> None:
    """Raise `BadInputError` for a split with too few speakers, or without two clips of one speaker."""
    for what, half in (("training", parts.train), ("test", parts.test)):
        speakers = set(half.labels)
        if len(speakers) < LEAST_SPEAKERS:
            mend = "Add speakers." if half.times is None else "Add speakers, or leave out task.time."
            half.faults.refuse(
                f'The {what} split of "{half.where}" has clips of {len(speakers)} speakers: '
                f"expected {LEAST_SPEAKERS} or more. {mend}"
            )
        elif len(speakers) == len(half):
            half.faults.refuse(
                f'The {what} split of "{half.where}" has one clip of each speaker: there is no pair of the same '
                f"speaker. Add clips."
            )


def verification_data(
    source: Parts[Clip] | None, target: Parts[Clip], rate: int, partners: Partners | None = None
) -> TaskData:
    """Return the task of clips in files at a sample rate in Hz; `partners` are the pairs of the target's test split.

    Without `partners` all pairs of a test split are compared.
    """
    first = None if source is None else _side(source, rate, None)
    return TaskData(source=first, target=_side(target, rate, partners), sample_rate=rate, reading={"sample_rate": rate})


def _side(parts: Parts[Clip], rate: int, partners: Partners | None) -> Side:
    number = {name: place for place, name in enumerate(sorted({*parts.train.labels, *parts.test.labels}))}

    def split(clips: Labelled[Clip], paired: Partners | None) -> Split:
        heard = clips.read(lambda clip: _hear(clip, rate, clips))
        for one in heard.inputs:
            clips.faults.locate(one.waveform, one.name)
        return speaker_split(heard.inputs, heard.labels, number, paired)

    return Side(labels=ANSWERS, train=split(parts.train, None), test=split(parts.test, partners))


def speaker_split(
    heard: Sequence[Heard], speakers: Sequence[str], number: Mapping[str, int], partners: Partners | None = None
) -> Split:
    """Return clips and their speakers as a split: labels are numbers of speakers, who are the groups."""
    names = [one.name for one in heard]
    return Split(
        inputs=[one.waveform for one in heard],
        labels=[number[speaker] for speaker in speakers],
        references=[[name, None if partners is None else list(partners.get(name, ()))] for name in names],
        groups=list(speakers),
    )


def _hear(clip: Clip, rate: int, clips: Labelled[Clip]) -> Heard:
    return Heard(read_sound(clip.path, rate, clips.faults)[0], clip.name)


def sound_paths(*sides: Parts[Clip] | None) -> list[Path]:
    """Return the sound files of these domains; None is a domain that there is not."""
    return [clip.path for clip in example_files(*sides)]
