"""Recordings with transcripts in files: read, checked, and made the domains of a task."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tlbench import Array, LoadRequest, Side, Split, TaskData
from tlbench.assets import Labelled, Parts, example_files, read_sound
from tlbench_speech.transcripts.best_path import UNKNOWN

FRAMES = 50
"""Frames in a second, of `audio/logmel-frames`, wav2vec 2.0, HuBERT and Whisper."""
SILENT = 1e-3
"""Largest sample, 60 dB below full scale, up to which a clip counts as silent."""
QUOTED = re.compile(r"(?<!\w)‘([^‘]*?)’(?!\w)")
"""What is between single quotation marks; an apostrophe at a word's end is the same sign as the closing one."""
APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "`": "'"})


class Recording(NamedTuple):
    """A sound file and what is said in it."""

    path: Path
    transcript: str
    where: str
    """The place of the transcript, for messages."""


class Heard(NamedTuple):
    """A waveform `(T,)` float32 and what is said in it."""

    waveform: Array
    transcript: str


def normalised(text: str) -> str:
    """Return a text in small letters, without punctuation and symbols but apostrophes, one space between words."""
    folded = QUOTED.sub(r" \1 ", unicodedata.normalize("NFC", text)).translate(APOSTROPHES).lower()
    words = "".join(map(_kept, folded)).split()
    return " ".join(filter(None, (word.strip("'") if word[0] == word[-1] == "'" else word for word in words)))


def _kept(sign: str) -> str:
    category = unicodedata.category(sign)
    if category == "Cf":  # Soft hyphens and joiners are within words.
        return ""
    return " " if category[0] in "PSC" and sign != "'" else sign


def spaced(text: str) -> str:
    """Return a text as it is, but composed (NFC), with one space between words, and without signs of lost ones."""
    return " ".join(unicodedata.normalize("NFC", text).replace(UNKNOWN, " ").split())


def transcript_of(text: str, request: LoadRequest) -> str:
    """Return the transcript in a text, as `task.normalise` says."""
    return normalised(text) if request.options["normalise"] else spaced(text)


def frames_needed(transcript: str) -> int:
    """Return the fewest frames to which CTC can align a transcript: a blank is between two equal characters."""
    return len(transcript) + len(re.findall(r"(.)(?=\1)", transcript))


def alphabet_of(*sides: Parts[Recording] | None) -> tuple[str, ...]:
    """Return the space between words and the characters of all training transcripts, in order.

    As names of classes are, an alphabet is a part of the problem: it is known before the first label is. A character
    without a training example can never be recognised: it is no output, and where a test transcript has it counts as
    an error.
    """
    return tuple(sorted({" "} | _characters(parts.train for parts in sides if parts is not None)))


def _characters(splits: Iterable[Labelled[Recording]]) -> set[str]:
    return {character for split in splits for one in split.inputs for character in one.transcript}


def check_characters(*sides: Parts[Recording] | None) -> None:
    """Note characters of test transcripts that no training transcript has, and those of the target alone."""
    there = [parts for parts in sides if parts is not None]
    trained = _characters(parts.train for parts in there)
    for split in (parts.test for parts in there):
        if unknown := [one for one in split.inputs if set(one.transcript) - trained]:
            shown = "".join(sorted(_characters([split]) - trained))
            split.faults.note(
                f"{len(unknown)} of {len(split)} test transcripts contain characters that no training transcript has, "
                f'"{shown}", such as {unknown[0].where}: they cannot be recognised and count as errors. Correct these '
                f"transcripts, or add training examples."
            )
    if len(there) > 1 and (new := sorted(trained - _characters(parts.train for parts in there[:1]))):
        there[-1].train.faults.note(
            f'No source transcript has "{"".join(new)}": the source model never recognises these characters.'
        )


def read_side(parts: Parts[Recording], alphabet: Sequence[str], rate: int) -> Side:
    """Read all recordings of a domain at a sample rate in Hz; what is doubtful in them is noted.

    Characters of test transcripts outside the alphabet become `UNKNOWN`.
    """

    def split(recordings: Labelled[Recording]) -> Split:
        heard = recordings.read(lambda one: _hear(one, rate, recordings))
        for one in heard.inputs:
            recordings.faults.locate(one.waveform, one)
        return Split(
            inputs=[one.waveform for one in heard.inputs],
            labels=[one.transcript for one in heard.inputs],
            groups=heard.groups,
        )

    test = split(parts.test)
    known = [_with_unknown(text, alphabet) for text in test.labels]
    return Side(labels=tuple(alphabet), train=split(parts.train), test=replace(test, labels=known))


def _with_unknown(transcript: str, alphabet: Sequence[str]) -> str:
    return "".join(character if character in alphabet else UNKNOWN for character in transcript)


def _hear(one: Recording, rate: int, recordings: Labelled[Recording]) -> Heard:
    faults = recordings.faults
    faults.locate(one, one.where)
    waveform, _ = read_sound(one.path, rate, faults)
    seconds, needed = len(waveform) / rate, frames_needed(one.transcript)
    if one.transcript and abs(waveform).max() <= SILENT:
        faults.note("A recording is silent: remove it, or give it an empty transcript.", one.path)
    if needed > (frames := int(seconds * FRAMES)):
        faults.note(
            f'{one.where}: the transcript needs {needed} frames, but "{one.path}" has {frames} ({seconds:.2f} s at '
            f"{FRAMES} frames a second): it cannot be aligned, and nothing is learnt from it. Correct the transcript, "
            f"or remove the recording."
        )
    return Heard(waveform, one.transcript)


def transcript_data(
    source: Parts[Recording] | None,
    target: Parts[Recording],
    rate: int,
    alphabet: Sequence[str] = (),
) -> TaskData:
    """Return the task of recordings in files; without an alphabet it is that of the transcripts."""
    check_characters(source, target)
    known = tuple(alphabet) or alphabet_of(source, target)
    first = None if source is None else read_side(source, known, rate)
    return TaskData(
        source=first, target=read_side(target, known, rate), sample_rate=rate, reading={"sample_rate": rate}
    )


def sound_paths(*sides: Parts[Recording] | None) -> list[Path]:
    """Return the sound files of these domains; None is a domain that there is not."""
    return [one.path for one in example_files(*sides)]
