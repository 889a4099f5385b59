"""The tasks of transcription, as light specs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench import SPLIT_OPTIONS, LoadRequest, Option, TaskSpec, deferred
from tlbench_speech.transcripts.kind_spec import TRANSCRIPTION

SPEECHOCEAN = "speechocean762: free for commercial and non-commercial use (dataset card: Apache-2.0)"


def _digit_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench_speech.transcripts.published import digit_files

    return digit_files(request)


def _sentence_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench_speech.transcripts.published import sentence_files

    return sentence_files(request)


def _digit_strings() -> TaskSpec:
    return TaskSpec(
        name="speech/digit-strings",
        title="Strings of digits, adults to children",
        summary="Two to six digits in a row, transcribed as words; real voices at 8 kHz.",
        source="600 strings composed from recordings of six men (FSDD): 480 for training, 120 of other takes to test.",
        target="Children who read English, their mother tongue is Mandarin: 76 strings for training, 88 for testing.",
        shift="Children's voices, another accent, and words that run into each other; the alphabet stays the same.",
        mirrors="TIDIGITS, adults to children",
        modality="audio",
        kind=TRANSCRIPTION,
        metric="word-accuracy",
        backbone="audio/logmel-frames",
        label_budget=40,
        augment=("noise", "frequency-mask"),
        augment_strength="none",
        licence=f"FSDD: CC BY-SA 4.0; {SPEECHOCEAN}",
        data_from="data-root",
        requires=("soundfile", "scipy"),
        extra="speech",
        options=(
            Option(name="source", default="", summary="folder with recordings/ of FSDD (default: TLBENCH_DATA/fsdd)"),
            Option(
                name="target",
                default="",
                summary="folder with fsdd_strings.jsonl, utterances.csv and audio/ (default: TLBENCH_DATA/asr_digits)",
            ),
        ),
        files=_digit_files,
        load=deferred("tlbench_speech.transcripts.strings", "load"),
        reader=deferred("tlbench.assets", "sound_reader"),
    )


def _sentences() -> TaskSpec:
    where = "folder with utterances.csv and audio/"
    return TaskSpec(
        name="speech/sentences",
        title="Read sentences, adults to children",
        summary="Short English sentences, transcribed; real voices, too few to train a recogniser from nothing.",
        source="Adults: 36 sentences for training, 24 for testing, each by another speaker.",
        target="Children up to 12 years: 36 sentences for training, 24 for testing, each by another speaker.",
        shift="Children's voices and other words: 60 of 113 words of the children are not among the adults'.",
        mirrors="LibriSpeech and Common Voice across speakers",
        modality="audio",
        kind=TRANSCRIPTION,
        metric="word-accuracy",
        backbone="audio/logmel-frames",
        label_budget=20,
        augment=("noise", "frequency-mask"),
        augment_strength="none",
        licence=SPEECHOCEAN,
        data_from="data-root",
        requires=("soundfile",),
        extra="speech",
        options=(
            Option(name="source", default="", summary=f"{where} of adults (default: TLBENCH_DATA/asr_sentences)"),
            Option(name="target", default="", summary=f"{where} of children (default: TLBENCH_DATA/asr_sentences)"),
        ),
        files=_sentence_files,
        load=deferred("tlbench_speech.transcripts.published", "load_sentences"),
        reader=deferred("tlbench.assets", "sound_reader"),
    )


OWN = (
    Option(
        name="source",
        default="",
        summary="table (CSV, TSV, JSON lines) with the columns file, transcript and split (train, valid, "
        "test); or folder with metadata.csv, with tables train and test as Common Voice has them, or with "
        "*.trans.txt as LibriSpeech has them. Empty: no source domain",
    ),
    Option(name="target", default="", summary="the same for the target"),
    Option(
        name="transcript",
        default="",
        summary="column of the transcripts; empty: transcript, transcription, sentence or text",
    ),
    Option(
        name="normalise",
        default=True,
        summary="transcripts in small letters and without punctuation; false: as they are",
    ),
    Option(
        name="quotes",
        default=True,
        summary="CSV and TSV: quotation marks enclose cells; false: they are ordinary characters, as in the "
        "tables of Common Voice",
    ),
    Option(name="empty", default="refuse", summary="recordings with an empty transcript: refuse, drop or keep"),
    *SPLIT_OPTIONS,
)
"""Options of the task on the user's own recordings."""


def _transcript_table() -> TaskSpec:
    return TaskSpec(
        name="speech/transcript-table",
        title="Your own recordings with transcripts",
        summary="A table of sound files and what is said in them, or a folder as LibriSpeech has it.",
        source="The table or folder in task.source, if there is one.",
        target="The table or folder in task.target.",
        shift="Any difference between the two; the alphabet is that of both.",
        modality="audio",
        kind=TRANSCRIPTION,
        metric="word-accuracy",
        backbone="audio/logmel-frames",
        label_budget=40,
        augment=("noise", "frequency-mask"),
        augment_strength="none",
        data_from="user",
        requires=("soundfile",),
        extra="speech",
        options=OWN,
        files=deferred("tlbench_speech.transcripts.own", "files"),
        load=deferred("tlbench_speech.transcripts.own", "load"),
        labels=deferred("tlbench_speech.transcripts.own", "labels"),
        reader=deferred("tlbench.assets", "sound_reader"),
    )


def transcript_tasks() -> list[TaskSpec]:
    """Return the tasks whose recordings are in files."""
    return [_digit_strings(), _sentences(), _transcript_table()]
